import assert from 'node:assert/strict';
import { reconcile } from '../../../actors/mint/reconcile.js';
import { SolanaMint } from '../../../actors/mint/solana.js';
import { createMintBatchKind } from '../../../actors/mint-batch.js';
import { createMinterKind, minterRef } from '../../../actors/minter.js';
import { createSystem, ref, type ActorSystem } from '../../../actors/runtime/system.js';
import type { MinterContext } from '../../../machines/minter.js';
import type { MintBatchContext } from '../../../machines/mint-batch/events.js';
import type { Bus } from '../../../bus/connection.js';
import type { MintClient, MintPlan } from '../../../protocols/solana/mint-client.js';
import type { MintItem } from '../../../site/minting/item.js';
import { acceptingMeter } from '../../support/accepting-meter.js';
import { newWallets, startMinting, startTestChain, type TestChain } from '../../support/chain.js';
import { mintItem } from '../../support/minting.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

describe('minting on the embedded chain', function () {
  this.timeout(120_000);
  let nats: TestNats;
  let chain: TestChain;
  let client: MintClient;
  let bus: Bus;
  let system: ActorSystem;
  let minter: ReturnType<typeof createMinterKind>;
  let sequence = 0;
  let expected = 0n;
  let settled = 0;
  let stop: () => Promise<void>;

  const settings = {
    ...{ autoMint: false, batchSize: 50, pollingIntervalMs: 60_000 },
    policy: { maxRetries: 2, initialDelayMs: 200 },
  };

  before(async () => {
    [nats, chain] = await Promise.all([startNats(), startTestChain()]);
    client = (await startMinting(chain)).client;
    let refused = 0;
    const mint = new SolanaMint(async () => {
      if (++refused === 1) throw new Error('the first connection does not succeed');
      return client;
    });
    bus = await nats.connect('n1');
    minter = createMinterKind({
      bus,
      chain: mint,
      settings: () => settings,
      meterIdOf: (actor) => actor,
      lookEveryMs: 20,
    });
    const batch = createMintBatchKind(mint);
    system = createSystem({
      bus,
      kinds: [minter, batch, acceptingMeter],
      node: 'n1',
      alwaysOn: () => [minterRef(minter)],
    });
    await system.start();
    stop = () => system.stop();
  });
  after(async () => {
    await stop();
    await Promise.all([nats.stop(), chain.remove()]);
  });

  async function context(): Promise<MinterContext> {
    return (await system.query(minterRef(minter))).context as MinterContext;
  }

  /** Readings of one submission for each wallet, minted at once; those of bad wallets are not waited for. */
  async function mint(wallets: readonly string[], { bad = 0 } = {}): Promise<MinterContext> {
    const items: MintItem[] = wallets.map((wallet, owner) => ({
      ...mintItem(owner, ++sequence, BigInt(sequence)),
      wallet,
    }));
    await system.ask(ref(acceptingMeter, 'm1'), { type: 'submit', items });
    await system.ask(minterRef(minter), { type: 'mint' });
    for (const { tokens } of items.slice(bad)) expected += BigInt(tokens);
    settled += items.length - bad;
    return eventually(
      async () => {
        const now = await context();
        return now.totals.settled === settled && !now.wanted ? now : undefined;
      },
      { within: 60_000, what: `${settled} readings minted` },
    );
  }

  it('mints to new wallets and to known ones, and knows what it costs', async () => {
    const wallets = newWallets(3);
    const { totals, recent } = await mint(wallets);
    assert.equal(await client.history.supply(), expected);
    assert.equal(totals.feesPaid, totals.feesEstimated);
    assert.ok(BigInt(totals.feesPaid) > 0n);
    const { transaction, outcome } = (await system.query({ kind: 'mint-batch', id: recent[0]?.id ?? '' }))
      .context as MintBatchContext;
    assert.ok(BigInt(transaction?.rentEstimate ?? '0') > 0n);
    assert.ok((outcome?.slot ?? 0) > 0);
    await mint(wallets);
    assert.equal(await client.history.supply(), expected);
  });

  it('parts a batch whose new wallets do not fit one transaction', async () => {
    const { open } = await mint(newWallets(16));
    assert.equal(await client.history.supply(), expected);
    assert.deepEqual(open, []);
  });

  it('does not hold others up for a wallet that cannot be paid', async () => {
    const { open } = await mint([client.mint, ...newWallets(2)], { bad: 1 });
    assert.equal(await client.history.supply(), expected);
    assert.equal(open.length, 1);
    const parked = await eventually(async () => (await context()).open.find(({ state }) => state === 'parked'));
    const { lastError } = (await system.query({ kind: 'mint-batch', id: parked.id })).context as MintBatchContext;
    assert.match(lastError?.error.code ?? '', /^chain\.wallet_/);
  });

  it('parks at once what the chain would refuse, and nothing of it is ever sent', async () => {
    const [wallet] = newWallets(1) as [string];
    const item = { ...mintItem(0, ++sequence, 2n ** 64n - 1n), wallet }; // With what there is already it is too much.
    await system.ask(ref(acceptingMeter, 'm1'), { type: 'submit', items: [item] });
    await system.ask(minterRef(minter), { type: 'mint' });
    // Its expiry would take a minute.
    const id = await eventually(
      async () => {
        const parked = (await context()).open.filter(({ state }) => state === 'parked');
        for (const { id } of parked) {
          const { items, attempt, lastError } = (await system.query({ kind: 'mint-batch', id }))
            .context as MintBatchContext;
          if (items[0]?.wallet !== wallet) continue;
          assert.deepEqual([attempt, lastError?.error.code], [1, 'chain.supply_overflow']);
          return id;
        }
        return undefined;
      },
      { within: 30_000, what: 'it is parked' },
    );
    for await (const { memo } of client.history.transactions()) assert.notEqual(memo?.batch, id);
    assert.equal(await client.history.supply(), expected);
  });

  it('ties each transaction to its batch by the memo', async () => {
    const batches: string[] = [];
    for await (const { memo, failed } of client.history.transactions()) {
      if (memo !== undefined && !failed) batches.push(memo.batch);
    }
    assert.equal(new Set(batches).size, batches.length, 'no batch has two');
    for (const id of batches) {
      const { state } = (await system.query({ kind: 'mint-batch', id })).context as MintBatchContext;
      assert.equal(state, 'settled');
    }
  });

  it('is reconciled with the journal, and what somebody else has minted is found', async () => {
    const compare = () =>
      reconcile({ bus, history: client.history, tokenAccount: (wallet) => client.tokenAccount(wallet) });
    const { found, chain: minted, journal, transactions, batches } = await compare();
    assert.deepEqual([found, minted, transactions], [0, journal, batches]);
    assert.equal(minted, expected.toString());
    const [wallet = ''] = newWallets(1);
    const { transactions: plans } = await client.plan('0-1', [{ wallet, amount: 5n }]);
    const signed = await client.sign(plans[0] as MintPlan);
    await client.send(signed);
    await client.confirm(signed, { pollMs: 50 });
    expected += 5n;
    const { differences } = await compare();
    assert.deepEqual(
      differences.map(({ kind, batch, signature, chain }) => [kind, batch, signature, chain]),
      [['unknown_batch', '0-1', signed.signature, '5']],
    );
  });

  it('mints each reading once when the chain is killed meanwhile', async () => {
    const minting = mint(newWallets(12));
    process.kill(chain.child.pid as number, 'SIGKILL');
    await minting;
    assert.equal(await client.history.supply(), expected);
  });
});
