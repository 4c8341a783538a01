// From the signed submission over HTTP to the token on the embedded chain: `node dist/load/mint/main.js [--readings N] [--meters N]
// [--wallets N] [--batch N] [--mint-batch N]`. The site runs as `statewatt up`, the devices in a process of their own that has
// signed everything before the clock starts. Beside it, in the same run: what node:crypto verifies on all cores, and what LiteSVM
// executes, each alone; and mints one by one through the same client.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { MintingView } from '../../actors/client/minting.js';
import { newWallets } from '../../tests/support/chain.js';
import { SiteProcess } from '../../tests/support/site-process.js';
import { rawTransactionRate } from '../chain/raw.js';
import { startChain, throughRpc } from '../chain/through.js';
import { rawVerifyRate } from '../chain/verify.js';
import { figure } from '../support/figures.js';
import { descendants, usageOf } from '../support/processes.js';
import { Feeder } from './feeder.js';

const { values: options } = parseArgs({
  options: {
    readings: { type: 'string', default: '100000' },
    meters: { type: 'string', default: '400' },
    wallets: { type: 'string', default: '19' },
    batch: { type: 'string', default: '5000' },
    'mint-batch': { type: 'string', default: '1000' },
  },
});
const LANES = 2;
const wallets = Number(options.wallets);
const mintBatch = Number(options['mint-batch']);
/** Whole requests in each lane. */
const perLane = Math.ceil(Number(options.readings) / LANES / Number(options.batch)) * Number(options.batch);
const readings = LANES * perLane;
/** Nothing more has settled for so long: something is wrong. */
const PATIENCE_MS = 180_000;
const LOOK_MS = 250;

print(`load average before: ${loads()}`);
const verify = await rawVerifyRate(3);
const transactions = rawTransactionRate(wallets, 1_000);
const single = await singleRate();

const folder = await mkdtemp(join(tmpdir(), 'statewatt-mint-'));
await writeFile(
  join(folder, 'site.yaml'),
  `site: Load\nchannels: []\ntokenization: { batch_size: ${mintBatch}, polling_interval_secs: ${Math.ceil(mintBatch / 10)} }\n`,
);
const site = await SiteProcess.start({ site: folder });
try {
  const feeder = await Feeder.prepare({
    ...{ url: site.url, readings, meters: Number(options.meters), wallets: newWallets(wallets) },
    ...{ batch: Number(options.batch), lanes: LANES },
  });
  const started = performance.now();
  const before = await usage();
  const tenths: Awaited<ReturnType<typeof usage>>[] = [];
  const [{ accepted, turnedAway, again, fedAt }, { view, settledAt }] = await Promise.all([
    feeder.feed().then((fed) => ({ ...fed, fedAt: performance.now() })),
    untilMinted(async (minted) => {
      if (minted >= ((tenths.length + 1) * readings) / 10) tenths.push(await usage());
    }).then((view) => ({ view, settledAt: performance.now() })),
  ]);
  const after = await usage();
  if (accepted !== readings) throw new Error(`${accepted} of ${readings} readings were accepted`);

  const durable = (readings / (fedAt - started)) * 1_000;
  const settled = (readings / (settledAt - started)) * 1_000;
  print(
    `raw      node:crypto verifies ${whole(verify)}/s on all cores; LiteSVM executes ${whole(transactions)}/s of ${wallets} mints`,
  );
  print(`one by one: ${whole(single)} mints/s, each a transaction of its own`);
  print(
    `durable  ${whole(durable)} readings/s, ${percent(durable, verify)} of raw verification; ${turnedAway} requests told to come again, ${again} readings sent again`,
  );
  print(
    `settled  ${whole(settled)} readings/s, ${percent(settled, verify)} of raw verification, ${(settled / single).toFixed(1)} times one by one; ` +
      `the last ${((settledAt - fedAt) / 1_000).toFixed(1)} s after the last answer`,
  );
  const raw = { what: 'node:crypto on all cores', value: verify };
  figure({ what: 'readings over HTTP, verified, durable', value: durable, unit: '/s', beside: raw });
  figure({
    ...{ what: 'readings over HTTP to tokens on the chain', value: settled, unit: '/s' },
    ...{ beside: { what: 'mints one by one', value: single }, aim: { least: 8, of: 'ratio' } },
  });
  const took = (settledAt - started) / 1_000;
  for (const [index, { name, cpu }] of after.entries()) {
    const share = cpu - (before[index]?.cpu ?? 0);
    print(
      `         ${name.padEnd(16)}${((share / took) * 100).toFixed(0).padStart(4)} % of one core, ${((share / readings) * 1e6).toFixed(1)} µs a reading`,
    );
  }
  const highest = Math.max(...tenths.map((parts) => parts[0]?.mb ?? 0));
  figure({ what: `memory of the node, ${whole(readings)} readings`, value: highest, unit: 'MB' });
  print(
    `memory   MB of ${after.map(({ name }) => name).join('/')} at each tenth: ${tenths.map((parts) => parts.map(({ mb }) => mb.toFixed(0)).join('/')).join(', ')}`,
  );
  print(
    `${whole(readings)} readings, ${view.tokens} base units, fees ${view.feesPaid} paid, ${view.feesEstimated} expected; load average ${loads()}`,
  );
  process.exitCode = view.tokens === (BigInt(readings) * 100_000_000n).toString() ? 0 : 1;
} finally {
  await site.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Until every reading is settled. @throws when nothing moves any more */
async function untilMinted(look: (minted: number) => Promise<void>): Promise<MintingView> {
  let last = -1;
  let movedAt = performance.now();
  for (;;) {
    const view = await site.get<MintingView>('/api/v1/minting');
    await look(view.minted);
    if (view.minted === readings) return view;
    if (view.minted !== last) {
      last = view.minted;
      movedAt = performance.now();
    }
    if (performance.now() - movedAt > PATIENCE_MS) throw site.failure(`${last} of ${readings} readings were minted`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function singleRate(): Promise<number> {
  const chain = await startChain(wallets);
  try {
    return (await throughRpc(chain, { perTransaction: 1, count: 300, parallel: 16 })).mintsPerSecond;
  } finally {
    await chain.stop();
  }
}

/** Of the node and its embedded servers. */
async function usage(): Promise<{ name: string; cpu: number; mb: number }[]> {
  const parts = [{ pid: site.pid, name: 'node' }];
  for (const { pid, command } of await descendants(site.pid)) {
    // The shells that watch over them have the same words further on.
    const name = command.startsWith('/bin/sh') ? undefined : nameOf(command);
    if (name !== undefined) parts.push({ pid, name });
  }
  return Promise.all(
    parts.map(async ({ pid, name }) => {
      const { cpuSeconds, residentMb } = await usageOf(pid);
      return { name, cpu: cpuSeconds, mb: residentMb };
    }),
  );
}

function nameOf(command: string): string | undefined {
  if (/nats-server -c/.test(command)) return 'nats-server';
  if (/clickhouse\/engine\/main\.js/.test(command)) return 'history';
  if (/solana\/embedded\/main\.js/.test(command)) return 'chain';
  return undefined;
}

function percent(part: number, of: number): string {
  return `${Math.round((part / of) * 100)} %`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function loads(): string {
  return loadavg()
    .map((each) => each.toFixed(1))
    .join(' ');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
