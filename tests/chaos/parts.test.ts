import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startRedis, type TestRedis } from '../support/redis.js';
import { runStatewatt, SiteProcess, type Part } from '../support/site-process.js';
import { eventually, tempFolder } from '../support/temp.js';
import { assertSound, openArchive } from './archive.js';
import { CHANNELS, makeChaosSite, type ChaosSite } from './chaos-site.js';
import { Cloud } from './cloud.js';
import { Observer } from './observer.js';
import { commandAll, quiesce } from './quiesce.js';

const ATTACHED = `
name: mild
duration_s: 4
load: { callers: 2, actors: 4 }
faults:
  - { do: kill, what: actor, kind: channel, every_s: [1, 1.5] }
  - { do: kill, what: worker, at_s: 2 }
  - { do: pause, what: history, at_s: 1, for_s: [1, 1] }
bounds: { recovery_s: 60 }
`;

describe('chaos: one part of a running site goes away', function () {
  this.timeout(180_000);
  const observer = new Observer();
  let chaos: ChaosSite;
  let cloud: Cloud;
  let redis: TestRedis;
  let reader: Redis;
  let site: SiteProcess;

  before(async () => {
    redis = await startRedis();
    reader = new Redis(redis.url, { maxRetriesPerRequest: null });
    reader.on('error', () => undefined); // it goes away on purpose
    cloud = await Cloud.open();
    chaos = await makeChaosSite(cloud.yaml);
    site = await SiteProcess.start({ site: chaos.path, env: { REDIS_URL: redis.url } });
    await observer.watch(site.natsUrl);
  });
  after(async () => {
    await observer.leave();
    await site?.close();
    await chaos?.close();
    reader?.disconnect();
    await redis?.close();
    await cloud?.close();
  });
  beforeEach(() => site.healthWhen('all is well', ({ status, ready }) => status === 'healthy' && ready));

  /** Kills the part as often as it comes up, until health says that it is down. */
  async function keepDown(part: Part, name: 'nats' | 'history'): Promise<void> {
    let killed: number | undefined;
    await site.healthWhen(`${part} is down`, ({ parts }) => {
      const pid = site.partPid(part);
      if (pid !== undefined && pid !== killed) {
        site.signalPart(part, 'SIGKILL');
        killed = pid;
      }
      return parts[name]?.status === 'down';
    });
  }

  async function moreFrames(): Promise<void> {
    const enough = observer.seen.size + 3 * CHANNELS;
    await site.healthWhen('frames go on', () => observer.seen.size >= enough);
  }

  it('nats-server: frames wait on disk and follow in order; the site is unhealthy meanwhile', async () => {
    await moreFrames();
    await keepDown('nats-server', 'nats');
    const answer = await fetch(`${site.url}/health`);
    const body = (await answer.json()) as { status: string; ready: boolean };
    assert.deepEqual([answer.status, body.status, body.ready], [503, 'unhealthy', false]);
    assert.equal((await fetch(`${site.url}/health/ready`)).status, 503);
    // Live values are there all the time, as they were last.
    assert.equal((await site.get<{ points: unknown[] }>('/api/v1/points?channel=1')).points.length, 3);

    const { parts } = await site.healthWhen(
      'it recovers by itself',
      ({ status, parts }) => status === 'healthy' && Number(parts.spool?.facts?.replayed) > 0,
      60_000,
    );
    assert.equal(parts.spool?.facts?.refused, 0);
    assert.equal(parts.history?.facts?.lost, 0);
    await moreFrames();
    await reader.ping();
    const before = await reader.hget('comsrv:1:frame', 'seq');
    await eventually(async () => ((await reader.hget('comsrv:1:frame', 'seq')) !== before ? true : undefined), {
      what: 'live values go on',
    });
  });

  it('the history engine: what was not inserted is inserted later', async () => {
    await observer.nextAnnouncement(); // an insert is under way
    await keepDown('history engine', 'history');
    const { status, ready, parts } = await site.health();
    assert.deepEqual([status, ready], ['degraded', true], JSON.stringify(parts));
    const answer = await fetch(`${site.url}/api/v1/points/1:T:1/history`);
    if (answer.status !== 200) {
      assert.deepEqual(
        [answer.status, ((await answer.json()) as { error: { code: string } }).error.code],
        [503, 'history.unavailable'],
      );
    }
    await moreFrames();
    const after = await site.healthWhen('it recovers by itself', ({ status }) => status === 'healthy', 60_000);
    assert.equal(after.parts.history?.facts?.lost, 0);
  });

  it('nats-server, which hangs and goes on: what it took late is not there twice', async () => {
    const before = (await site.health()).parts.spool?.facts?.spooled ?? 0;
    site.signalPart('nats-server', 'SIGSTOP');
    const hanging = await site.healthWhen(
      'frames wait on disk',
      ({ parts }) => Number(parts.spool?.facts?.spooled) >= Number(before) + CHANNELS,
    );
    assert.notEqual(hanging.status, 'healthy');
    site.signalPart('nats-server', 'SIGCONT');
    const { parts } = await site.healthWhen(
      'it recovers by itself',
      ({ status, parts }) => status === 'healthy' && parts.spool?.facts?.spooled === parts.spool?.facts?.replayed,
      60_000,
    );
    assert.deepEqual([parts.spool?.facts?.refused, parts.history?.facts?.lost], [0, 0]);
    await moreFrames();
  });

  it('the history engine, which hangs and goes on: the rest does not wait for it', async () => {
    await observer.nextAnnouncement();
    site.signalPart('history engine', 'SIGSTOP');
    await moreFrames();
    await site.healthWhen('history is not well', ({ parts }) => parts.history?.status !== 'up');
    assert.equal((await site.get<{ points: unknown[] }>('/api/v1/points?channel=1')).points.length, 3);
    site.signalPart('history engine', 'SIGCONT');
    await site.healthWhen('it recovers by itself', ({ status }) => status === 'healthy', 60_000);
  });

  it('Redis, which comes back empty: values, tables and states are there again', async () => {
    await redis.stop();
    const away = await site.healthWhen('Redis is down', ({ parts }) => parts.realtime?.status === 'down');
    assert.equal(away.status, 'unhealthy');
    const channels = await fetch(`${site.url}/api/v1/points?channel=1`);
    assert.equal(channels.status, 503);
    await moreFrames();
    await redis.start();
    await site.healthWhen('it recovers by itself', ({ status }) => status === 'healthy', 60_000);
    await eventually(
      async () => {
        const missing = await Promise.all(
          [1, 2, 19, 20].flatMap((channel) =>
            ['T', 'config:telemetry', 'status', 'stats', 'frame'].map((hash) =>
              reader.exists(`comsrv:${channel}:${hash}`),
            ),
          ),
        );
        return missing.every((there) => there === 1) ? true : undefined;
      },
      { within: 30_000, what: 'every hash is back' },
    );
    assert.deepEqual(Object.keys(await reader.hgetall('comsrv:2:T')), ['1', '2', '3']);
  });

  it('the MQTT broker of a target: what it has not had waits, is shown, and follows', async () => {
    const already = cloud.count;
    await site.healthWhen('it gets readings', () => cloud.count > already + CHANNELS);
    await cloud.kill();
    const behind = 5 * CHANNELS;
    const { status, ready, parts } = await site.healthWhen(
      'what waits is shown',
      ({ parts: { forwarding } }) => forwarding?.status === 'degraded' && Number(forwarding.facts?.behind) >= behind,
    );
    assert.deepEqual([status, ready, parts.forwarding?.status], ['degraded', true, 'degraded']);
    assert.match(parts.forwarding?.detail ?? '', /^cloud backingOff, \d+ frames wait: mqtt:/);
    const metrics = await (await fetch(`${site.url}/metrics`)).text();
    const [, waiting] = /statewatt_forwarder_behind_frames\{forwarder="cloud",type="mqtt"\} (\d+)/.exec(metrics) ?? [];
    assert.ok(Number(waiting) >= behind, `behind in the metrics: ${waiting}`);
    await moreFrames(); // Nothing else waits for it.
    await cloud.start();
    const after = await site.healthWhen(
      'it catches up',
      (health) => health.status === 'healthy' && Number(health.parts.forwarding?.facts?.behind) < CHANNELS,
      60_000,
    );
    assert.equal(after.parts.forwarding?.facts?.lost, 0);
  });

  it('a chaos run on it breaks what it may, finds nothing amiss, and leaves nothing behind', async () => {
    const folder = await tempFolder();
    try {
      const file = join(folder.path, 'mild.yaml');
      await writeFile(file, ATTACHED);
      const attach = ['chaos', 'run', file, '--attach', '--data', site.data, '--redis', redis.url];
      const unnamed = await runStatewatt([...attach, '--yes']);
      assert.deepEqual([unnamed.code, unnamed.err.includes('pause history: name its process')], [1, true], unnamed.err);
      const pid = ['--pid', `history=${site.partPid('history engine')}`];
      const unasked = await runStatewatt([...attach, ...pid]);
      assert.deepEqual([unasked.code, unasked.err.includes('say so with --yes')], [1, true], unasked.err);
      const before = await site.get<{ models: unknown[] }>('/api/v1/models');

      const run = await runStatewatt([...attach, ...pid, '--yes', '--json', '--out', folder.path]);
      assert.equal(run.code, 0, run.out + run.err);
      const { verdicts, faults } = JSON.parse(run.out) as {
        verdicts: { invariant: string; passed: boolean; checked: string }[];
        faults: { text: string; failed?: string }[];
      };
      assert.deepEqual(
        faults.filter(({ failed }) => failed !== undefined),
        [],
      );
      const held = (name: string) => verdicts.find(({ invariant }) => invariant === name)?.checked ?? 'nothing';
      assert.match(held('commands-kept'), /^[1-9]\d* acknowledged commands of 4 actors$/);
      assert.match(held('history-once'), /^[1-9]\d* rows$/);
      assert.match(held('realtime-recent'), /looks at [1-9]/);
      assert.deepEqual(await site.get('/api/v1/models'), before);
      assert.equal((await site.healthWhen('all is well', ({ status }) => status === 'healthy')).status, 'healthy');
    } finally {
      await folder.remove();
    }
  });

  it('after all of that, every frame that was acknowledged is in history exactly once, and was forwarded', async () => {
    await moreFrames();
    await quiesce(site);
    await site.healthWhen('the target has caught up', ({ parts }) => parts.forwarding?.facts?.behind === 0);
    await observer.leave();
    await site.stop();
    const archive = await openArchive(site.data, observer.seen);
    assertSound(archive);
    cloud.assertComplete(archive);
    // Paused channels stay so over a restart; the operator resumes them.
    await site.start();
    await commandAll(site, 'resume');
    await site.healthWhen('all run again', ({ parts }) => parts.channels?.facts?.online === CHANNELS);
  });
});
