import assert from 'node:assert/strict';
import sinon from 'sinon';
import type { ChannelView, HistoryPage, PointView } from '../../../actors/client/schemas.js';
import { ApiError, ServerAwayError, type Api } from '../../../facade/web/src/api.js';
import { countStates, filterChannels, isLate } from '../../../facade/web/src/state/channel-list.js';
import { PointsStore, type EventStream, type StreamHandlers } from '../../../facade/web/src/state/points-store.js';
import { SiteStore } from '../../../facade/web/src/state/site-store.js';
import { TrendStore } from '../../../facade/web/src/state/trend-store.js';
import { WriteFlow, parseValue } from '../../../facade/web/src/state/write-flow.js';
import { FakeClient } from '../../support/fake-client.js';

const T0 = 1_700_000_000_000;

class Stream implements EventStream {
  closed = false;
  readonly #handlers: StreamHandlers;
  constructor(handlers: StreamHandlers) {
    this.#handlers = handlers;
  }
  close(): void {
    this.closed = true;
  }
  open(): void {
    this.#handlers.opened();
  }
  fail(): void {
    this.#handlers.lost();
  }
  send(...points: PointView[]): void {
    this.#handlers.message(JSON.stringify({ channel: 1001, time: points[0]?.time, points }));
  }
}

describe('web page: stores', () => {
  let clock: sinon.SinonFakeTimers;
  let client: FakeClient;
  let api: sinon.SinonStubbedInstance<Api>;
  let streams: Stream[];
  const newest = () => streams.at(-1) as Stream;

  beforeEach(() => {
    clock = sinon.useFakeTimers({ now: T0 });
    client = new FakeClient({ time: T0 });
    streams = [];
    api = {
      skewMs: 0,
      health: sinon.stub<[], ReturnType<Api['health']>>().callsFake(() => client.health()),
      channels: sinon.stub<[], ReturnType<Api['channels']>>().callsFake(() => client.channels()),
      points: sinon
        .stub<Parameters<Api['points']>, ReturnType<Api['points']>>()
        .callsFake(async (channel) => structuredClone((await client.points({ channel })).points)),
      history: sinon.stub<Parameters<Api['history']>, ReturnType<Api['history']>>(),
      write: sinon.stub<Parameters<Api['write']>, ReturnType<Api['write']>>(),
      commandChannel: sinon.stub<Parameters<Api['commandChannel']>, ReturnType<Api['commandChannel']>>(),
      streamUrl: sinon.stub<[number], string>().callsFake((channel) => `/stream/${channel}`),
    };
  });
  afterEach(() => clock.restore());

  describe('site', () => {
    it('asks for its health alone for who may not see channels', async () => {
      let sees = false;
      const store = new SiteStore(api, () => sees);
      store.start();
      await clock.tickAsync(4_000);
      assert.deepEqual(store.link.value, { state: 'up' });
      assert.equal(store.health.value?.site, 'Test site');
      assert.equal(api.channels.callCount, 0);
      api.health.rejects(new ServerAwayError('gone'));
      await clock.tickAsync(2_000);
      assert.equal(store.link.value.state, 'away');
      sees = true;
      await clock.tickAsync(2_000);
      assert.equal(api.channels.callCount, 1);
      store.stop();
    });

    it('tells since when the server is away, keeps what it had, and recovers', async () => {
      const store = new SiteStore(api);
      store.start();
      await clock.tickAsync(10);
      assert.deepEqual(store.link.value, { state: 'up' });
      api.channels.rejects(new ServerAwayError('the server cannot be reached'));
      await clock.tickAsync(10_000);
      assert.deepEqual(store.link.value, {
        state: 'away',
        since: T0 + 2_000,
        message: 'the server cannot be reached',
      });
      assert.equal(store.channels.value.length, 3);
      api.channels.rejects(new ApiError(503, { code: 'client.unavailable', message: 'no bus' }));
      await clock.tickAsync(2_000);
      assert.equal(store.link.value.state, 'refusing');
      api.channels.callsFake(() => client.channels());
      await clock.tickAsync(2_000);
      assert.deepEqual(store.link.value, { state: 'up' });
      store.stop();
    });

    it('asks nothing once it is stopped, even when an answer was under way', async () => {
      const store = new SiteStore(api);
      store.start();
      store.stop();
      await clock.tickAsync(60_000);
      assert.equal(api.channels.callCount, 1);
    });
  });

  describe('points', () => {
    const store = () =>
      new PointsStore(api, (_url, handlers) => {
        streams.push(new Stream(handlers));
        return newest();
      });
    const first = (points: PointsStore) => points.points.value[0] as PointView;

    it('asks for the list once changes are heard; a change that overtakes the list wins', async () => {
      const points = store();
      points.select(1001);
      assert.equal(api.points.callCount, 0);
      newest().open();
      const newer = { ...((await client.points({ channel: 1001 })).points[0] as PointView), value: 99, time: T0 + 1 };
      newest().send(newer);
      await clock.tickAsync(0);
      assert.equal(points.status.value.state, 'live');
      assert.equal(first(points).value, 99);
      newest().send({ ...newer, value: 100, quality: 'stale' });
      await clock.tickAsync(100);
      assert.deepEqual([first(points).value, first(points).quality], [100, 'stale']);
      points.pause();
      assert.ok(newest().closed);
    });

    it('takes a good point with a deadband that a change leaves out as of that change', async () => {
      const points = store();
      const [moved, still, other] = (await client.points({ channel: 1001 })).points as [
        PointView,
        PointView,
        PointView,
      ];
      api.points.resolves([moved, { ...still, deadband: 0.5 }, { ...other, deadband: 0.5, quality: 'stale' }]);
      points.select(1001);
      newest().open();
      await clock.tickAsync(0);
      newest().send({ ...moved, time: T0 + 7 });
      await clock.tickAsync(100);
      assert.deepEqual(
        points.points.value.map(({ time }) => time),
        [T0 + 7, T0 + 7, other.time],
      );
      points.pause();
    });

    it('keeps the values, says that they are not live, and tries again', async () => {
      const points = store();
      points.select(1001);
      newest().open();
      await clock.tickAsync(0);
      api.points.rejects(new ServerAwayError('gone'));
      newest().fail();
      await clock.tickAsync(0);
      assert.deepEqual(points.status.value, { state: 'reconnecting', message: 'the live stream was lost' });
      assert.equal(points.points.value.length, 6);
      assert.equal(streams.length, 1);
      await clock.tickAsync(1_000);
      assert.equal(streams.length, 2);
      api.points.callsFake(async (channel) => (await client.points({ channel })).points);
      newest().open();
      await clock.tickAsync(0);
      assert.equal(points.status.value.state, 'live');
      points.pause();
    });

    it('does not try again for a channel that does not exist', async () => {
      const points = store();
      api.points.rejects(new ApiError(404, { code: 'channels.not_found', message: 'There is no channel 7.' }));
      points.select(7);
      newest().fail();
      await clock.tickAsync(60_000);
      assert.deepEqual(points.status.value, { state: 'missing', message: 'There is no channel 7.' });
      assert.equal(streams.length, 1);
    });

    it('says so when a channel that was heard is gone by the time its list is asked for', async () => {
      const points = store();
      api.points.rejects(new ApiError(404, { code: 'channels.not_found', message: 'There is no channel 7.' }));
      points.select(7);
      newest().open();
      await clock.tickAsync(60_000);
      assert.deepEqual(points.status.value, { state: 'missing', message: 'There is no channel 7.' });
      assert.deepEqual([streams.length, newest().closed], [1, true]);
    });

    it('tries again, each time later, when the list is refused while the stream is heard', async () => {
      const points = store();
      api.points.rejects(new ApiError(503, { code: 'client.unavailable', message: 'no bus' }));
      points.select(1001);
      newest().open();
      await clock.tickAsync(0);
      assert.deepEqual(points.status.value, { state: 'reconnecting', message: 'no bus' });
      api.points.callsFake(async () => (await client.points({ channel: 1001 })).points);
      await clock.tickAsync(1_000);
      assert.equal(streams.length, 2);
      newest().open();
      await clock.tickAsync(0);
      assert.equal(points.status.value.state, 'live');
      points.pause();
    });

    it('takes nothing from the stream of the channel before', async () => {
      const points = store();
      points.select(1001);
      const old = newest();
      old.open();
      points.select(1002);
      await clock.tickAsync(0);
      assert.deepEqual(points.points.value, []);
      assert.ok(old.closed);
      newest().open();
      await clock.tickAsync(0);
      assert.equal(first(points).channel, 1002);
      points.pause();
    });
  });

  describe('trend', () => {
    const point = { address: 'comsrv:1001:T:1', pollingIntervalMs: 1000 };
    const page = (rows: number, end = T0): HistoryPage => ({
      channel: 1001,
      kind: 'T',
      id: 1,
      resolution: 'raw',
      from: T0 - 900_000,
      to: end,
      rows: Array.from({ length: rows }, (_, i) => ({ time: end - (rows - i) * 1000, value: i, quality: 'good' })),
      nextCursor: null,
    });
    const live = (time: number): PointView => ({
      ...point,
      channel: 1001,
      kind: 'T',
      id: 1,
      name: 'Active power',
      unit: 'kW',
      writable: false,
      value: 5,
      quality: 'good',
      time,
    });

    it('moves back in time and zooms about the middle, never beyond now', async () => {
      api.history.callsFake(async () => page(10));
      const trend = new TrendStore(api);
      trend.select(point);
      await clock.tickAsync(0);
      const whole = trend.window(T0);
      const span = whole.to - whole.from;
      trend.move(-0.5);
      const back = trend.window(T0);
      assert.deepEqual([back.from, back.to], [whole.from - span / 2, whole.to - span / 2]);
      trend.move(0, 0.5);
      const near = trend.window(T0);
      assert.deepEqual([near.to - near.from, (near.from + near.to) / 2], [span / 2, (back.from + back.to) / 2]);
      trend.move(1.75);
      assert.equal(trend.window(T0).to, T0, 'cut off where it would be beyond');
      trend.select(undefined);
    });

    it('asks for exactly the span, and keeps live values that history does not have yet', async () => {
      api.history.callsFake(async () => page(10));
      const trend = new TrendStore(api);
      trend.select(point);
      await clock.tickAsync(0);
      const { from, to } = api.history.firstCall.args[0];
      assert.equal(to - from, 900_000);
      trend.live(live(T0));
      trend.live(live(T0 + 1000));
      assert.equal(trend.columns.value.times.length, 12);
      await clock.tickAsync(30_000);
      assert.equal(api.history.callCount, 2);
      assert.equal(trend.columns.value.times.length, 12);
      trend.pause();
    });

    it('takes no live values into a fixed range, and refuses one below a second', async () => {
      api.history.callsFake(async () => page(10));
      const trend = new TrendStore(api);
      trend.select(point);
      trend.show({ type: 'fixed', from: T0 - 5_000, to: T0 });
      await clock.tickAsync(0);
      trend.live(live(T0 + 1000));
      assert.equal(trend.columns.value.times.length, 10);
      trend.show({ type: 'fixed', from: T0 - 500, to: T0 });
      assert.deepEqual(trend.range.value, { type: 'fixed', from: T0 - 5_000, to: T0 });
      await clock.tickAsync(60_000);
      assert.equal(api.history.callCount, 2);
    });

    it('never shows the answer for a range or point that was left', async () => {
      let answer: (page: HistoryPage) => void = () => undefined;
      api.history.onFirstCall().returns(new Promise((resolve) => (answer = resolve)));
      api.history.onSecondCall().resolves(page(3));
      const trend = new TrendStore(api);
      trend.select(point);
      trend.select({ ...point, address: 'comsrv:1001:T:2' });
      answer(page(10));
      await clock.tickAsync(0);
      assert.equal(trend.columns.value.times.length, 3);
      trend.pause();
    });

    it('says why history cannot be read, and tries again', async () => {
      api.history
        .onFirstCall()
        .rejects(new ApiError(503, { code: 'history.unavailable', message: 'History is away.' }));
      api.history.onSecondCall().resolves(page(3));
      const trend = new TrendStore(api);
      trend.select(point);
      await clock.tickAsync(0);
      assert.deepEqual(trend.status.value, { state: 'failed', message: 'History is away.' });
      await clock.tickAsync(3_000);
      assert.equal(trend.status.value.state, 'shown');
      trend.pause();
    });
  });

  describe('write', () => {
    it('sends the same command again after a lost answer, and another one for another value', async () => {
      const flow = new WriteFlow(api, await client.point(1001, 'A', 1));
      api.write.rejects(new ServerAwayError('no answer'));
      flow.choose('42');
      await flow.confirm();
      await flow.confirm();
      flow.back();
      flow.choose('43');
      await flow.confirm();
      const [first, second, third] = api.write.args;
      assert.deepEqual(first?.slice(0, 2), ['comsrv:1001:A:1', 42]);
      assert.equal(first?.[2], second?.[2]);
      assert.notEqual(second?.[2], third?.[2]);
    });

    it('writes nothing that was not confirmed', async () => {
      const flow = new WriteFlow(api, await client.point(1001, 'A', 1));
      await flow.confirm();
      flow.choose('a lot');
      assert.match((flow.step.value as { problem: string }).problem, /is not a number/);
      await flow.confirm();
      assert.equal(api.write.callCount, 0);
    });

    it('takes only what is within the limits of the point', async () => {
      const flow = new WriteFlow(api, await client.point(1001, 'A', 1));
      for (const text of ['100.1', '-0,001']) {
        flow.choose(text);
        assert.deepEqual(flow.step.value, {
          name: 'choosing',
          problem: `${text} is outside the limits; allowed: 0 to 100 kW`,
        });
      }
      for (const [text, value] of [
        ['0', 0],
        ['100', 100],
      ] as const) {
        flow.choose(text);
        assert.deepEqual(flow.step.value, { name: 'confirming', value });
      }
      const { min: _min, ...noLeast } = await client.point(1001, 'A', 1);
      const free = new WriteFlow(api, noLeast);
      free.choose('-1e6');
      assert.equal(free.step.value.name, 'confirming');
    });

    it('reads numbers as people write them', () => {
      const texts = ['42', ' -0,5 ', '1e3', '.5', '7.', '', 'x', '1,000.5', 'Infinity', '0x10', '1e999'];
      const values = [42, -0.5, 1000, 0.5, 7, ...Array<undefined>(6).fill(undefined)];
      assert.deepEqual(
        texts.map((text) => parseValue(text, false)),
        values,
      );
      assert.equal(parseValue('any text', true), 'any text');
    });
  });

  describe('channel list', () => {
    it('finds channels by every word and by state, and counts states', async () => {
      client.change(1002, { state: 'faulted' });
      const channels = await client.channels();
      const ids = (found: ChannelView[]) => found.map((channel) => channel.id);
      assert.deepEqual(ids(filterChannels(channels, 'METER modbus', 'all')), [1001, 1002, 1003]);
      assert.deepEqual(ids(filterChannels(channels, 'meter 1003', 'all')), [1003]);
      assert.deepEqual(ids(filterChannels(channels, 'faulted', 'all')), [1002]);
      assert.deepEqual(ids(filterChannels(channels, '', 'faulted')), [1002]);
      assert.equal(countStates(channels).online, 2);
    });

    it('calls a channel late that is online and gives no good values', async () => {
      const channel = await client.channel(1001);
      assert.equal(isLate(channel, T0 + 5_000), false);
      assert.equal(isLate(channel, T0 + 5_001), true);
      assert.equal(isLate({ ...channel, state: 'paused' }, T0 + 60_000), false);
    });
  });
});
