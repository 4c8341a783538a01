import assert from 'node:assert/strict';
import type { MintSettings } from '../../../actors/mint/worker.js';
import { createMintBatchKind, mintBatchRef } from '../../../actors/mint-batch.js';
import { createMinterKind, minterRef } from '../../../actors/minter.js';
import { createSystem, ref, type ActorSystem } from '../../../actors/runtime/system.js';
import type { Bus } from '../../../bus/connection.js';
import { PARTITIONS } from '../../../bus/subjects.js';
import { StatewattError } from '../../../errors/error.js';
import type { MinterContext } from '../../../machines/minter.js';
import type { MintBatchContext } from '../../../machines/mint-batch/events.js';
import type { MintItem } from '../../../site/minting/item.js';
import { acceptingMeter } from '../../support/accepting-meter.js';
import { mintItem, walletAddress } from '../../support/minting.js';
import { TestChain } from '../../support/model-chain.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

const WITHIN = { within: 20_000 };

describe('minting on JetStream', function () {
  this.timeout(60_000);
  let nats: TestNats;
  let chain: TestChain;
  let node: Node;
  let nodes = 0;
  const settings: MintSettings = {
    autoMint: true,
    batchSize: 50,
    pollingIntervalMs: 20,
    policy: { maxRetries: 2, initialDelayMs: 100 },
  };

  interface Node {
    readonly system: ActorSystem;
    readonly bus: Bus;
    readonly minter: ReturnType<typeof createMinterKind>;
    readonly batch: ReturnType<typeof createMintBatchKind>;
  }

  async function join(changes: Partial<MintSettings> = {}): Promise<Node> {
    const bus = await nats.connect(`n${++nodes}`);
    const minter = createMinterKind({
      bus,
      chain,
      settings: () => ({ ...settings, ...changes }),
      meterIdOf: (actor) => actor,
      lookEveryMs: 20,
    });
    const batch = createMintBatchKind(chain);
    const system = createSystem({
      bus,
      kinds: [minter, batch, acceptingMeter],
      node: `n${nodes}`,
      alwaysOn: () => [minterRef(minter)],
    });
    await system.start();
    return { system, bus, minter, batch };
  }

  /** As a crash would end it: nothing is said to anybody. */
  async function cut({ bus, system }: Node): Promise<void> {
    await bus.nats.close();
    await system.stop().catch(() => undefined);
  }

  async function submit(items: readonly MintItem[]): Promise<void> {
    for (const item of items) {
      await node.system.ask(ref(acceptingMeter, item.meter), { type: 'submit', items: [item] });
    }
  }

  async function minterContext(): Promise<MinterContext> {
    return (await node.system.query(minterRef(node.minter))).context as MinterContext;
  }

  async function batchContext(id: string): Promise<MintBatchContext> {
    return (await node.system.query(mintBatchRef(node.batch, id))).context as MintBatchContext;
  }

  /** Until so many readings were minted. */
  const settled = (count: number): Promise<MinterContext> =>
    eventually(
      async () => {
        const context = await minterContext();
        return context.totals.settled === count ? context : undefined;
      },
      { ...WITHIN, what: `${count} readings minted` },
    );

  const isOpen = (state: string): Promise<string> =>
    eventually(async () => (await minterContext()).open.find((batch) => batch.state === state)?.id, {
      ...WITHIN,
      what: `a batch is ${state}`,
    });

  /** What the chain holds is what was submitted, in each wallet; every batch has one transaction that was taken. */
  function assertMinted(items: readonly MintItem[]): void {
    const expected = new Map<string, bigint>();
    for (const { wallet, tokens } of items) expected.set(wallet, (expected.get(wallet) ?? 0n) + BigInt(tokens));
    assert.deepEqual([...chain.balances].sort(), [...expected].sort());
    const taken = [...chain.transactions.values()].filter(({ slot }) => slot !== undefined).map(({ batch }) => batch);
    assert.equal(new Set(taken).size, taken.length);
  }

  const some = (count: number, owners = 3, first = 0): MintItem[] =>
    Array.from({ length: count }, (_, index) => mintItem(index % owners, first + index, BigInt(first + index + 1)));

  beforeEach(async () => {
    nats = await startNats();
    chain = new TestChain();
  });
  afterEach(async () => {
    await node.system.stop();
    await nats.stop();
  });

  it('finds the readings that were accepted, and mints each once', async () => {
    node = await join();
    const items = some(5);
    await submit(items);
    const { totals, open, recent } = await settled(5);
    assertMinted(items);
    assert.deepEqual(open, []);
    assert.ok(recent.length >= 1);
    assert.equal(totals.readings, 5);
    assert.equal(totals.tokens, '15');
    assert.equal(totals.feesEstimated, totals.feesPaid);
    const last = await batchContext(recent[0]?.id ?? '');
    assert.equal(last.state, 'settled');
    assert.match(last.transaction?.signature ?? '', /^signature\d+$/);
  });

  it('waits for others up to the polling interval, and makes one batch of them', async () => {
    node = await join({ batchSize: 5, pollingIntervalMs: 60_000 });
    const items = some(4, 1);
    await submit(items);
    await eventually(async () => {
      const { live } = node.system.inspect(minterRef(node.minter)) as { live?: { waiting?: number } };
      return live?.waiting === 4 ? true : undefined;
    });
    assert.deepEqual(chain.built, []);
    await submit(some(1, 1, 4));
    await settled(5);
    assert.equal(chain.built.length, 1);
  });

  it('fills batches that are larger than what it collects at once otherwise', async () => {
    node = await join({ batchSize: 700, pollingIntervalMs: 60_000 });
    for (let from = 0; from < 700; from += 100) await submit(some(100, 1, from));
    await settled(700);
    assert.equal(chain.built.length, 1);
  });

  it('mints nothing by itself when that is switched off, and all that waits when told to', async () => {
    node = await join({ autoMint: false });
    const items = some(5);
    await submit(items);
    await node.system.ask(minterRef(node.minter), { type: 'mint' });
    await settled(5);
    await eventually(async () => ((await minterContext()).wanted ? undefined : true));
    const more = some(2, 2, 10);
    await submit(more);
    const minted = chain.built.length;
    await node.system.ask(minterRef(node.minter), { type: 'auto', enabled: true });
    await settled(7);
    assert.ok(chain.built.length > minted);
    assertMinted([...items, ...more]);
  });

  it('tries again after a failure: one failure and a success are two attempts', async () => {
    node = await join();
    chain.fail('build');
    await submit(some(1));
    const { recent } = await settled(1);
    const { attempt, lastError } = await batchContext(recent[0]?.id ?? '');
    assert.equal(attempt, 2);
    assert.equal(lastError, null);
  });

  it('parks what does not get through, until somebody has it tried again', async () => {
    node = await join();
    for (let failure = 0; failure < 3; failure++) chain.fail('sign');
    const items = some(1);
    await submit(items);
    const id = await isOpen('parked');
    const { attempt, lastError } = await batchContext(id);
    assert.equal(attempt, 3);
    assert.equal(lastError?.error.code, 'chain.unavailable');
    const { state } = await node.system.ask(mintBatchRef(node.batch, id), { type: 'retry' });
    assert.equal(state, 'building');
    await settled(1);
    assertMinted(items);
    await assert.rejects(
      node.system.ask(mintBatchRef(node.batch, id), { type: 'retry' }),
      (error) => error instanceof StatewattError && error.code === 'mint.state',
    );
    await assert.rejects(
      node.system.ask(mintBatchRef(node.batch, 'nowhere'), { type: 'retry' }),
      (error) => error instanceof StatewattError && error.code === 'mint.not_found',
    );
  });

  it('does not hold others up for one bad wallet', async () => {
    node = await join({ autoMint: false });
    const items = some(6);
    chain.bad.add(walletAddress(1));
    await submit(items);
    await node.system.ask(minterRef(node.minter), { type: 'mint' });
    const good = items.filter(({ wallet }) => wallet !== walletAddress(1));
    await settled(good.length);
    assertMinted(good);
    const id = await isOpen('parked');
    assert.deepEqual(
      (await batchContext(id)).items,
      items.filter((item) => !good.includes(item)),
    );
    chain.bad.clear();
    await node.system.ask(mintBatchRef(node.batch, id), { type: 'retry' });
    await settled(items.length);
    assertMinted(items);
  });

  it('collects nothing while the chain is away', async () => {
    node = await join();
    for (let failure = 0; failure < 2; failure++) chain.fail('ready');
    await submit(some(3));
    await settled(3);
    assert.equal((await minterContext()).open.length, 0);
  });

  it('builds another transaction when one was lost for good', async () => {
    node = await join();
    const sending = chain.hold('send');
    const asking = chain.hold('status');
    const items = some(1);
    await submit(items);
    await sending.reached;
    chain.fail('send');
    sending.open();
    await asking.reached;
    chain.height += 151;
    asking.open();
    await settled(1);
    assertMinted(items);
    assert.equal(chain.transactions.size, 2);
  });

  for (const step of ['build', 'sign', 'send', 'status'] as const) {
    it(`mints each reading once when the node is killed in “${step}”`, async () => {
      node = await join();
      const held = chain.hold(step);
      const items = some(12);
      await submit(items);
      await held.reached;
      const killed = node;
      const [, joined] = await Promise.all([cut(killed), join()]);
      node = joined;
      held.open();
      await eventually(() => (joined.system.owned.size === PARTITIONS ? true : undefined), {
        ...WITHIN,
        what: 'all partitions',
      });
      await settled(items.length);
      assertMinted(items);
    });
  }
});
