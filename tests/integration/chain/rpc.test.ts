import assert from 'node:assert/strict';
import { appendFile, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { startEmbeddedChain } from '../../../protocols/solana/embedded/start.js';
import { parseTransaction } from '../../../protocols/solana/embedded/wire.js';
import type { MintClient, MintPlan, SignedMint } from '../../../protocols/solana/mint-client.js';
import { newWallets, rpc, startMinting, startTestChain, type TestChain } from '../../support/chain.js';
import { eventually } from '../../support/temp.js';

describe('The embedded chain', () => {
  let chain: TestChain;
  let client: MintClient;
  let mint: string;
  let authority: string;
  before(async () => {
    chain = await startTestChain();
    const minting = await startMinting(chain);
    ({ client, mint } = minting);
    authority = minting.signer.address;
  });
  after(() => chain.remove());

  const ask = async (method: string, ...params: unknown[]) => {
    const { result, error } = await rpc(chain.url, method, params);
    assert.equal(error, undefined, JSON.stringify(error));
    return result as never;
  };
  const refusal = async (method: string, ...params: unknown[]) => {
    const { error } = await rpc(chain.url, method, params);
    assert.ok(error, 'it was not refused');
    return error;
  };
  const signMint = async (wallet: string, amount: bigint, batch = 'b'): Promise<SignedMint & { plan: MintPlan }> => {
    const { transactions } = await client.plan(batch, [{ wallet, amount }]);
    const plan = transactions[0] as MintPlan;
    return { ...(await client.sign(plan)), plan };
  };
  const base64 = { encoding: 'base64' };

  it('answers what clients ask of a cluster', async () => {
    assert.equal(await ask('getHealth'), 'ok');
    assert.ok('solana-core' in (await ask('getVersion')));
    const slot: number = await ask('getSlot');
    const { context, value } = (await ask('getLatestBlockhash')) as {
      context: { slot: number };
      value: { blockhash: string; lastValidBlockHeight: number };
    };
    assert.ok(context.slot >= slot);
    assert.equal(value.lastValidBlockHeight, context.slot + 150);
    assert.equal(((await ask('isBlockhashValid', value.blockhash)) as { value: boolean }).value, true);
    assert.equal(((await ask('isBlockhashValid', mint)) as { value: boolean }).value, false);
    assert.ok((await ask('getBlockHeight')) >= slot);
    assert.ok(((await ask('getEpochInfo')) as { absoluteSlot: number }).absoluteSlot >= slot);
    assert.ok(Math.abs((await ask('getBlockTime', slot)) - Date.now() / 1000) < 3_600);
    assert.equal(await ask('getBlockTime', slot + 1_000_000), null);
    assert.equal(await ask('getMinimumBalanceForRentExemption', 165), 2_039_280);
    assert.equal(((await ask('getRecentPrioritizationFees', [])) as unknown[]).length, 150);
    assert.equal(((await ask('getBalance', newWallets(1)[0])) as { value: number }).value, 0);
    assert.equal(((await ask('getAccountInfo', newWallets(1)[0])) as { value: unknown }).value, null);
    const [known, unknown] = ((await ask('getMultipleAccounts', [mint, newWallets(1)[0]])) as { value: unknown[] })
      .value;
    assert.deepEqual([(known as { space: number }).space, unknown], [82, null]);
    assert.equal(await ask('getTransaction', '1'.repeat(64)), null);
    await eventually(async () => ((await ask('getSlot')) > slot ? true : undefined), { what: 'next slot' });
  });

  it('refuses with the codes of a cluster', async () => {
    assert.equal((await refusal('noSuchMethod')).code, -32601);
    assert.equal((await refusal('getBalance')).code, -32602);
    assert.equal((await refusal('getBalance', 'x')).code, -32602);
    assert.equal((await refusal('getSlot', { minContextSlot: 1e9 })).code, -32016);
    assert.equal((await refusal('getTokenSupply', authority)).code, -32602);
    assert.equal((await refusal('getTokenAccountBalance', mint)).code, -32602);
    assert.equal((await refusal('getSignatureStatuses', Array(257).fill('1'.repeat(64)))).code, -32602);
    assert.equal((await refusal('sendTransaction', 'AAAA', base64)).code, -32602);
    assert.equal((await refusal('sendTransaction', Buffer.alloc(1233).toString('base64'), base64)).code, -32602);
    const answer = await fetch(chain.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{',
    });
    assert.equal(((await answer.json()) as { error: { code: number } }).error.code, -32700);
  });

  it('lets nobody in without the secret of its address, and no web page', async () => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'getHealth' });
    const headers = { 'content-type': 'application/json' };
    const { origin } = new URL(chain.url);
    assert.equal((await fetch(`${origin}/`, { method: 'POST', headers, body })).status, 403);
    assert.equal((await fetch(`${chain.url}x`, { method: 'POST', headers, body })).status, 403);
    assert.equal((await fetch(chain.url)).status, 415);
    assert.equal(
      (await fetch(chain.url, { method: 'POST', headers: { 'content-type': 'text/plain' }, body })).status,
      415,
    );
    assert.equal((await fetch(chain.url, { method: 'POST', headers, body: ' '.repeat(60_000) })).status, 413);
  });

  it('refuses a transaction twice, and one with an unknown blockhash or a wrong signature', async () => {
    const [wallet] = newWallets(1) as [string];
    const signed = await signMint(wallet, 3n);
    assert.equal(await ask('sendTransaction', signed.transaction, base64), signed.signature);
    const again = await refusal('sendTransaction', signed.transaction, base64);
    assert.deepEqual([again.code, again.data?.['err']], [-32002, 'AlreadyProcessed']);
    // Without preflight a cluster takes it and drops it.
    assert.equal(
      await ask('sendTransaction', signed.transaction, { ...base64, skipPreflight: true }),
      signed.signature,
    );

    const bytes = Buffer.from((await signMint(wallet, 4n)).transaction, 'base64');
    const { blockhash } = parseTransaction(bytes).message;
    const foreign = Buffer.from(bytes).fill(7, bytes.indexOf(blockhash), bytes.indexOf(blockhash) + 32);
    const unknown = await refusal('sendTransaction', foreign.toString('base64'), base64);
    assert.deepEqual([unknown.code, unknown.data?.['err']], [-32002, 'BlockhashNotFound']);
    const forged = Buffer.from(bytes);
    forged[10] = (forged[10] as number) ^ 1;
    assert.equal((await refusal('sendTransaction', forged.toString('base64'), base64)).code, -32003);
    assert.equal(
      (await refusal('simulateTransaction', forged.toString('base64'), { ...base64, sigVerify: true })).code,
      -32003,
    );
  });

  it('keeps a transaction that fails, with its fee, its error and its logs', async () => {
    const [wallet, other] = newWallets(2) as [string, string];
    const { plan } = await signMint(wallet, 3n, 'fails');
    const targets = plan.targets.map((target) => ({ ...target, create: false, wallet: other }));
    const signed = await client.sign({ ...plan, targets });
    const funds = await client.funds();
    await ask('sendTransaction', signed.transaction, { ...base64, skipPreflight: true });
    const outcome = await client.outcome(signed);
    assert.ok(outcome.status === 'failed');
    assert.deepEqual([outcome.failure.kind, outcome.failure.item], ['item', 0]);
    assert.ok((await client.funds()) < funds);
    const found = (await ask('getTransaction', signed.signature)) as { meta: { logMessages: string[]; err: unknown } };
    assert.ok(found.meta.err !== null && found.meta.logMessages.length > 0);
    const [newest] = (await ask('getSignaturesForAddress', mint, { limit: 1 })) as {
      signature: string;
      memo: string;
    }[];
    assert.deepEqual(newest?.signature, signed.signature);
    assert.equal(newest?.memo, '[22] statewatt:mint:fails:0');
    assert.deepEqual(await client.history.minted(signed.signature), []);
  });

  it('lists an address’s transactions page by page', async () => {
    const [wallet] = newWallets(1) as [string];
    const sent: string[] = [];
    for (let index = 0; index < 5; index++) {
      const signed = await signMint(wallet, BigInt(index + 1), `page-${index}`);
      sent.unshift(await ask('sendTransaction', signed.transaction, base64));
    }
    const [check] = await client.checkWallets([wallet]);
    assert.ok(check !== undefined && 'tokenAccount' in check);
    const list = async (config: object) =>
      ((await ask('getSignaturesForAddress', check.tokenAccount, config)) as { signature: string }[]).map(
        ({ signature }) => signature,
      );
    assert.deepEqual(await list({}), sent);
    assert.deepEqual(await list({ limit: 2 }), sent.slice(0, 2));
    assert.deepEqual(await list({ limit: 2, before: sent[1] }), sent.slice(2, 4));
    assert.deepEqual(await list({ before: sent[0], until: sent[3] }), sent.slice(1, 3));
    assert.deepEqual(await list({ before: '1'.repeat(64) }), []);
    assert.equal((await refusal('getSignaturesForAddress', mint, { limit: 1001 })).code, -32602);
  });

  it('keeps what it has acknowledged when it is killed, and takes nothing twice afterwards', async () => {
    const wallets = newWallets(20);
    const signed = await Promise.all(
      wallets.map((wallet, index) => signMint(wallet, BigInt(index + 1), `kill-${index}`)),
    );
    const acknowledged: number[] = [];
    const sending = signed.map(async ({ transaction }, index) => {
      const { result } = await rpc(chain.url, 'sendTransaction', [transaction, base64]).catch(() => ({
        result: undefined,
      }));
      if (result !== undefined) acknowledged.push(index);
      if (acknowledged.length === 5) chain.child.kill();
    });
    await Promise.all(sending);
    assert.ok(acknowledged.length >= 5);
    await eventually(async () => (await rpc(chain.url, 'getHealth').catch(() => undefined)) && true, {
      what: 'restart',
    });
    for (const index of acknowledged) {
      const known = signed[index] as SignedMint;
      assert.equal((await client.outcome(known)).status, 'confirmed');
      const again = await refusal('sendTransaction', known.transaction, base64);
      assert.equal(again.data?.['err'], 'AlreadyProcessed');
    }
    // Those that were not acknowledged may be there or not; sent again, each is there once.
    for (const { transaction } of signed) await rpc(chain.url, 'sendTransaction', [transaction, base64]);
    const checks = await client.checkWallets(wallets);
    const held = await Promise.all(
      checks.map((check) => client.history.balance('tokenAccount' in check ? check.tokenAccount : '')),
    );
    assert.deepEqual(
      held,
      wallets.map((_, index) => BigInt(index + 1)),
    );
  });

  it('goes on where it was after a stop, from its saved accounts, and cuts off what was never finished', async () => {
    const supply = await client.history.supply();
    const slot: number = await ask('getSlot');
    await chain.stop();
    const ledger = join(chain.folder, 'ledger');
    const { size } = await stat(ledger);
    await appendFile(ledger, (await readFile(ledger)).subarray(0, 100));
    const lines: string[] = [];
    const port = Number(new URL(chain.url).port);
    const again = await startEmbeddedChain({ dataFolder: chain.folder, port, onLine: (line) => lines.push(line) });
    try {
      // That it is ready comes over stdout, this over stderr.
      const said = await eventually(() => lines.find((line) => line.includes('of them executed again')));
      assert.match(said, / 0 of them executed again/);
      assert.equal((await stat(ledger)).size, size);
      const { result } = await rpc(again.url, 'getTokenSupply', [mint]);
      assert.equal((result as { value: { amount: string } }).value.amount, String(supply));
      assert.ok(((await rpc(again.url, 'getSlot')).result as number) >= slot);
      await assert.rejects(
        startEmbeddedChain({ dataFolder: chain.folder, lockWaitMs: 0 }),
        /in use by another process/,
      );
    } finally {
      await again.stop();
    }
  });
});
