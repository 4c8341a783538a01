import assert from 'node:assert/strict';
import { createMetrics, type MetricsParts } from '../../../node/metrics.js';
import { DEFAULT_BOUNDS, Histogram } from '../../../telemetry/histogram.js';
import { FakeClient } from '../../support/fake-client.js';

interface Metric {
  help: string;
  type: string;
  samples: Map<string, number>;
}

/** The text format of Prometheus, version 0.0.4. */
function parse(text: string): Map<string, Metric> {
  const metrics = new Map<string, Metric>();
  const get = (name: string): Metric => {
    let metric = metrics.get(name);
    if (metric === undefined) metrics.set(name, (metric = { help: '', type: '', samples: new Map() }));
    return metric;
  };
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const series = /^(\S+_seconds)_(bucket|sum|count)((?:\{.*\})?) (\S+)$/.exec(line);
    if (series !== null && metrics.get(series[1] as string)?.type === 'histogram') {
      get(series[1] as string).samples.set(`${series[2]}${series[3]}`, Number(series[4]));
      continue;
    }
    const note = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (note !== null) {
      get(note[2] as string)[note[1] === 'HELP' ? 'help' : 'type'] = note[3] as string;
      continue;
    }
    const sample = /^([a-zA-Z_:][\w:]*)((?:\{.*\})?) (\S+)$/.exec(line);
    assert.ok(sample, line);
    get(sample[1] as string).samples.set(sample[2] as string, Number(sample[3]));
  }
  return metrics;
}

describe('metrics', () => {
  const client = new FakeClient({ channels: 2 });
  let asked = 0;
  const times = Object.fromEntries(
    ['asks', 'mailbox', 'commands', 'appends', 'effects', 'durableEffects', 'takeovers'].map((name) => [
      name,
      new Histogram(),
    ]),
  );
  let away = false;
  const parts = {
    system: {
      actors: () => [{ mailbox: 2 }, { mailbox: 3 }],
      outboxCounters: { effectsRun: 16, effectsRetried: 17, effectsParked: 18 },
      deadLetters: { count: () => (away ? Promise.reject(new Error('away')) : Promise.resolve(19)) },
      counters: {
        commands: 11,
        refusedBusy: 12,
        refusedFailed: 15,
        restarts: 13,
        failures: 14,
        activated: 15,
        passivated: 16,
        timersSet: 51,
        timersFired: 52,
        timersCancelled: 53,
      },
      callerCounters: { askErrors: 51, tells: 52, tellErrors: 53 },
      owned: new Set([1, 2, 3]),
      nodes: [{}, {}],
      times,
    },
    publisher: {
      counters: { published: 21, spooled: 22, replayed: 23, refused: 24, superseded: 26, damagedBytes: 27 },
      spoolBytes: 25,
    },
    realtimeProjection: { counters: { points: 31 } },
    historyWriter: { counters: { points: 41, leftOut: 40, batches: 42, insertMs: 43_500, lost: 44 } },
    workers: {
      metrics: () => ({
        ...{
          threads: 2,
          waiting: 71,
          running: 72,
          completed: 73,
          redone: 74,
          failed: 75,
          refused: 76,
          utilization: 0.5,
        },
      }),
    },
    signing: { counters: { onPool: 81, here: 82 } },
    polls: { waiting: 33 },
    ledger: { health: () => ({ writing: true, rows: 91, behindMs: 92_000, lastError: null }) },
    forwarders: () => client.forwarding.views,
    http: { rateLimited: 61, unauthenticated: 62, forbidden: 63, failedSignIns: 64 },
    channels: () => {
      asked += 1;
      return client.channels();
    },
  };
  const text = createMetrics(parts as unknown as MetricsParts);
  const own = async () => [...parse(await text())].filter(([name]) => name.startsWith('statewatt_'));

  it('give every metric a help and the type that its name promises', async () => {
    const metrics = await own();
    assert.equal(metrics.length, 71);
    for (const [name, { help, type, samples }] of metrics) {
      assert.ok(help.length > 10, name);
      const timed = name.endsWith('_seconds') && !/p99|behind/.test(name);
      assert.equal(type, name.endsWith('_total') ? 'counter' : timed ? 'histogram' : 'gauge', name);
      assert.ok(samples.size > 0, name);
      for (const value of samples.values()) assert.ok(Number.isFinite(value), name);
    }
  });

  it('tell what the parts have counted, each time anew', async () => {
    const total = async (name: string) => new Map(await own()).get(`statewatt_${name}`)?.samples.get('');
    const names = ['actors', 'mailbox_commands', 'commands_total', 'frames_refused_total', 'spool_bytes'];
    assert.deepEqual(await Promise.all(names.map(total)), [2, 5, 11, 24, 25]);
    assert.equal(await total('history_insert_seconds_total'), 43.5);
    assert.equal(await total('effects_parked_total'), 18);
    assert.equal(await total('dead_letters'), 19);
    assert.equal(await total('polls_waiting'), 33);
    assert.deepEqual(
      await Promise.all(['worker_jobs_redone_total', 'ledger_rows_total', 'ledger_behind_seconds'].map(total)),
      [74, 91, 92],
    );
    const signed = new Map(await own()).get('statewatt_mints_signed_total')?.samples;
    assert.deepEqual(
      [...(signed ?? [])],
      [
        ['{by="workers"}', 81],
        ['{by="node"}', 82],
      ],
    );
    const ofTimers = ['timers_set_total', 'timers_fired_total', 'timers_cancelled_total'];
    assert.deepEqual(await Promise.all(ofTimers.map(total)), [51, 52, 53]);
    away = true;
    assert.ok(Number.isNaN(await total('dead_letters')));
    away = false;
    parts.system.counters.commands = 15;
    assert.equal(await total('commands_total'), 15);
  });

  it('tell how long things took, as cumulative buckets', async () => {
    times.appends?.observe(0.0005);
    times.appends?.observe(0.002);
    times.appends?.observe(99);
    const found = new Map(await own()).get('statewatt_journal_append_seconds')?.samples;
    assert.equal(found?.size, DEFAULT_BOUNDS.length + 3);
    const of = (name: string) => found?.get(name);
    assert.deepEqual(
      ['bucket{le="0.0005"}', 'bucket{le="0.001"}', 'bucket{le="0.0025"}', 'bucket{le="30"}', 'bucket{le="+Inf"}'].map(
        of,
      ),
      [1, 1, 2, 2, 3],
    );
    assert.deepEqual([of('count'), of('sum')], [3, 99.0025]);
  });

  it('tell of placement, callers and durable effects', async () => {
    const metrics = new Map(await own());
    const names = ['partitions', 'nodes', 'mailbox_longest_commands', 'ask_errors_total', 'effects_run_total'];
    assert.deepEqual(
      names.map((name) => metrics.get(`statewatt_${name}`)?.samples.get('')),
      [3, 2, 3, 51, 16],
    );
  });

  it('tell of each channel, of one moment, and of no channel that is gone', async () => {
    client.change(1002, { state: 'backingOff', name: 'Meter "2" \\ west' });
    asked = 0;
    const metrics = new Map(await own());
    assert.equal(asked, 1);
    assert.deepEqual(
      [...(metrics.get('statewatt_channel_state')?.samples ?? [])],
      [
        ['{channel="1001",name="Meter 1001",state="online"}', 1],
        ['{channel="1002",name="Meter \\"2\\" \\\\ west",state="backingOff"}', 1],
      ],
    );
    assert.deepEqual([...(metrics.get('statewatt_channel_reads_total')?.samples.values() ?? [])], [10, 10]);
    assert.equal(
      metrics.get('statewatt_channel_round_trip_p99_seconds')?.samples.get('{channel="1001",name="Meter 1001"}'),
      0.004,
    );
    parts.channels = async () => (await client.channels()).slice(0, 1);
    assert.equal(new Map(await own()).get('statewatt_channel_reads_total')?.samples.size, 1);
  });

  it('tell of the process, as Prometheus’ clients do', async () => {
    const metrics = parse(await text());
    for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_seconds']) {
      assert.ok(metrics.has(name), name);
    }
  });
});
