// What the ledger takes and how long it takes to answer: `node dist/load/ledger/main.js [--readings N] [--users N]`.
// Beside it, in the same run: a statement of the same engine that reads nothing.
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Ledger } from '../../node/ledger.js';
import type { Bus } from '../../bus/connection.js';
import { LedgerStore, type VersionedRow } from '../../protocols/clickhouse/ledger/store.js';
import { startTestEngine } from '../../tests/integration/history/engine.js';
import { figure } from '../support/figures.js';

const { values: options } = parseArgs({
  options: { readings: { type: 'string', default: '1000000' }, users: { type: 'string', default: '100' } },
});
const count = Number(options.readings);
const users = Number(options.users);
const AT_ONCE = 20_000;
const ASKED = 100;
/** Each user has a wallet and two meters. */
const METERS = 2;
const FIRST = 1_700_000_000_000;
const QUARTER_MS = 900_000;

const engine = await startTestEngine();
const raw = engine.client('default');
await raw.command({ query: 'CREATE DATABASE load' });
const store = new LedgerStore({ url: engine.engine.url, database: 'load' });
await store.prepare();
const ledger = new Ledger(store, { bus: undefined as unknown as Bus });
console.log(`load average ${loadavg()[0]?.toFixed(1)}; ${count} readings of ${users} users\n`);

/** The reading number `index`, accepted, or minted by a later entry. */
function row(index: number, minted: boolean): VersionedRow {
  const meter = index % (users * METERS);
  const sequence = Math.floor(index / (users * METERS)) + 1;
  const start = FIRST + sequence * QUARTER_MS;
  const batch = minted
    ? { batch: `${index - (index % 50)}-1`, signature: 's'.repeat(88) }
    : { batch: '', signature: '' };
  return {
    ...{
      meter: `METER_${meter}`,
      sequence,
      start,
      end: start + QUARTER_MS,
      energy: '1250000000',
      tokens: '1250000000',
    },
    ...{ wallet: `wallet${meter % users}`.padEnd(44, 'x'), user: `user${meter % users}`, since: start, ...batch },
    ...{ status: minted ? 'minted' : 'accepted', version: index + (minted ? count : 0) },
  };
}

let written = 0;
let writingMs = 0;
for (const minted of [false, true]) {
  // The last tenth is not minted yet.
  const most = minted ? count * 0.9 : count;
  for (let from = 0; from < most; from += AT_ONCE) {
    const rows = Array.from({ length: Math.min(AT_ONCE, most - from) }, (_, at) => row(from + at, minted));
    const begun = performance.now();
    await store.append(rows, { stream: 's', base: 0, meters: from, batches: 0, written: ++written });
    writingMs += performance.now() - begun;
  }
}
const rate = (count * 1.9) / (writingMs / 1_000);
console.log(`written: ${Math.round(rate)} rows/s, to three tables each`);
figure({ what: 'ledger rows written', value: rate, unit: '/s' });

const nothing = await time('SELECT 1', async () => void (await (await raw.query({ query: 'SELECT 1' })).text()));
const user = (at: number) => `user${at % users}`;
const wallet = (at: number) => `wallet${at % users}`.padEnd(44, 'x');
const meter = (at: number) => `METER_${at % (users * METERS)}`;
let cursor = '';
const questions: [string, (at: number) => Promise<unknown>][] = [
  ['100 newest of a user', (at) => ledger.readings({ user: user(at) })],
  ['100 newest of a wallet', (at) => ledger.readings({ wallet: wallet(at) })],
  ['100 newest of a meter', (at) => ledger.readings({ meter: meter(at) })],
  ['a page in the middle', () => ledger.readings({ user: 'user1', cursor })],
  ['100 that are pending', (at) => ledger.readings({ user: user(at), status: 'accepted' })],
  ['one reading', (at) => ledger.reading(meter(at), 1 + at)],
  ['sums of a user', (at) => ledger.totals({ user: user(at) })],
  ['sums of a meter', (at) => ledger.totals({ meter: meter(at) })],
  ['sums of all', () => ledger.totals({})],
  ['accounts of a user', (at) => ledger.accounts({ user: user(at) })],
  ['100 meters with their sums', () => ledger.accounts({})],
  ['users found by text', (at) => ledger.accounts({ by: 'user', text: `R${at % users}` })],
];
cursor = (await ledger.readings({ user: 'user1', limit: 1_000 })).nextCursor ?? '';
for (const [what, ask] of questions) {
  const { median, p95 } = await time(what, ask);
  figure({
    what: `ledger: ${what}, p95`,
    value: p95,
    unit: 'ms',
    beside: { what: 'SELECT 1, median', value: nothing.median },
  });
  console.log(`${' '.repeat(28)}${(median / nothing.median).toFixed(1)} × SELECT 1`);
}

const begun = performance.now();
let bytes = 0;
for await (const piece of ledger.export({}, new AbortController().signal)) bytes += piece.length;
const seconds = (performance.now() - begun) / 1_000;
console.log(`all as CSV: ${Math.round(count / seconds)} readings/s, ${Math.round(bytes / 1e6)} MB`);
figure({ what: 'ledger as CSV', value: count / seconds, unit: '/s' });
await store.close();
await engine.stop();

async function time(what: string, ask: (at: number) => Promise<unknown>): Promise<{ median: number; p95: number }> {
  for (let at = 0; at < 5; at++) await ask(at);
  const took: number[] = [];
  for (let at = 0; at < ASKED; at++) {
    const from = performance.now();
    await ask(at);
    took.push(performance.now() - from);
  }
  took.sort((a, b) => a - b);
  const [median, p95] = [took[ASKED / 2] as number, took[(ASKED * 95) / 100] as number];
  console.log(`${what.padEnd(28)}median ${median.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms`);
  return { median, p95 };
}
