import assert from 'node:assert/strict';
import type { Bus } from '../../../bus/connection.js';
import { PARTITIONS } from '../../../bus/subjects.js';
import { Bank } from '../../../examples/bank-transfer/bank.js';
import type { Order } from '../../../examples/bank-transfer/transfer.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

const CUSTOMERS = ['ada', 'bert', 'clara', 'dora', 'emil'];
const START = 1_000;

describe('the bank of examples/bank-transfer', function () {
  this.timeout(60_000);
  let nats: TestNats;
  const running: { bank: Bank; bus: Bus }[] = [];

  async function startBank(node: string) {
    const bus = await nats.connect(node);
    const bank = new Bank(bus, node);
    running.push({ bank, bus });
    await bank.system.start();
    return { bank, bus };
  }

  /** The sum of all accounts; the vault's balance is what it has given, with the other sign. */
  async function balances(bank: Bank): Promise<Record<string, number>> {
    const found: Record<string, number> = {};
    for (const name of ['vault', 'gone', ...CUSTOMERS]) found[name] = await bank.balance(name);
    return found;
  }

  async function settled(bank: Bank): Promise<void> {
    await eventually(async () => ((await bank.underWay()).length === 0 ? true : undefined), {
      within: 40_000,
      what: 'every transfer at its end',
    });
  }

  function sum(found: Record<string, number>): number {
    return Object.values(found).reduce((total, balance) => total + balance, 0);
  }

  beforeEach(async () => {
    nats = await startNats();
  });
  afterEach(async () => {
    // A node that was cut off cannot give its partitions back any more.
    for (const { bank, bus } of running.splice(0)) {
      await bank.system.stop().catch((error: unknown) => assert.ok(bus.nats.isClosed(), String(error)));
    }
    await nats.stop();
  });

  async function openAccounts(bank: Bank): Promise<void> {
    await bank.open('vault', Number.MAX_SAFE_INTEGER);
    await bank.open('gone');
    await bank.close('gone');
    for (const name of CUSTOMERS) {
      await bank.open(name);
      await bank.transfer(`start-${name}`, { from: 'vault', to: name, amount: START });
    }
    await settled(bank);
  }

  it('does, refuses and returns', async () => {
    const { bank } = await startBank('n1');
    await openAccounts(bank);
    await bank.transfer('good', { from: 'ada', to: 'bert', amount: 300 });
    await bank.transfer('too-much', { from: 'clara', to: 'bert', amount: START + 1 });
    await bank.transfer('closed', { from: 'dora', to: 'gone', amount: 10 });
    await settled(bank);
    assert.deepEqual(
      [await bank.state('good'), await bank.state('too-much'), await bank.state('closed')],
      ['done', 'refused', 'returned'],
    );
    assert.deepEqual(await balances(bank), {
      vault: -CUSTOMERS.length * START,
      gone: 0,
      ada: 700,
      bert: 1_300,
      clara: START,
      dora: START,
      emil: START,
    });
  });

  it('neither loses nor makes money when its node dies in the middle', async () => {
    const first = await startBank('n1');
    await openAccounts(first.bank);
    const orders = new Map<string, Order>();
    for (let index = 0; index < 60; index++) {
      const from = CUSTOMERS[index % CUSTOMERS.length] as string;
      const to = index % 7 === 3 ? 'gone' : (CUSTOMERS[(index + 1 + (index % 3)) % CUSTOMERS.length] as string);
      orders.set(`t${index}`, { from, to, amount: 10 + index });
    }
    await Promise.all([...orders].map(([id, order]) => first.bank.transfer(id, order)));
    const cutShort = (await first.bank.underWay()).length;
    assert.ok(cutShort > 0, 'all were done before the cut');
    await first.bus.nats.close();

    const { bank } = await startBank('n2');
    await eventually(() => (bank.system.owned.size === PARTITIONS ? true : undefined), { what: 'all partitions' });
    await settled(bank);
    const expected: Record<string, number> = Object.fromEntries(CUSTOMERS.map((name) => [name, START]));
    for (const [id, { from, to, amount }] of orders) {
      const end = await bank.state(id);
      assert.equal(end, to === 'gone' ? 'returned' : 'done', id);
      if (end !== 'done') continue;
      expected[from] = (expected[from] as number) - amount;
      expected[to] = (expected[to] as number) + amount;
    }
    const found = await balances(bank);
    assert.deepEqual(found, { vault: -CUSTOMERS.length * START, gone: 0, ...expected });
    assert.equal(sum(found), 0);
  });
});
