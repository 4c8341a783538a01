// Models made in bulk: `node dist/load/models/main.js [--models N] [--strict]`. Requests of 1,000 models each over HTTP to a
// whole node. Beside it, on the same server: entries of about the same size written in fenced atomic batches, by nothing but
// the NATS client.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ModelVerdicts } from '../../actors/client/model-data.js';
import { startNode, type NodeLog } from '../../node/node.js';
import { loadEnvironment } from '../../site/config/index.js';
import { figure } from '../support/figures.js';
import { writeRaw } from '../alarms/raw.js';

const { values: options } = parseArgs({
  options: { models: { type: 'string', default: '5000' }, strict: { type: 'boolean', default: false } },
});
const count = Number(options.models);
/** Bytes of a model in the journal, about. */
const ENTRY_BYTES = 700;
const A_REQUEST = 1_000;

const SITE = `
site: Bulk
channels:
  - { id: 1, protocol: virtual, points: [{ id: 1, name: Power, unit: kW }] }
`;
const silent = (): void => undefined;
const log: NodeLog = { debug: silent, info: silent, warn: silent, error: silent };

const folder = await mkdtemp(join(tmpdir(), 'statewatt-models-'));
const site = join(folder, 'site.yaml');
await writeFile(site, SITE);
const environment = loadEnvironment({
  STATEWATT_DATA: join(folder, 'data'),
  STATEWATT_HTTP_PORT: '0',
  STATEWATT_DURABILITY: options.strict ? 'strict' : 'relaxed',
});
const node = await startNode({ site, demo: false, environment, log });
try {
  const from = performance.now();
  const cpu = process.cpuUsage();
  let created = 0;
  for (let first = 0; first < count; first += A_REQUEST)
    created += await create(first, Math.min(count, first + A_REQUEST));
  const rate = (created / (performance.now() - from)) * 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const raw = await writeRaw(node.natsUrl, { entries: count, bytes: ENTRY_BYTES });
  console.log(`load average ${loadavg()[0]?.toFixed(1)}, ${options.strict ? 'strict' : 'relaxed'}`);
  console.log(`models   ${Math.round(rate)}/s made (${created} of ${count}), in requests of ${A_REQUEST}`);
  console.log(`CPU      ${((user + system) / 1_000 / created).toFixed(2)} ms of the node for each`);
  console.log(`raw      ${Math.round(raw)}/s: entries of ${ENTRY_BYTES} bytes, fenced, in batches of 200`);
  console.log(`ratio    ${(rate / raw).toFixed(3)} of raw`);
  figure({
    what: 'models made',
    value: rate,
    unit: '/s',
    beside: { what: 'raw fenced entries', value: raw },
    aim: { least: 500 },
  });
  process.exitCode = created === count ? 0 : 1;
} finally {
  await node.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

async function create(from: number, to: number): Promise<number> {
  const models = Array.from({ length: to - from }, (_, index) => ({
    id: `m${from + index}`,
    template: 'pv_inverter',
    parameters: { rated_power: 100_000 },
    points: { active_power: { point: '1:T:1', scale: 1000 } },
  }));
  const answer = await fetch(`${node.url}/api/v1/models/bulk`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ models }),
  });
  return ((await answer.json()) as ModelVerdicts).created;
}
