import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createMeterKind, meterRef, type MeterKind } from '../../../actors/meter.js';
import { createMeterFeedKind, meterFeedRef, type MeterFeedKind } from '../../../actors/meter-feed.js';
import type { MeterFeedLive } from '../../../actors/meter/feed-worker.js';
import type { MeterEvent } from '../../../actors/client/meter-watch.js';
import type { MeterView } from '../../../actors/client/metering.js';
import { LocalMetering } from '../../../actors/meter/local-metering.js';
import { LiveFeed } from '../../../actors/projections/live-feed.js';
import { FrameRouter } from '../../../actors/rule/frame-router.js';
import { knownActors } from '../../../actors/runtime/known-actors.js';
import { createSystem, type ActorSystem } from '../../../actors/runtime/system.js';
import type { Bus } from '../../../bus/connection.js';
import { meterFeedParts } from '../../../node/meter-feeds.js';
import type { RunningNode } from '../../../node/node.js';
import { TOKENIZATION_DEFAULTS } from '../../../site/metering/tokenization.js';
import { BAD, GOOD, pointKey, STALE } from '../../../site/points.js';
import { WorkerPool } from '../../../workers/pool.js';
import { OTHER_WALLET, WALLET } from '../../support/meter.js';
import { readJournalItems } from '../../support/meter-journal.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { startTestNode } from '../../support/node.js';
import { eventually, tempFolder } from '../../support/temp.js';

const CHANNEL = 1001;
const POINT = 3;
const QUARTER = 900_000;
const WITHIN = { within: 20_000 };

interface Node {
  readonly bus: Bus;
  readonly system: ActorSystem;
  readonly metering: LocalMetering;
  readonly kind: MeterKind;
  readonly feedKind: MeterFeedKind;
}

describe('meters that channels read', function () {
  this.timeout(60_000);
  let nats: TestNats;
  let pool: WorkerPool;
  let nodes = 0;
  let seq = 0;
  /** Frames reach all nodes. */
  const feed = new LiveFeed();

  before(async () => {
    nats = await startNats();
    pool = new WorkerPool({ threads: 1 });
  });
  after(async () => {
    await pool.close();
    await nats.stop();
  });

  async function joinNode(): Promise<Node> {
    const name = `n${++nodes}`;
    const bus = await nats.connect(name);
    const settings = () => ({ ...TOKENIZATION_DEFAULTS, anomalyDeviations: 0 });
    const kind = createMeterKind();
    const feedKind = createMeterFeedKind(meterFeedParts(new FrameRouter(feed), bus, kind, () => system, settings));
    const system: ActorSystem = createSystem({
      bus,
      kinds: [kind, feedKind],
      node: name,
      alwaysOn: async () => (await knownActors(bus, feedKind.kind)).map((id) => meterFeedRef(feedKind, id)),
    });
    await system.start();
    return { bus, system, kind, feedKind, metering: new LocalMetering({ bus, system, kind, pool, settings }) };
  }

  /** As a crash would end it: nothing is said to anybody. */
  async function cut({ bus, system, metering }: Node): Promise<void> {
    metering.stop();
    await bus.nats.close();
    await system.stop().catch(() => undefined);
  }

  async function leave({ bus, system, metering }: Node): Promise<void> {
    metering.stop();
    await system.stop();
    await bus.close();
  }

  function publish(time: number, value: number, quality = GOOD, age = 0): void {
    feed.publish({
      ...{ channel: CHANNEL, epoch: 1, seq: ++seq, time },
      keys: Uint32Array.of(pointKey('T', 1), pointKey('T', POINT)),
      values: Float64Array.of(230, value),
      quality: Uint8Array.of(GOOD, quality),
      ...(age === 0 ? {} : { ages: Uint32Array.of(0, age) }),
    });
  }

  function liveOf({ system, feedKind }: Node, meter: string): MeterFeedLive | undefined {
    return system.inspect(meterFeedRef(feedKind, meter))?.live as MeterFeedLive | undefined;
  }
  const watching = (node: Node, meter: string): Promise<boolean> =>
    eventually(() => liveOf(node, meter)?.watching === true || undefined, { ...WITHIN, what: `${meter} is read` });
  const countedTo = (node: Node, meter: string, at: number): Promise<MeterView> =>
    eventually(
      async () => {
        const view = await node.metering.get(meter);
        return view.register?.at === at ? view : undefined;
      },
      { ...WITHIN, what: `${meter} counts to ${at}` },
    );

  it('have a reading for each interval, told to those who listen', async () => {
    const node = await joinNode();
    const begin = Math.floor((Date.now() - 86_400_000) / QUARTER) * QUARTER;
    const source = { channel: CHANNEL, point: POINT, unit: 'kWh' as const, rollover: 1_000 };
    await node.metering.register({ id: 'GRID', source, wallet: WALLET, user: 'anna' });
    await watching(node, 'GRID');
    const heard: MeterEvent[] = [];
    const abort = new AbortController();
    const listening = (async () => {
      for await (const { events } of node.metering.watch(
        { event_types: ['MeterReadingReceived'], user: 'anna' },
        abort.signal,
      ))
        heard.push(...events);
    })();
    await node.bus.nats.flush();
    // A value each half minute, 0.1 kWh more each; bad and stale ones between, one without the point.
    for (let at = 0; at <= 100; at++) {
      const time = begin + 10_000 + at * 30_000;
      publish(time, Number((999 + at / 10).toFixed(1)) % 1_000);
      publish(time + 5_000, 0, BAD);
      publish(time + 6_000, 900, STALE);
    }
    const view = await countedTo(node, 'GRID', begin + 3 * QUARTER);
    assert.deepEqual([view.readings, view.source, view.publicKey], [2, source, null]);
    const items = await readJournalItems(node.bus, 'GRID');
    assert.deepEqual(
      items.map(({ start, end, energy, marks = [] }) => [
        (start - begin) / QUARTER,
        (end - begin) / QUARTER,
        energy,
        marks,
      ]),
      [
        [1, 2, '3000000000', []],
        [2, 3, '3000000000', []],
      ],
    );
    const page = await node.metering.readings('GRID', {});
    assert.deepEqual(
      page.readings.map(({ kwh }) => kwh),
      ['3', '3'],
    );
    await eventually(() => heard.length === 2 || undefined, { ...WITHIN, what: 'both events' });
    abort.abort();
    await listening;
    assert.deepEqual(
      heard.map(({ type, kwh_amount, sequence }) => [type, kwh_amount, sequence]),
      [
        ['MeterReadingReceived', '3', begin + 2 * QUARTER],
        ['MeterReadingReceived', '3', begin + 3 * QUARTER],
      ],
    );
    await leave(node);
  });

  it('are refused without a key and a source, and with both', async () => {
    const node = await joinNode();
    const owner = { wallet: WALLET, user: 'anna' };
    const source = { channel: CHANNEL, point: POINT, unit: 'kWh' as const };
    for (const meter of [
      { id: 'NONE', ...owner },
      { id: 'BOTH', ...owner, source, publicKey: WALLET },
      { id: 'ODD', ...owner, source: { ...source, intervalSecs: 7 } },
    ]) {
      await assert.rejects(node.metering.register(meter), { code: 'meters.invalid_source' });
    }
    await node.metering.register({ id: 'SAME', ...owner, source });
    await node.metering.register({ id: 'SAME', ...owner, source });
    const other = { ...source, point: 4 };
    await assert.rejects(node.metering.register({ id: 'SAME', ...owner, source: other }), { code: 'meters.conflict' });
    await leave(node);
  });

  it('add up to their counter though the node is killed meanwhile', async () => {
    const begin = Math.floor((Date.now() - 5 * 86_400_000) / QUARTER) * QUARTER;
    let node = await joinNode();
    const source = { channel: CHANNEL, point: POINT, unit: 'Wh' as const, intervalSecs: 900 };
    await node.metering.register({ id: 'KILLED', source, wallet: WALLET, user: 'anna' });
    await watching(node, 'KILLED');
    let minute = 0;
    const value = (): number => Number((1_000_000 + minute * 12.345).toFixed(3));
    const publishMinutes = async (count: number): Promise<void> => {
      for (let published = 0; published < count; published++) {
        publish(begin + minute * 60_000 + 7_000, value());
        minute += 1;
        await new Promise(setImmediate);
      }
    };
    await publishMinutes(67);
    // Some are counted now, others are on their way.
    const killed = node;
    const ended = cut(killed);
    node = await joinNode();
    await ended;
    await watching(node, 'KILLED');
    await publishMinutes(40);
    const last = Math.floor((begin + (minute - 2) * 60_000 + 7_000) / QUARTER) * QUARTER;
    const { register, kwh } = await countedTo(node, 'KILLED', last);
    const items = await readJournalItems(node.bus, 'KILLED');
    assert.ok(items.length >= 2, `${items.length} readings`);
    for (const [index, { start }] of items.entries()) {
      if (index > 0) assert.equal(start, items[index - 1]?.end);
    }
    // Its first value is known: that before the first boundary.
    const minutes = ((items[0]?.start ?? 0) - begin) / 60_000 - 1;
    const first = Math.round((1_000_000 + minutes * 12.345) * 1_000) / 1_000;
    assert.equal(Number(kwh).toFixed(9), (Number(register?.kwh) - first / 1_000).toFixed(9));
    await leave(node);
  });

  describe('of the site file', () => {
    let folder: { path: string; remove: () => Promise<void> };
    let running: RunningNode;

    const site = (meters: string): string => `site: s
channels:
  - id: 1001
    protocol: virtual
    polling: { interval_ms: 50 }
    simulation:
      patterns: [{ type: ramp, point_id: 3, from: 0, to: 1000, duration_ms: 600000 }]
    points: [{ id: 3, name: Energy, unit: kWh }]
meters:${meters}
`;
    const meter = (change: string): string => `
  - { id: PV, channel: 1001, point: 3, interval_secs: 1, wallet: ${WALLET}, ${change} }`;

    before(async () => {
      folder = await tempFolder();
      await writeFile(join(folder.path, 'site.yaml'), site(meter('user: anna')));
      running = (await startTestNode(folder.path)).node;
    });
    after(async () => {
      await running.stop();
      await folder.remove();
    });

    const shown = (what: string, wanted: (view: MeterView) => boolean): Promise<MeterView> =>
      eventually(
        async () => {
          const [view] = (await running.client.metering.list({})).meters;
          return view !== undefined && wanted(view) ? view : undefined;
        },
        { ...WITHIN, what },
      );

    it('are read, follow it, and are read no more when it has them no more', async () => {
      await shown('three readings', ({ readings }) => readings >= 3);
      const page = await running.client.metering.readings('PV', { limit: 1_000 });
      for (const [index, { start, end }] of page.readings.entries()) {
        assert.equal(end % 1_000, 0);
        if (index > 0) assert.equal(start, page.readings[index - 1]?.end);
      }
      await writeFile(join(folder.path, 'site.yaml'), site(meter('user: ben')));
      await shown('ben’s meter', ({ user }) => user === 'ben');
      await assert.rejects(
        running.client.metering.command('PV', { type: 'reassign', wallet: OTHER_WALLET, user: 'carl' }),
        { code: 'meters.configured' },
      );
      await writeFile(join(folder.path, 'site.yaml'), site(' []'));
      assert.equal((await shown('no source', ({ source }) => source === null)).state, 'active');
      const missing = { id: 'X', source: { channel: 1001, point: 9, unit: 'kWh' as const }, wallet: WALLET, user: 'a' };
      await assert.rejects(running.client.metering.register(missing), { code: 'meters.invalid_source' });
    });
  });

  it('say nothing of a meter that has gone', async () => {
    const node = await joinNode();
    const source = { channel: CHANNEL, point: POINT, unit: 'kWh' as const };
    await node.metering.register({ id: 'GONE', source, wallet: WALLET, user: 'anna' });
    await watching(node, 'GONE');
    await node.metering.command('GONE', { type: 'revoke', by: 'carl', reason: 'sold' });
    await eventually(() => liveOf(node, 'GONE')?.watching === false || undefined, { ...WITHIN, what: 'it is let go' });
    const record = await node.system.ask(meterRef(node.kind, 'GONE'), { type: 'describe' });
    assert.equal(record.state, 'revoked');
    await leave(node);
  });
});
