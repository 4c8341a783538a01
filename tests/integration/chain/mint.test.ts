import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PublicKey } from '@solana/web3.js';
import { StatewattError } from '../../../errors/error.js';
import { ensureMint } from '../../../protocols/solana/mint-account.js';
import { MintClient, type MintItem, type MintPlan, type SignedMint } from '../../../protocols/solana/mint-client.js';
import { LocalSigner, type Signer } from '../../../protocols/solana/signer.js';
import { newSecret, newWallets, startMinting, startTestChain, type TestChain } from '../../support/chain.js';
import { eventually } from '../../support/temp.js';

function code(expected: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof StatewattError, String(error));
    assert.equal(error.code, expected, error.message);
    return true;
  };
}

describe('Minting on the embedded chain', () => {
  let chain: TestChain;
  let client: MintClient;
  let signer: Signer;
  let mint: string;
  before(async () => {
    chain = await startTestChain();
    ({ client, signer, mint } = await startMinting(chain));
  });
  after(() => chain.remove());

  async function planOne(batch: string, items: MintItem[]): Promise<MintPlan> {
    const { transactions, refused } = await client.plan(batch, items);
    assert.deepEqual([transactions.length, refused.length], [1, 0]);
    return transactions[0] as MintPlan;
  }
  const balanceOf = async (wallet: string) => {
    const [check] = await client.checkWallets([wallet]);
    assert.ok(check !== undefined && 'tokenAccount' in check);
    return client.history.balance(check.tokenAccount);
  };

  it('creates token accounts, mints to the base unit, and costs what was estimated', async () => {
    const [one, other] = newWallets(2) as [string, string];
    const plan = await planOne('batch-1', [
      { wallet: one, amount: 12_345n },
      { wallet: other, amount: 2n ** 63n },
      { wallet: one, amount: 1n },
    ]);
    const estimate = await client.estimate(plan);
    assert.equal(estimate.newAccounts, 2);
    assert.ok(estimate.fee > 5_000n && estimate.rent > 0n);
    const funds = await client.funds();
    const signed = await client.sign(plan);
    await client.send(signed);
    const outcome = await client.confirm(signed, { pollMs: 20 });
    assert.ok(outcome.status === 'confirmed');
    assert.equal(outcome.fee, estimate.fee);
    assert.equal(funds - (await client.funds()), estimate.fee + estimate.rent);
    assert.deepEqual([await balanceOf(one), await balanceOf(other)], [12_346n, 2n ** 63n]);

    const again = await planOne('batch-2', [{ wallet: one, amount: 4n }]);
    assert.deepEqual([(await client.estimate(again)).newAccounts, again.targets[0]?.create], [0, false]);
  });

  it('splits what does not fit one transaction, and keeps the order', async () => {
    const items = newWallets(30).map((wallet, index) => ({ wallet, amount: BigInt(index + 1) }));
    const { transactions } = await client.plan('batch-split', items);
    assert.deepEqual(
      transactions.flatMap((plan) => plan.items),
      items.map((_, index) => index),
    );
    assert.ok(transactions.length > 1);
    for (const plan of transactions) {
      const signed = await client.sign(plan);
      assert.ok(Buffer.from(signed.transaction, 'base64').length <= 1232);
      await client.send(signed);
      assert.equal((await client.confirm(signed, { pollMs: 20 })).status, 'confirmed');
    }
    const held = await Promise.all(items.map(({ wallet }) => balanceOf(wallet)));
    assert.deepEqual(
      held,
      items.map(({ amount }) => amount),
    );
  });

  it('takes a transaction once, however often it is sent, and knows what became of it', async () => {
    const [wallet] = newWallets(1) as [string];
    const signed = await client.sign(await planOne('batch-twice', [{ wallet, amount: 5n }]));
    assert.equal((await client.outcome(signed)).status, 'pending');
    await Promise.all([client.send(signed), client.send(signed), client.send(signed)]);
    await client.send(signed);
    assert.equal((await client.outcome(signed)).status, 'confirmed');
    assert.equal(await balanceOf(wallet), 5n);
  });

  it('can be reconciled from the chain alone', async () => {
    const [wallet] = newWallets(1) as [string];
    const signed = await client.sign(await planOne('batch-memo/7', [{ wallet, amount: 77n }]));
    await client.send(signed);
    await client.confirm(signed, { pollMs: 20 });
    let sum = 0n;
    const seen: string[] = [];
    for await (const transaction of client.history.transactions()) {
      seen.push(transaction.signature);
      if (transaction.signature === signed.signature) {
        assert.deepEqual(transaction.memo, { batch: 'batch-memo/7', part: 0 });
        assert.ok(Math.abs(Date.now() - (transaction.time ?? 0)) < 3_600_000);
      }
      for (const { amount } of (await client.history.minted(transaction.signature)) ?? []) sum += amount;
    }
    assert.equal(seen[0], signed.signature);
    assert.equal(new Set(seen).size, seen.length);
    assert.equal(sum, await client.history.supply());
    const since: string[] = [];
    for await (const { signature } of client.history.transactions({ until: seen[2] as string })) since.push(signature);
    assert.deepEqual(since, seen.slice(0, 2));
  });

  it('says which wallets cannot be minted to, and why, and plans the others', async () => {
    const [good] = newWallets(1) as [string];
    const [check] = await client.checkWallets([good]);
    assert.ok(check !== undefined && 'tokenAccount' in check && check.create);
    const items = [
      { wallet: good, amount: 1n },
      { wallet: 'not an address', amount: 1n },
      { wallet: check.tokenAccount, amount: 1n }, // derived, so off the curve
      { wallet: mint, amount: 1n }, // exists, of the token program
      { wallet: good, amount: 0n },
      { wallet: good, amount: 2n ** 64n },
      { wallet: good, amount: 2n },
    ];
    const { transactions, refused } = await client.plan('batch-bad', items);
    assert.deepEqual(
      refused.map(({ item, code: why }) => [item, why]),
      [
        [1, 'chain.wallet_invalid'],
        [2, 'chain.wallet_off_curve'],
        [3, PublicKey.isOnCurve(new PublicKey(mint).toBytes()) ? 'chain.wallet_not_system' : 'chain.wallet_off_curve'],
        [4, 'chain.amount_invalid'],
        [5, 'chain.amount_invalid'],
      ],
    );
    assert.deepEqual(
      transactions.map(({ items: indexes }) => indexes),
      [[0, 6]],
    );
  });

  it('names the item that makes a transaction fail, before it costs anything', async () => {
    const [one, other] = newWallets(2) as [string, string];
    const plan = await planOne('batch-item', [
      { wallet: one, amount: 1n },
      { wallet: other, amount: 1n },
    ]);
    // As if the second wallet's account had been taken over between plan and send.
    const targets = plan.targets.map((target, index) =>
      index === 1 ? { ...target, tokenAccount: plan.targets[0]?.wallet as string } : target,
    );
    const funds = await client.funds();
    await assert.rejects(client.send(await client.sign({ ...plan, targets })), (error) => {
      assert.ok(error instanceof StatewattError);
      assert.equal(error.code, 'chain.wallet_refused');
      assert.deepEqual(error.details, { kind: 'item', item: 1 });
      return true;
    });
    assert.equal(await client.funds(), funds);
  });

  it('refuses more than 2^64 − 1 units of supply, and says so', async () => {
    const [wallet] = newWallets(1) as [string];
    const signed = await client.sign(await planOne('batch-overflow', [{ wallet, amount: 2n ** 64n - 1n }]));
    await assert.rejects(client.send(signed), code('chain.supply_overflow'));
  });

  it('tells a mint that is not there, or another one, from a good one', async () => {
    const { url } = chain;
    assert.equal(await ensureMint({ url, signer, decimals: 9 }), mint);
    assert.equal(await ensureMint({ url, signer, decimals: 9, create: true }), mint);
    await assert.rejects(ensureMint({ url, signer, decimals: 6 }), code('chain.mint_mismatch'));
    await assert.rejects(ensureMint({ url, signer, decimals: 9, name: 'other' }), code('chain.mint_missing'));
    await assert.rejects(ensureMint({ url, signer, decimals: 9, mint: signer.address }), code('chain.mint_mismatch'));
    const stranger = new LocalSigner(newSecret().secret, 'test');
    await assert.rejects(ensureMint({ url, signer: stranger, decimals: 9, mint }), code('chain.not_mint_authority'));
    await assert.rejects(
      ensureMint({ url, signer: stranger, decimals: 9, create: true }),
      code('chain.payer_unfunded'),
    );
    const thief = new MintClient({ url, signer: stranger, mint, decimals: 9, unitPrice: 0 });
    const { transactions } = await thief.plan('theft', [{ wallet: stranger.address, amount: 1n }]);
    await assert.rejects(thief.send(await thief.sign(transactions[0] as MintPlan)), code('chain.payer_unfunded'));
  });

  it('tells an endpoint that is away or busy from one that does not understand', async () => {
    const answers = [
      { status: 429 },
      { status: 503 },
      { status: 403 },
      { status: 200, error: { code: -32005, message: 'Node is behind by 42 slots', data: { numSlotsBehind: 42 } } },
      { status: 200, error: { code: -32602, message: 'Invalid params' } },
    ];
    const endpoint = createServer((request, response) => {
      request.resume();
      const { status, error } = answers.shift() ?? { status: 500 };
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id: '1', error }));
    });
    await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}`;
      const strange = new MintClient({ url, signer, mint, decimals: 9, unitPrice: 0 });
      const expected: [string, boolean][] = [
        ['chain.rate_limited', true],
        ['chain.unavailable', true],
        ['chain.rpc_refused', false],
        ['chain.unavailable', true],
        ['chain.rpc_refused', false],
      ];
      for (const [wanted, retryable] of expected) {
        await assert.rejects(strange.funds(), (error) => {
          assert.ok(error instanceof StatewattError);
          assert.deepEqual([error.code, error.retryable], [wanted, retryable], error.message);
          return true;
        });
      }
    } finally {
      endpoint.closeAllConnections();
      endpoint.close();
    }
    const away = new MintClient({ url: 'http://127.0.0.1:9/', signer, mint, decimals: 9, unitPrice: 0 });
    await assert.rejects(away.plan('b', [{ wallet: signer.address, amount: 1n }]), code('chain.unavailable'));
  });

  describe('when blockhashes expire', () => {
    let quick: TestChain;
    before(async () => (quick = await startTestChain({ slotMs: 20 })));
    after(() => quick.remove());

    it('calls a transaction expired when it can never come any more, and not before', async () => {
      const { client: minting } = await startMinting(quick);
      const [wallet] = newWallets(1) as [string];
      const { transactions: late } = await minting.plan('batch-late', [{ wallet, amount: 8n }]);
      const { transactions: inTime } = await minting.plan('batch-in-time', [{ wallet, amount: 9n }]);
      const never = await minting.sign(late[0] as MintPlan);
      const sent = await signAndSend(minting, inTime[0] as MintPlan);
      await eventually(
        async () => {
          const outcome = await minting.outcome(never);
          assert.ok(['pending', 'expired'].includes(outcome.status));
          return outcome.status === 'expired' ? true : undefined;
        },
        { what: 'expiry' },
      );
      await assert.rejects(minting.send(never), code('chain.blockhash_not_found'));
      // What was sent in time stays known, long after its blockhash.
      assert.equal((await minting.outcome(sent)).status, 'confirmed');
      assert.equal((await minting.confirm(never)).status, 'expired');
      assert.equal(await minting.history.supply(), 9n);
    });
  });
});

/** Until one got in before its blockhash expired: slots are short here, and the machine may be busy. */
async function signAndSend(client: MintClient, plan: MintPlan): Promise<SignedMint> {
  for (;;) {
    const signed = await client.sign(plan);
    try {
      await client.send(signed);
      return signed;
    } catch (error) {
      if (!(error instanceof StatewattError) || error.code !== 'chain.blockhash_not_found') throw error;
    }
  }
}
