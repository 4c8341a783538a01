import { loadavg } from 'node:os';
import { figure } from '../support/figures.js';
import { buildRate, rawTransactionRate } from './raw.js';
import { measureRestart } from './restart.js';
import { startChain, throughRpc } from './through.js';
import { poolVerifyRate, rawVerifyRate } from './verify.js';

/**
 * What verifying, building and minting cost, each beside its raw limit in the same run.
 *
 *     node dist/load/chain/main.js [verify] [mint] [restart=TRANSACTIONS]
 */
const PER_TRANSACTION = 19;
const wanted = process.argv.slice(2);
const runs = (name: string) => wanted.length === 0 || wanted.includes(name);
const whole = (value: number) => Math.round(value).toLocaleString('en');

console.log(
  `load of the machine before: ${loadavg()
    .map((load) => load.toFixed(1))
    .join(' ')}`,
);

if (runs('verify')) {
  const raw = await rawVerifyRate(3);
  const pool = await poolVerifyRate(3, 10_000);
  const again = await rawVerifyRate(3);
  const best = Math.max(raw, again);
  const beside = { what: 'node:crypto on all cores', value: best };
  figure({
    what: 'signatures verified by the pool',
    value: pool,
    unit: '/s',
    beside,
    aim: { least: 0.8, of: 'ratio' },
  });
  console.log(`ed25519 verify, raw node:crypto on all cores: ${whole(raw)}/s before, ${whole(again)}/s after`);
  console.log(`ed25519 verify through the pool: ${whole(pool)}/s = ${whole((100 * pool) / best)} % of the better one`);
}

if (runs('mint')) {
  const rawOne = rawTransactionRate(1, 2_000);
  const rawMany = rawTransactionRate(PER_TRANSACTION, 1_000);
  console.log(`LiteSVM alone: ${whole(rawOne)} transactions/s of 1 mint, ${whole(rawMany)} of ${PER_TRANSACTION}`);
  console.log(
    `built and signed by one thread: ${whole(buildRate(PER_TRANSACTION, 500))} transactions/s of ${PER_TRANSACTION}`,
  );
  const chain = await startChain(PER_TRANSACTION * 20);
  const one = await throughRpc(chain, { perTransaction: 1, count: 500, parallel: 16 });
  const many = await throughRpc(chain, { perTransaction: PER_TRANSACTION, count: 500 * PER_TRANSACTION, parallel: 16 });
  console.log(
    `plan to confirmed, singly: ${whole(one.mintsPerSecond)} mints/s = ${whole((100 * one.mintsPerSecond) / rawOne)} % of LiteSVM alone`,
  );
  console.log(
    `plan to confirmed, in batches: ${whole(many.mintsPerSecond)} mints/s (${whole(many.transactionsPerSecond)} transactions/s) = ` +
      `${(many.mintsPerSecond / one.mintsPerSecond).toFixed(1)} × singly, ${whole((100 * many.mintsPerSecond) / (rawMany * PER_TRANSACTION))} % of LiteSVM alone`,
  );
  const times = { what: 'one mint a transaction', value: one.mintsPerSecond };
  figure({
    what: `mints, ${PER_TRANSACTION} a transaction`,
    value: many.mintsPerSecond,
    unit: '/s',
    beside: times,
    aim: { least: 8, of: 'ratio' },
  });
  const alone = { what: 'LiteSVM alone', value: rawMany * PER_TRANSACTION };
  figure({ what: 'the same', value: many.mintsPerSecond, unit: '/s', beside: alone });
  await chain.stop();
}

for (const restart of wanted.filter((word) => word.startsWith('restart='))) {
  const transactions = Number(restart.slice('restart='.length));
  const { transactionsPerSecond, ledgerMb, memoryMb, openMs } = await measureRestart(transactions, PER_TRANSACTION);
  console.log(
    `${whole(transactions)} transactions (${whole(transactions * PER_TRANSACTION)} mints) built, executed and on disk at ${whole(transactionsPerSecond)}/s: ` +
      `ledger ${whole(ledgerMb)} MB, memory ${memoryMb.map(whole).join(' → ')} MB, opened again in ${whole(openMs)} ms`,
  );
}

console.log(
  `load of the machine after: ${loadavg()
    .map((load) => load.toFixed(1))
    .join(' ')}`,
);
