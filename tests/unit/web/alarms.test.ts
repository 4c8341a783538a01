import assert from 'node:assert/strict';
import sinon from 'sinon';
import type { AlarmCommand, AlarmsQuery, AlarmView } from '../../../actors/client/alarms.js';
import { HttpAlarmsApi, type AlarmsApi } from '../../../facade/web/src/alarms-api.js';
import { ApiError, ServerAwayError } from '../../../facade/web/src/api.js';
import { AlarmCommandFlow } from '../../../facade/web/src/state/alarm-command-flow.js';
import { AlarmDetailStore } from '../../../facade/web/src/state/alarm-detail-store.js';
import { commandsFor, STANDING } from '../../../facade/web/src/state/alarm-list.js';
import { AlarmsStore } from '../../../facade/web/src/state/alarms-store.js';
import type { StreamHandlers } from '../../../facade/web/src/state/points-store.js';
import { ALARM_STATES } from '../../../site/alarms.js';
import { FakeAlarms } from '../../support/fake-alarms.js';

const T0 = 1_700_000_000_000;

describe('web page: alarms', () => {
  let clock: sinon.SinonFakeTimers;
  let alarms: FakeAlarms;
  let api: AlarmsApi;
  let list: sinon.SinonSpy<[AlarmsQuery], ReturnType<AlarmsApi['list']>>;
  let streams: StreamHandlers[];
  let store: AlarmsStore;
  const newest = () => streams.at(-1) as StreamHandlers;
  const send = (...changed: AlarmView[]) => newest().message(JSON.stringify({ alarms: changed, missed: false }));
  const titles = () => store.alarms.value.map(({ title }) => title);
  const raise = (title: string, level: AlarmView['level'], source = 'meter') => alarms.raise({ source, title, level });

  beforeEach(async () => {
    clock = sinon.useFakeTimers({ now: T0 });
    alarms = new FakeAlarms(T0);
    list = sinon.spy((query: AlarmsQuery) => alarms.list(query));
    api = {
      streamUrl: '/stream',
      list,
      statistics: () => alarms.statistics({}),
      get: (id) => alarms.get(id),
      journal: (id) => alarms.journal(id),
      command: (id, command) => alarms.command(id, command),
    };
    streams = [];
    store = new AlarmsStore(api, (_url, handlers) => {
      streams.push(handlers);
      return { close: () => undefined };
    });
  });
  afterEach(() => {
    store.stop();
    store.stopStatistics();
    clock.restore();
  });
  const start = async () => {
    store.start();
    newest().opened();
    await clock.tickAsync(0);
  };

  it('lists what stands, the most severe first, and takes changes as they come', async () => {
    await raise('Offline', 'Minor');
    await start();
    assert.deepEqual(titles(), ['Offline', 'Too hot']);
    assert.equal(store.link.status.value.state, 'live');
    send(await raise('Fire', 'Critical'));
    await clock.tickAsync(200);
    assert.deepEqual(titles(), ['Fire', 'Offline', 'Too hot']);
    send(await alarms.command('a1', { type: 'resolve', by: 'ann' }));
    await clock.tickAsync(200);
    assert.deepEqual(titles(), ['Fire', 'Offline']);
    await clock.tickAsync(2_000);
    assert.equal(store.total.value, 2);
    assert.equal(list.callCount, 2 * STANDING.length, 'the list is asked for again, once, a while after the changes');
  });

  it('keeps a change that overtakes the answer to the list', async () => {
    const before = await alarms.list({});
    let answer: () => void = () => undefined;
    api.list = async ({ state }) => {
      if (state === 'unacknowledged') await new Promise<void>((resolve) => (answer = resolve));
      return state === 'unacknowledged' ? before : { alarms: [], total: 0, nextCursor: null };
    };
    store.start();
    newest().opened();
    send(await alarms.command('a1', { type: 'acknowledge', by: 'ann' }));
    answer();
    await clock.tickAsync(0);
    assert.equal(store.alarms.value[0]?.state, 'acknowledged');
  });

  it('loads more of them when it is told to', async () => {
    await start();
    const first = list.lastCall.args[0].limit ?? 0;
    store.more();
    await clock.tickAsync(0);
    assert.equal(list.lastCall.args[0].limit, 5 * first);
  });

  it('filters by state, level, group and text as the server does', async () => {
    await raise('Fire', 'Critical', 'hall');
    await start();
    store.show({ level: 'Critical' });
    assert.deepEqual(titles(), ['Fire'], 'at once, of what is there');
    store.show({ level: undefined, text: ' HALL ' });
    await clock.tickAsync(249);
    assert.equal(list.lastCall.args[0].text, undefined);
    await clock.tickAsync(1);
    assert.equal(list.lastCall.args[0].text, 'HALL');
    assert.deepEqual(titles(), ['Fire']);
    store.show({ text: '', group: 'meter', states: ['unacknowledged'] });
    await clock.tickAsync(250);
    assert.deepEqual(titles(), ['Too hot']);
    store.more();
    await clock.tickAsync(0);
    assert.equal(list.lastCall.args[0].limit, 1_000);
  });

  it('says that it is not live, keeps what it had, and reads all anew when it is back', async () => {
    await start();
    api.list = () => Promise.reject(new ServerAwayError('gone'));
    newest().lost();
    await clock.tickAsync(0);
    assert.deepEqual(store.link.status.value, { state: 'reconnecting', message: 'the live stream was lost' });
    assert.deepEqual(titles(), ['Too hot']);
    api.list = list;
    await raise('Fire', 'Critical');
    await clock.tickAsync(1_000);
    assert.equal(streams.length, 2);
    newest().opened();
    await clock.tickAsync(0);
    assert.deepEqual(titles(), ['Fire', 'Too hot']);
    assert.equal(store.link.status.value.state, 'live');
  });

  it('follows the figures while nobody looks at the list, also after a failure', async () => {
    api.statistics = () => Promise.reject(new ServerAwayError('gone'));
    store.startStatistics();
    await clock.tickAsync(0);
    assert.equal(store.statistics.peek(), undefined);
    api.statistics = () => alarms.statistics({});
    await clock.tickAsync(10_000);
    assert.equal(store.statistics.peek()?.standing, 1);
  });

  it('shows one alarm with its history, the newest first, and follows it', async () => {
    const detail = new AlarmDetailStore(api);
    detail.select('a1');
    await clock.tickAsync(0);
    assert.equal(detail.alarm.value?.title, 'Too hot');
    detail.note(await alarms.command('a1', { type: 'acknowledge', by: 'ann', note: 'on my way' }));
    await clock.tickAsync(0);
    const [last] = detail.journal.value;
    assert.deepEqual([last?.what, last?.by, last?.text], ['acknowledged', 'ann', 'on my way']);
    detail.select('no-such');
    await clock.tickAsync(0);
    assert.match(detail.problem.value ?? '', /no-such/);
  });

  it('sends a command with who does it and why; asks for a name and shows a refusal', async () => {
    const sent: AlarmCommand[] = [];
    const answered = sinon.spy();
    api.command = (id, command) => {
      sent.push(command);
      return alarms.command(id, command);
    };
    const form = { by: ' ann ', text: ' dusty ', forMs: 600_000 };
    const flow = new AlarmCommandFlow(api, await alarms.get('a1'), 'shelve', answered);
    await flow.confirm({ ...form, by: ' ' });
    assert.match(JSON.stringify(flow.step.value), /who you are/);
    await flow.confirm(form);
    assert.deepEqual(flow.step.value, { name: 'done' });
    sinon.assert.calledOnce(answered);
    assert.deepEqual(sent, [{ type: 'shelve', by: 'ann', forMs: 600_000, reason: 'dusty' }]);

    api.command = () => Promise.reject(new ApiError(409, { code: 'alarms.state', message: 'It is shelved.' }));
    const late = new AlarmCommandFlow(api, await alarms.get('a1'), 'note', answered);
    await late.confirm({ ...form, text: '' });
    assert.match(JSON.stringify(late.step.value), /empty/);
    await late.confirm(form);
    assert.deepEqual(late.step.value, { name: 'asking', problem: 'It is shelved.' });
  });

  it('offers only what the state of an alarm allows', async () => {
    const form = { by: 'ann', text: 'x', forMs: 600_000 };
    const reach: Partial<Record<AlarmView['state'], AlarmCommand[]>> = {
      acknowledged: [{ type: 'acknowledge', by: 'ann' }],
      returned: [{ type: 'clear', by: 'ann' }],
      shelved: [{ type: 'shelve', by: 'ann', forMs: 60_000 }],
      suppressed: [{ type: 'suppress', by: 'ann' }],
      outOfService: [{ type: 'outOfService', by: 'ann' }],
      normal: [{ type: 'resolve', by: 'ann' }],
    };
    for (const state of ALARM_STATES) {
      for (const name of commandsFor({ state })) {
        const alarm = await raise(`${state} ${name}`, 'Info');
        for (const command of reach[state] ?? []) await alarms.command(alarm.id, command);
        const flow = new AlarmCommandFlow(api, await alarms.get(alarm.id), name, () => undefined);
        assert.equal(flow.alarm.state, state);
        await flow.confirm(form);
        assert.deepEqual(flow.step.value, { name: 'done' }, `${name} in ${state}`);
      }
    }
  });

  it('asks the server in its own words', async () => {
    const asked: [string, unknown][] = [];
    const http = new HttpAlarmsApi({
      ask: (url, options) => {
        asked.push([url, options?.post]);
        return Promise.resolve({});
      },
    });
    await http.list({ state: 'returned', text: 'a b', limit: 5 });
    await http.command('x/1', { type: 'returnToService', by: 'ann' });
    await http.command('x/1', { type: 'note', by: 'ann', text: 'seen' });
    assert.deepEqual(asked, [
      ['/api/v1/alarms?state=returned&text=a+b&limit=5', undefined],
      ['/api/v1/alarms/x%2F1/return-to-service', { by: 'ann' }],
      ['/api/v1/alarms/x%2F1/notes', { by: 'ann', text: 'seen' }],
    ]);
  });
});
