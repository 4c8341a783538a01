// Redis Functions beside raw HGET and HSET of the same bytes: `node dist/load/redis-functions/main.js [--models N]`.
// Starts a redis-server and the product (`statewatt up`) of its own.
import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { figure } from '../support/figures.js';
import { startRedis } from '../../tests/support/redis.js';
import { SiteProcess } from '../../tests/support/site-process.js';
import { eventually, tempFolder } from '../../tests/support/temp.js';

const { values: options } = parseArgs({ options: { models: { type: 'string', default: '2000' } } });
const count = Number(options.models);

const TEMPLATE = `
id: unit
name: Unit
parameters: [{ name: capacity }, { name: efficiency }]
points:
  - { name: output }
  - { name: state, kind: S }
  - { name: setpoint, kind: A }
`;
const MODEL = JSON.stringify({
  ...{ name: 'Performance Test Model', template_id: 'unit' },
  parameters: { capacity: 1000, efficiency: 0.95 },
});
const ALARM = JSON.stringify({ title: 'Hot', source: 'sensor', level: 'Warning', metadata: { value: 85.5 } });

const RULE = JSON.stringify({
  condition: { expression: 'comsrv:1:T:1 > 80', data_sources: ['comsrv:1:T:1'] },
  actions: [{ action_type: 'create_alarm', parameters: { title: 'Hot', level: 'Warning' } }],
});
/** The condition reads a point; nobody polls it. */
const SITE = `
site: functions
templates: [unit.yaml]
channels:
  - { id: 1, protocol: virtual, enabled: false, points: [{ id: 1, name: Temperature }] }
`;

type Work = (index: number) => Promise<unknown>;

const folder = await tempFolder();
const redis = await startRedis();
const client = new Redis(redis.url);
let site: SiteProcess | undefined;
try {
  await mkdir(folder.path, { recursive: true });
  await writeFile(join(folder.path, 'unit.yaml'), TEMPLATE);
  await writeFile(join(folder.path, 'site.yaml'), SITE);
  site = await SiteProcess.start({ site: join(folder.path, 'site.yaml'), env: { REDIS_URL: redis.url } });
  await eventually(() => client.call('FCALL_RO', 'statewatt_version', '0').catch(() => undefined));

  const fcall = (name: string, ...args: string[]) => client.call('FCALL', name, '1', ...args) as Promise<string>;
  const model = (index: number) => `model_${index}`;
  const hset: Work = (index) => client.hset('raw', model(index), MODEL);
  const hget: Work = (index) => client.hget('raw', model(index));
  line('', 'rate', 'p50', 'p99', 'worst', 'in Redis p50', 'p99', '100 at once');
  await measure('raw HSET', hset);
  await measure('raw HGET', hget);

  const accepted: string[] = [];
  const begun = performance.now();
  await measure('model_upsert', async (index) => {
    accepted.push((JSON.parse(await fcall('model_upsert', model(index), MODEL)) as { id: string }).id);
  });
  await settled(accepted);
  const seconds = (performance.now() - begun) / 1_000;
  print(
    `  ${accepted.length} upserts are durable ${Math.round(accepted.length / seconds)}/s, with the calls themselves`,
  );
  await measure('model_get', (index) => fcall('model_get', model(index)));
  await measure('model_get_points', (index) => fcall('model_get_points', model(index)));
  await measure('model_set_value', (index) => fcall('model_set_value', model(index), 'setpoint', '5'));
  await drained();
  await measure('store_alarm', (index) => fcall('store_alarm', `alarm_${index}`, ALARM));
  await drained();
  await measure('alarm_get', (index) => fcall('alarm_get', `alarm_${index}`));
  await measure('acknowledge_alarm', (index) => fcall('acknowledge_alarm', `alarm_${index}`, 'ada'));
  await drained();
  const rules = Math.min(count, 500);
  const rule = (index: number) => `rule_${index}`;
  await measure('rule_upsert', (index) => fcall('rule_upsert', rule(index), RULE), rules);
  await drained();
  await measure('rule_get', (index) => fcall('rule_get', rule(index)), rules);
  await measure('rule_evaluate', (index) => fcall('rule_evaluate', rule(index)), rules);
  await drained();
  await measure('rule_get_execution', (index) => fcall('rule_get_execution', rule(index)), rules);
  await measure('rule_execute_actions', (index) => fcall('rule_execute_actions', rule(index)), rules);
  await drained();
  await measure('rule_list, 200 of them', () => fcall('rule_list', '{}'), 100);
  await measure('rule_delete', (index) => fcall('rule_delete', rule(index), `gone-${index}`), rules);
  await drained();
  await measure(
    'hissrv_configure_mapping',
    (index) => fcall('hissrv_configure_mapping', `mapping_${index % 100}`, '{"points":"1:T:1","store":"change"}'),
    rules,
  );
  await drained();
  await measure('query_alarms, 100 of them', () => fcall('query_alarms', '{"status":"acknowledged"}'), 500);
  await measure('model_list, 200 of them', () => fcall('model_list', '{}'), 100);
  print(
    `load average ${loadavg()
      .map((value) => value.toFixed(1))
      .join(', ')}`,
  );
} finally {
  await site?.close();
  client.disconnect();
  await redis.close();
  await folder.remove();
}

/** One after the other, for the times; then 100 at once, for the rate. */
async function measure(name: string, work: Work, calls = count): Promise<void> {
  const times = new Float64Array(calls);
  await client.config('RESETSTAT');
  const start = performance.now();
  for (let index = 0; index < calls; index++) {
    const before = performance.now();
    await work(index);
    times[index] = performance.now() - before;
  }
  const alone = (calls / (performance.now() - start)) * 1_000;
  times.sort();
  const at = (share: number) => `${(times[Math.min(calls - 1, Math.floor(share * calls))] as number).toFixed(2)} ms`;
  const inside = await insideRedis(name.startsWith('raw ') ? name.slice(4).toLowerCase() : 'fcall');
  const again = performance.now();
  let next = 0;
  const caller = async () => {
    while (next < calls) await work(next++);
  };
  await Promise.all(Array.from({ length: 100 }, caller));
  const together = (calls / (performance.now() - again)) * 1_000;
  const late = name.startsWith('raw ') ? {} : { aim: { most: 10 } };
  figure({
    what: `p99 of ${name}`,
    value: times[Math.min(calls - 1, Math.floor(0.99 * calls))] ?? NaN,
    unit: 'ms',
    ...late,
  });
  const floor = { model_upsert: 500, model_get: 1_000 }[name];
  const least = floor === undefined ? {} : { aim: { least: floor } };
  figure({ what: `${name}, one by one`, value: alone, unit: '/s', ...least });
  line(name, `${Math.round(alone)}/s`, at(0.5), at(0.99), at(1), ...inside, `${Math.round(together)}/s`);
}

/** p50 and p99 of the command's own time, without the way there and back and without waiting for a core before it. */
async function insideRedis(command: string): Promise<[string, string]> {
  const text = await client.info('latencystats');
  const [, p50 = '?', p99 = '?'] = new RegExp(`usec_${command}:p50=([0-9.]+),p99=([0-9.]+)`).exec(text) ?? [];
  return [`${(Number(p50) / 1_000).toFixed(3)} ms`, `${(Number(p99) / 1_000).toFixed(3)} ms`];
}

function line(name: string, ...cells: string[]): void {
  print(name.padEnd(28) + cells.map((cell) => cell.padStart(12)).join(''));
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** All of them are done. */
async function settled(ids: readonly string[]): Promise<void> {
  await drained();
  for (const id of ids) {
    const { status } = JSON.parse(await (client.call('FCALL', 'statewatt_result', '1', id) as Promise<string>)) as {
      status: string;
    };
    if (status !== 'done') throw new Error(`${id} is ${status}`);
  }
}

/** Nothing waits to be done. */
async function drained(): Promise<void> {
  await eventually(async () => ((await client.xlen('statewatt:commands')) === 0 ? true : undefined), {
    within: 120_000,
  });
}
