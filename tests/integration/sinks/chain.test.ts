import assert from 'node:assert/strict';
import { mintSink, type MintSinkOptions } from '../../../actors/sinks/chain.js';
import type { MintClient, SignedMint } from '../../../protocols/solana/mint-client.js';
import { newWallets, startMinting, startTestChain, type TestChain } from '../../support/chain.js';
import type { Note } from '../../support/notifier.js';
import { startSinkBed, type SinkBed } from '../../support/sinks.js';

type Client = MintSinkOptions<Note>['client'];

describe('mintSink', function () {
  this.timeout(60_000);
  let chain: TestChain;
  let client: MintClient;
  let bed: SinkBed;
  const policy = { attempts: 50, backoffMs: { initial: 20, max: 100 }, timeoutMs: 20_000 };

  before(async () => {
    // A blockhash is good for 150 slots: 1.5 s.
    chain = await startTestChain({ slotMs: 10 });
    ({ client } = await startMinting(chain));
  });
  after(() => chain.remove());
  afterEach(() => bed.stop());

  /** The real client, but for what is given. */
  const through = (changes: Partial<Client>): Client => ({
    plan: (...of) => client.plan(...of),
    sign: (...of) => client.sign(...of),
    send: (...of) => client.send(...of),
    outcome: (...of) => client.outcome(...of),
    ...changes,
  });
  const start = async (changes: Partial<Client>): Promise<void> => {
    const items = ({ text }: Note) => [{ wallet: text, amount: 7n }];
    bed = await startSinkBed((bus) => mintSink<Note>({ bus, client: through(changes), items, policy }));
  };
  const balanceOf = async (wallet: string): Promise<bigint> => {
    const [check] = await client.checkWallets([wallet]);
    assert.ok(check !== undefined && 'tokenAccount' in check);
    return client.history.balance(check.tokenAccount);
  };

  it('mints once, though it is interrupted before and after the transaction was sent', async () => {
    const [wallet = ''] = newWallets(1);
    let sends = 0;
    let signs = 0;
    await start({
      sign: (plan) => {
        signs += 1;
        return client.sign(plan);
      },
      send: async (signed) => {
        sends += 1;
        if (sends === 1) throw new Error('the node ended before it was sent');
        await client.send(signed);
        if (sends === 2) throw new Error('the answer was lost');
      },
    });
    await bed.note('a', wallet);
    await bed.settled();
    assert.equal(await balanceOf(wallet), 7n);
    assert.equal(signs, 1);
    assert.ok(sends >= 2);
  });

  it('signs another one only when the first can never be taken any more', async () => {
    const [wallet = ''] = newWallets(1);
    const lost: SignedMint[] = [];
    const signed: SignedMint[] = [];
    await start({
      sign: async (plan) => {
        const next = await client.sign(plan);
        signed.push(next);
        return next;
      },
      // What is handed over of the first is lost on its way.
      send: async (each) => {
        if (each.transaction === signed[0]?.transaction) lost.push(signed[0]);
        else await client.send(each);
      },
    });
    await bed.note('a', wallet);
    await bed.settled();
    assert.equal(await balanceOf(wallet), 7n);
    assert.equal(signed.length, 2);
    assert.ok(lost.length > 0);
    assert.equal((await client.outcome(signed[0] as SignedMint)).status, 'expired');
    assert.equal((await client.outcome(signed[1] as SignedMint)).status, 'confirmed');
  });

  it('parks what can never be minted, and says why', async () => {
    await start({});
    await bed.note('a', 'no wallet at all');
    await bed.settled();
    const [letter] = await bed.system.deadLetters.list();
    assert.equal(letter?.letter.error.code, 'effects.refused');
    assert.match(letter?.letter.error.message ?? '', /no wallet at all/);
  });
});
