import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PointsUpdate } from '../../../actors/client/client.js';
import type { ChannelView, HistoryPage, WriteRequest } from '../../../actors/client/schemas.js';
import { connectBus } from '../../../bus/connection.js';
import { readBatch } from '../../../bus/read-batch.js';
import { STREAM } from '../../../bus/streams.js';
import { codecs } from '../../../bus/topics.js';
import type { RunFile } from '../../../node/data-folder.js';
import type { RunningNode } from '../../../node/node.js';
import type { StageReport } from '../../../node/stages.js';
import { sourceTime } from '../../../protocols/clickhouse/row-binary.js';
import { pointKey } from '../../../site/points.js';
import {
  noProcessOf,
  processesOf,
  startTestNode,
  virtualChannel,
  writeSite,
  type LogLine,
} from '../../support/node.js';
import { eventually, tempFolder } from '../../support/temp.js';

/** Time for what usually takes a second, on a machine that is busy. */
const PATIENCE = { within: 30_000 };

describe('a node', function () {
  this.timeout(120_000);
  let temp: Awaited<ReturnType<typeof tempFolder>>;
  let node: RunningNode;
  let lines: LogLine[];
  let reports: StageReport[];

  async function start(): Promise<void> {
    ({ node, lines, reports } = await startTestNode(temp.path));
  }
  const inState = (id: number, state: ChannelView['state']) =>
    eventually(
      async () => {
        const view = await node.client.channel(id).catch(() => undefined);
        return view?.state === state ? view : undefined;
      },
      { ...PATIENCE, what: `channel ${id} ${state}` },
    );
  const historyWith = (count: number, from: number): Promise<HistoryPage> =>
    eventually(
      async () => {
        const page = await node.client.history({
          channel: 1,
          kind: 'T',
          id: 1,
          from,
          resolution: 'raw',
          limit: 10_000,
        });
        return page.rows.length >= count ? page : undefined;
      },
      { ...PATIENCE, what: `${count} rows in history` },
    );
  /** No row is told more often than the channel has read it: twice in a millisecond on a machine that is busy. */
  async function assertNoneTwice(times: readonly number[]): Promise<void> {
    const bus = await connectBus({ servers: [node.natsUrl], name: 'reader', ensureStreams: false });
    const read = new Map<number, number>();
    for (let next = 1; ;) {
      const messages = await readBatch(bus, STREAM.frames, { seq: next, batch: 1_000 });
      if (messages.length === 0) break;
      for (const { data, seq } of messages) {
        next = seq + 1;
        const { channel, keys, time, ages } = codecs.frame.decode(data);
        const at = channel === 1 ? keys.indexOf(pointKey('T', 1)) : -1;
        if (at >= 0) read.set(sourceTime(time, ages, at), (read.get(sourceTime(time, ages, at)) ?? 0) + 1);
      }
    }
    await bus.close();
    const twice = times.filter((time) => {
      const left = read.get(time) ?? 0;
      read.set(time, left - 1);
      return left <= 0;
    });
    assert.deepEqual(twice, []);
  }
  const firstUpdate = async (channel?: number): Promise<PointsUpdate> => {
    const ending = new AbortController();
    for await (const update of node.client.watchPoints(channel === undefined ? {} : { channel }, ending.signal)) {
      ending.abort();
      return update;
    }
    return assert.fail('no update');
  };

  before(async () => {
    temp = await tempFolder();
    await writeSite(temp.path, virtualChannel(1), virtualChannel(2), virtualChannel(3));
    await start();
  });
  after(async () => {
    await node.stop();
    await temp.remove();
  });

  describe('answers its client', () => {
    it('with its channels, online', async () => {
      const [first] = await Promise.all([inState(1, 'online'), inState(2, 'online'), inState(3, 'online')]);
      assert.deepEqual(
        (await node.client.channels()).map(({ id }) => id),
        [1, 2, 3],
      );
      assert.deepEqual(
        [first.ref, first.name, first.protocol, first.address, first.enabled, first.pollingIntervalMs],
        ['channel/1', 'Device 1', 'virtual', 'virtual', true, 50],
      );
      assert.deepEqual(first.points, { T: 1, S: 1, C: 1, A: 2 });
      assert.ok(first.since > 0);
      await assert.rejects(node.client.channel(9), { code: 'channels.not_found', category: 'not_found' });
    });

    it('with its health and metrics, over HTTP too', async () => {
      const health = await eventually(
        async () => {
          const found = await node.client.health();
          return found.status === 'healthy' ? found : undefined;
        },
        { ...PATIENCE, what: 'healthy' },
      );
      assert.deepEqual([health.ready, health.node, health.site], [true, 'n1', 'Test site']);
      assert.equal((await fetch(`${node.url}/health/ready`)).status, 200);
      assert.match(await (await fetch(`${node.url}/metrics`)).text(), /^statewatt_actors [34]$/m);
    });

    it('with points: pages, filters, limits', async () => {
      await firstUpdate(1);
      const page = await node.client.points({ limit: 6 });
      assert.deepEqual(
        page.points.map(({ address }) => address.slice('comsrv:'.length)),
        ['1:T:1', '1:S:1', '1:C:1', '1:A:1', '1:A:2', '2:T:1'],
      );
      assert.equal(page.nextCursor, 'comsrv:2:T:1');
      const limits = await node.client.points({ name: 'LIM', channel: 2 });
      assert.deepEqual(
        limits.points.map(({ channel, min, max, unit, writable }) => [channel, min, max, unit, writable]),
        [[2, 0, 100, 'kW', true]],
      );
      const power = await node.client.point(1, 'T', 1);
      assert.equal(power.quality, 'good');
      assert.ok(typeof power.value === 'number' && power.value > 0 && power.time !== null);
      await assert.rejects(node.client.point(1, 'T', 99), { code: 'points.not_found' });
      await assert.rejects(node.client.point(9, 'T', 1), { code: 'channels.not_found' });
    });

    it('with live changes of one channel or all, and ends them', async () => {
      const update = await firstUpdate(2);
      assert.equal(update.channel, 2);
      assert.ok(update.points.some(({ kind, id, quality }) => kind === 'T' && id === 1 && quality === 'good'));
      assert.ok((await firstUpdate()).time > 0);
      assert.throws(() => node.client.watchPoints({ channel: 9 }, new AbortController().signal), {
        code: 'channels.not_found',
      });
    });

    it('with history', async () => {
      const page = await historyWith(5, 0);
      const times = page.rows.map(({ time }) => time);
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      );
      await assertNoneTwice(times);
      await assert.rejects(node.client.history({ channel: 1, kind: 'T', id: 7 }), { code: 'points.not_found' });
      await assert.rejects(node.client.history({ channel: 7, kind: 'T', id: 7 }), { code: 'channels.not_found' });
    });
  });

  describe('writes', () => {
    it('what may be written, once for each command id, and reads it back', async () => {
      const request: WriteRequest = { channel: 1, kind: 'A', id: 1, value: 42.5, commandId: 'w1' };
      const reply = await node.client.write(request);
      assert.deepEqual(
        [reply.commandId, reply.address, reply.written, reply.readBack, reply.confirmed, reply.answer],
        ['w1', 'comsrv:1:A:1', 42.5, 42.5, true, 'ok'],
      );
      assert.deepEqual(await node.client.write({ ...request, value: 1 }), reply, 'the first answer again');
      await eventually(async () => ((await node.client.point(1, 'A', 1)).value === 42.5 ? true : undefined), PATIENCE);
      assert.equal((await node.client.write({ channel: 1, kind: 'C', id: 1, value: true })).written, 1);
      assert.equal((await node.client.write({ channel: 1, kind: 'A', id: 2, value: 'peak' })).readBack, 'peak');
    });

    it('the same command id at two channels twice', async () => {
      const replies = await Promise.all(
        [2, 3].map((channel) => node.client.write({ channel, kind: 'A', id: 1, value: channel, commandId: 'same' })),
      );
      assert.deepEqual(
        replies.map(({ written }) => written),
        [2, 3],
      );
    });

    for (const [what, request, code] of [
      ['no such channel', { channel: 9, kind: 'A', id: 1, value: 1 }, 'channels.not_found'],
      ['no such point', { channel: 1, kind: 'A', id: 9, value: 1 }, 'points.not_found'],
      ['a value above its limit', { channel: 1, kind: 'A', id: 1, value: 100.5 }, 'points.out_of_range'],
      ['a value below its limit', { channel: 1, kind: 'A', id: 1, value: -1 }, 'points.out_of_range'],
      ['a text for a number', { channel: 1, kind: 'A', id: 1, value: '5' }, 'points.invalid_value'],
      ['a number for a text', { channel: 1, kind: 'A', id: 2, value: 5 }, 'points.invalid_value'],
      ['two for a switch', { channel: 1, kind: 'C', id: 1, value: 2 }, 'points.invalid_value'],
      ['telemetry', { channel: 1, kind: 'T' as 'A', id: 1, value: 1 }, 'points.not_writable'],
    ] as const) {
      it(`not: ${what}`, () => assert.rejects(node.client.write(request), { code }));
    }

    it('not while the channel is not online, and says so', async () => {
      await node.client.commandChannel(3, 'stop');
      await assert.rejects(node.client.write({ channel: 3, kind: 'A', id: 1, value: 1 }), (error: { code: string }) =>
        error.code.startsWith('channel.'),
      );
      await node.client.commandChannel(3, 'start');
      await inState(3, 'online');
    });
  });

  describe('commands its channels', () => {
    it('from state to state, with values marked stale while nobody reads', async () => {
      assert.equal((await node.client.commandChannel(2, 'pause')).state, 'paused');
      await eventually(
        async () => ((await node.client.point(2, 'T', 1)).quality === 'stale' ? true : undefined),
        PATIENCE,
      );
      await node.client.commandChannel(2, 'resume');
      await inState(2, 'online');
      await eventually(
        async () => ((await node.client.point(2, 'T', 1)).quality === 'good' ? true : undefined),
        PATIENCE,
      );
      assert.equal((await node.client.commandChannel(2, 'stop')).state, 'stopped');
      await assert.rejects(node.client.commandChannel(9, 'stop'), { code: 'channels.not_found' });
    });

    it('and shows its actors', async () => {
      const actors = await node.client.actors();
      const [only, ...others] = await node.client.nodes();
      assert.deepEqual([only?.partitions.length, only?.actors, others], [32, actors.length, []]);
      const channels = actors.filter(({ kind }) => kind === 'channel');
      assert.deepEqual(channels.map(({ ref, state, node: at }) => `${ref} ${state} ${at}`).sort(), [
        'channel/1 online n1',
        'channel/2 stopped n1',
        'channel/3 online n1',
      ]);
      const detail = await node.client.actor('channel/2');
      assert.equal(detail.transitions.at(-1)?.event, 'stop');
      await eventually(
        async () => {
          const { live } = (await node.client.actor('channel/2')).context as { live: { connected: boolean } };
          return live.connected ? undefined : true;
        },
        { ...PATIENCE, what: 'the link is closed' },
      );
      await assert.rejects(node.client.actor('channel/9'), { code: 'actors.not_found' });
      await assert.rejects(node.client.actor('nonsense'), { code: 'actors.invalid_ref' });
    });

    it('and supervises them: killed, restarted', async () => {
      const { restarts } = await node.client.actor('channel/1');
      await node.client.killActor('channel/1');
      await eventually(
        async () => {
          const actor = await node.client.actor('channel/1');
          return actor.restarts === restarts + 1 && actor.state === 'online' ? true : undefined;
        },
        { ...PATIENCE, what: 'restarted' },
      );
      assert.match((await node.client.actor('channel/1')).lastError ?? '', /killed by an operator/);
      const restarted = await node.client.restartActor('channel/1');
      assert.equal(restarted.restarts, restarts + 2);
      assert.ok(!('context' in restarted));
      await assert.rejects(node.client.killActor('channel/9'), { code: 'actors.not_found' });
      await assert.rejects(node.client.restartActor('channel/9'), { code: 'actors.not_found' });
      await inState(1, 'online');
    });
  });

  describe('reloads edited files', () => {
    const inForce = (text: RegExp) =>
      eventually(() => lines.find((line) => line.facts.part === 'configuration' && text.test(line.text)), {
        ...PATIENCE,
        what: String(text),
      });

    it('added, changed and removed channels', async () => {
      const changed = virtualChannel(1, { name: 'Renamed', base: 5_000 });
      await writeSite(temp.path, changed, virtualChannel(2), virtualChannel(4));
      await inForce(/in force: 1 changed, 3 removed, 4 added/);
      await inState(4, 'online');
      assert.equal((await node.client.channel(1)).name, 'Renamed');
      await eventually(async () => Number((await node.client.point(1, 'T', 1)).value) >= 5_000 || undefined, {
        ...PATIENCE,
        what: 'the new values',
      });
      await assert.rejects(node.client.channel(3), { code: 'channels.not_found' });
      const channels = (await node.client.actors()).filter(({ kind }) => kind === 'channel');
      assert.deepEqual(channels.map(({ id }) => id).sort(), ['1', '2', '4']);
    });

    it('a channel that comes back, though an operator had not started it', async () => {
      await writeSite(temp.path, virtualChannel(1), virtualChannel(2), virtualChannel(3));
      await inForce(/in force: 1 changed, 3 added, 4 removed/);
      await inState(3, 'online');
      await inState(1, 'online');
    });

    it('nothing of a bad edit: the old one stays, and health says so until it is mended', async () => {
      await writeSite(temp.path, virtualChannel(1), virtualChannel(1));
      const trouble = await inForce(/the edit is not in force: /);
      assert.equal(trouble.level, 'error');
      const bad = await eventually(
        async () => {
          const { parts } = await node.client.health();
          return parts.configuration?.status === 'degraded' ? parts.configuration : undefined;
        },
        { ...PATIENCE, what: 'degraded' },
      );
      assert.match(bad.detail, /^the last edit is not in force: .*site\.yaml/s);
      assert.deepEqual(
        (await node.client.channels()).map(({ id }) => id),
        [1, 2, 3],
      );
      assert.equal((await node.client.channel(1)).state, 'online');
      await writeSite(temp.path, virtualChannel(1), virtualChannel(2), virtualChannel(3));
      await eventually(
        async () => ((await node.client.health()).parts.configuration?.status === 'up' ? true : undefined),
        { ...PATIENCE, what: 'mended' },
      );
    });

    it('settings that only the next start takes, and says so', async () => {
      await writeSite(
        temp.path,
        virtualChannel(1),
        virtualChannel(2),
        virtualChannel(3),
        '\ndefaults: { max_concurrent_connections: 9 }',
      );
      const line = await inForce(/next start/);
      assert.deepEqual(
        [line.level, line.text],
        ['warn', 'takes effect at the next start of the node: max_concurrent_connections'],
      );
    });
  });

  describe('stops and starts again', () => {
    let runFile: RunFile;
    let rowsBefore: number;
    let stoppedAt: number;

    it('holding its folder: no second node runs on it', async () => {
      runFile = JSON.parse(await readFile(join(temp.path, 'data', 'run.json'), 'utf8')) as RunFile;
      assert.deepEqual(
        [runFile.http.url, runFile.nats.url, runFile.pid, runFile.node],
        [node.url, node.natsUrl, process.pid, 'n1'],
      );
      await assert.rejects(startTestNode(temp.path), { code: 'node.folder_in_use' });
    });

    it('leaving nothing that runs', async () => {
      assert.equal((await node.client.commandChannel(2, 'stop')).state, 'stopped');
      assert.ok((await processesOf(temp.path)).length >= 2, 'nats-server and the history engine');
      rowsBefore = (await historyWith(5, 0)).rows.filter(({ quality }) => quality === 'good').length;
      await Promise.all([node.stop(), node.stop()]);
      stoppedAt = Date.now();
      await noProcessOf(temp.path);
      await assert.rejects(readFile(join(temp.path, 'data', 'run.json')), { code: 'ENOENT' });
      await assert.rejects(fetch(node.url));
      const names = (phase: StageReport['phase']) =>
        reports.filter((each) => each.phase === phase).map(({ name }) => name);
      assert.deepEqual(names('stopped'), names('started').reverse());
      assert.deepEqual(names('failed'), []);
    });

    it('with the states that its channels had: an operator’s stop holds', async () => {
      await start();
      assert.equal((await node.client.channel(2)).state, 'stopped');
      await inState(1, 'online');
      const detail = await node.client.actor('channel/2');
      assert.deepEqual(
        detail.transitions.map(({ event }) => event),
        ['activated'],
      );
    });

    it('with history that goes on', async () => {
      const page = await eventually(
        async () => {
          const found = await historyWith(rowsBefore, 0);
          return found.rows.some(({ time }) => time > stoppedAt) ? found : undefined;
        },
        { ...PATIENCE, what: 'rows from before and after' },
      );
      // A value that becomes stale is told again, with the time at which it was good.
      const good = page.rows.filter(({ quality }) => quality === 'good');
      const times = good.map(({ time }) => time);
      assert.ok(times.filter((time) => time < stoppedAt).length >= rowsBefore);
      await assertNoneTwice(times);
    });
  });
});
