import assert from 'node:assert/strict';
import sinon from 'sinon';
import { HealthCheck, type HealthParts } from '../../../node/health.js';
import { PARTITIONS } from '../../../bus/subjects.js';
import { SiteHolder } from '../../../node/site-holder.js';
import type { HistoryHealth } from '../../../protocols/clickhouse/types.js';
import { testChannel } from '../../support/realtime-store.js';
import { testSite } from '../../support/site.js';

const NOW = 1_750_000_000_000;

/** Stand-ins whose state a test sets; all is well at first. */
function standIns() {
  return {
    bus: {
      status: 'connected',
      manager: {
        streams: { info: () => Promise.resolve({ config: {}, state: { first_seq: 1, last_seq: 50 } }) },
      },
    },
    server: { strict: true, child: { restarts: 2 } } as { strict: boolean; child: { restarts: number } } | undefined,
    system: {
      states: { 'channel/1': 'online', 'channel/2': 'paused' } as Record<string, string>,
      counters: { restarts: 1 },
      deadLetters: { count: () => Promise.resolve(0) },
      owned: new Set(Array.from({ length: PARTITIONS }, (_, partition) => partition)),
      nodes: [{ node: 'n1' }],
      actors() {
        return Object.entries(this.states).map(([ref, state]) => ({ ref, state }));
      },
    },
    holder: new SiteHolder(testSite([testChannel(1, []), testChannel(2, [])])),
    realtime: { up: true, health: () => ({ up: true, detail: 'in process' }) },
    realtimeProjection: { counters: { frames: 5, points: 50 }, lastError: null as string | null },
    history: { health: (): Promise<HistoryHealth> => Promise.resolve({ status: 'up', detail: 'ClickHouse 26' }) },
    historyWriter: {
      counters: { frames: 4, points: 40, lost: 0 },
      writing: true,
      committed: 50,
      lastError: null as string | null,
    },
    ledger: {
      state: { writing: true, rows: 3, behindMs: 400, lastError: null as string | null },
      health() {
        return this.state;
      },
    },
    forwarders: () => [],
    publisher: {
      counters: { spooled: 0, replayed: 0, refused: 0 },
      spooling: false,
      waiting: 0,
      spoolBytes: 0,
      lastError: null as string | null,
    },
    alarms: {
      loaded: true,
      behind: 0,
      lastError: null as string | null,
      health() {
        const { loaded, behind, lastError } = this;
        return { loaded, alarms: 7, behind, rebuilt: 1, lastError };
      },
    },
    node: 'n1',
    version: '1.0.0',
    startedAt: NOW - 5_000,
    isReady: true,
    ready() {
      return this.isReady;
    },
    problem: undefined as string | undefined,
    configurationProblem() {
      return this.problem;
    },
  };
}

describe('HealthCheck', () => {
  let clock: sinon.SinonFakeTimers;
  let parts: ReturnType<typeof standIns>;
  let check: HealthCheck;

  beforeEach(() => {
    clock = sinon.useFakeTimers({ now: NOW });
    parts = standIns();
    // Methods of the stand-ins use `this`, and HealthCheck calls two of them without it.
    parts.ready = parts.ready.bind(parts);
    parts.configurationProblem = parts.configurationProblem.bind(parts);
    check = new HealthCheck(parts as unknown as HealthParts);
  });
  afterEach(() => clock.restore());

  async function part(name: string): Promise<[string, string]> {
    clock.tick(600);
    const { [name]: found } = (await check.check()).parts;
    assert.ok(found);
    return [found.status, found.detail];
  }
  async function overall(): Promise<[string, boolean]> {
    clock.tick(600);
    const { status, ready } = await check.check();
    return [status, ready];
  }

  it('is healthy when every part is up', async () => {
    const health = await check.check();
    assert.deepEqual(
      [health.status, health.ready, health.node, health.site, health.version, health.uptimeMs],
      ['healthy', true, 'n1', 'Test site', '1.0.0', 5_000],
    );
    assert.deepEqual(
      Object.entries(health.parts).map(([name, { status, detail }]) => `${name} ${status}: ${detail}`),
      [
        'nats up: connected (embedded)',
        'realtime up: in process',
        'history up: ClickHouse 26',
        'ledger up: up to date',
        'spool up: empty',
        'actors up: 2 active',
        'deadLetters up: none',
        'channels up: 1 online, 1 paused',
        'alarms up: 7 known',
        'configuration up: the newest is in force',
      ],
    );
    assert.deepEqual(health.parts.history?.facts, { frames: 4, points: 40, lost: 0, behind: 0, committed: 50 });
    assert.deepEqual(health.parts.nats?.facts, {
      embedded: true,
      restarts: 2,
      durability: 'strict',
      framesDurability: 'strict',
    });
  });

  it('says that the ledger is not written, or behind, and why; that alone is not unhealthy', async () => {
    const { ledger } = parts;
    ledger.state = { writing: true, rows: 3, behindMs: 12_000, lastError: 'the database is away' };
    assert.deepEqual(await part('ledger'), ['degraded', 'not written for 12 s: the database is away']);
    assert.deepEqual(await overall(), ['degraded', true]);
    ledger.state = { writing: true, rows: 3, behindMs: 29_000, lastError: null };
    assert.deepEqual(await part('ledger'), ['up', 'up to date']);
    ledger.state = { writing: true, rows: 3, behindMs: 90_000, lastError: null };
    assert.deepEqual(await part('ledger'), ['degraded', '90 s behind the journal']);
    ledger.state = { writing: false, rows: 0, behindMs: 0, lastError: null };
    assert.deepEqual(await part('ledger'), ['up', 'another node writes it']);
  });

  it('says how durable readings are, or that it cannot know', async () => {
    const { streams } = parts.bus.manager;
    const framesDurability = async () => {
      clock.tick(600);
      return (await check.check()).parts.nats?.facts?.framesDurability;
    };
    const state = { first_seq: 1, last_seq: 50 };
    streams.info = () => Promise.resolve({ config: { persist_mode: 'async' }, state });
    assert.equal(await framesDurability(), 'relaxed');
    streams.info = () => Promise.reject(new Error('no stream'));
    assert.equal(await framesDurability(), null);
    parts.bus.status = 'disconnected';
    assert.equal(await framesDurability(), null);
  });

  it('gives a fresh answer again, and asks anew when it is old or the clock went back', async () => {
    const first = check.check();
    clock.tick(499);
    assert.equal(check.check(), first);
    clock.tick(1);
    const second = check.check();
    assert.notEqual(second, first);
    clock.setSystemTime(NOW - 60_000);
    assert.notEqual(check.check(), second);
    await Promise.all([first, second]);
  });

  it('is unhealthy and not ready without NATS', async () => {
    parts.bus.status = 'disconnected';
    parts.server = undefined;
    check = new HealthCheck(parts as unknown as HealthParts);
    assert.deepEqual(await overall(), ['unhealthy', false]);
    assert.deepEqual(await part('nats'), ['down', 'disconnected (external)']);
    assert.deepEqual(await part('history'), ['up', 'ClickHouse 26']);
  });

  it('is not ready before its channels live', async () => {
    parts.isReady = false;
    assert.deepEqual(await overall(), ['healthy', false]);
  });

  it('is unhealthy while the realtime store is away, degraded while frames do not get there', async () => {
    parts.realtime.health = () => ({ up: false, detail: 'connection refused' });
    parts.realtimeProjection.lastError = 'retrying';
    assert.deepEqual(await part('realtime'), ['down', 'connection refused']);
    assert.deepEqual(await overall(), ['unhealthy', true]);
    parts.realtime.health = () => ({ up: true, detail: 'redis' });
    assert.deepEqual(await part('realtime'), ['degraded', 'retrying']);
    assert.deepEqual(await overall(), ['degraded', true]);
  });

  it('is degraded while history is away, behind, losing or not getting on', async () => {
    parts.history.health = () => Promise.resolve({ status: 'down', detail: 'refused' });
    assert.deepEqual(await part('history'), ['down', 'refused']);
    assert.deepEqual(await overall(), ['degraded', true]);
    parts.historyWriter.lastError = 'insert failed';
    assert.deepEqual(await part('history'), ['down', 'insert failed']);
    parts.history.health = () => Promise.resolve({ status: 'up', detail: 'ClickHouse 26', facts: { rows: 1 } });
    assert.deepEqual(await part('history'), ['degraded', 'insert failed']);
    parts.historyWriter.lastError = null;
    parts.historyWriter.counters.lost = 3;
    assert.deepEqual(await part('history'), ['degraded', '3 frames were lost since the start']);
    parts.bus.manager.streams.info = () => Promise.resolve({ config: {}, state: { first_seq: 1, last_seq: 10_051 } });
    assert.deepEqual(await part('history'), ['degraded', '10001 frames behind']);
  });

  it('counts only frames that the stream still has as behind', async () => {
    parts.historyWriter.committed = 0;
    parts.bus.manager.streams.info = () => Promise.resolve({ config: {}, state: { first_seq: 41, last_seq: 50 } });
    assert.equal((await check.check()).parts.history?.facts?.behind, 10);
  });

  it('says so when it cannot be known how far history is behind', async () => {
    parts.bus.manager.streams.info = () => Promise.reject(new Error('no stream'));
    assert.deepEqual(await part('history'), ['up', 'ClickHouse 26; how far behind is not known: no stream']);
  });

  it('does not wait for parts that hang, and does not ask them again meanwhile', async () => {
    const never = new Promise<never>(() => undefined);
    const history = sinon.stub(parts.history, 'health').returns(never);
    const info = sinon.stub(parts.bus.manager.streams, 'info').returns(never);
    for (let round = 0; round < 2; round++) {
      const asked = check.check();
      await clock.tickAsync(4_100);
      const { history: found } = (await asked).parts;
      assert.equal(found?.status, 'down');
      assert.match(found?.detail ?? '', /^no answer within 2 s; how far behind is not known: no answer within 2 s$/);
    }
    assert.deepEqual([history.callCount, info.callCount], [1, 1]);
  });

  it('is degraded while frames wait on disk or were refused', async () => {
    Object.assign(parts.publisher, { spooling: true, spoolBytes: 77 });
    assert.deepEqual(await part('spool'), ['degraded', 'frames wait on disk: being replayed']);
    parts.publisher.lastError = 'no bus';
    assert.deepEqual(await part('spool'), ['degraded', 'frames wait on disk: no bus']);
    parts.publisher.counters.refused = 4;
    assert.deepEqual(await part('spool'), ['degraded', '4 frames were refused: no bus']);
    parts.publisher.lastError = null;
    assert.deepEqual(await part('spool'), ['degraded', '4 frames were refused: the spool was full']);
    assert.equal((await check.check()).parts.spool?.facts?.bytes, 77);
  });

  it('is degraded when actors are parked, naming the first few', async () => {
    for (let id = 1; id <= 7; id++) parts.system.states[`rule/${id}`] = 'failed';
    assert.deepEqual(await part('actors'), [
      'degraded',
      '7 parked after too many crashes: rule/1, rule/2, rule/3, rule/4, rule/5 and 2 more',
    ]);
  });

  it('is degraded while dead letters wait for a decision, or cannot be counted', async () => {
    parts.system.deadLetters.count = () => Promise.resolve(3);
    assert.deepEqual(await part('deadLetters'), ['degraded', '3 wait to be replayed or discarded']);
    assert.deepEqual((await check.check()).parts.deadLetters?.facts, { letters: 3 });
    assert.deepEqual(await overall(), ['degraded', true]);
    parts.system.deadLetters.count = () => Promise.reject(new Error('away'));
    assert.deepEqual(await part('deadLetters'), ['degraded', 'not known: away']);
  });

  it('is degraded when channels are in trouble, and shows those that are still starting', async () => {
    parts.system.states = { 'channel/1': 'backingOff' };
    assert.deepEqual(await part('channels'), ['degraded', '1 backingOff']);
    assert.deepEqual((await check.check()).parts.channels?.facts, { backingOff: 1, starting: 1 });
    parts.system.states = { 'channel/1': 'faulted', 'channel/2': 'failed' };
    assert.deepEqual(await part('channels'), ['degraded', '1 faulted, 2 failed']);
    parts.holder.replace(testSite([]));
    assert.deepEqual(await part('channels'), ['up', 'none']);
  });

  it('is degraded while the list of alarms is being read, is behind or does not get on', async () => {
    parts.alarms.behind = 5_001;
    assert.deepEqual(await part('alarms'), ['degraded', 'the list is 5001 entries behind']);
    parts.alarms.behind = 5_000;
    assert.deepEqual(await part('alarms'), ['up', '7 known']);
    parts.alarms.lastError = 'no responders';
    assert.deepEqual(await part('alarms'), ['degraded', 'no responders']);
    parts.alarms.loaded = false;
    assert.deepEqual(await part('alarms'), ['degraded', 'no responders']);
    parts.alarms.lastError = null;
    assert.deepEqual(await part('alarms'), ['degraded', 'being read from the journal']);
  });

  it('is degraded while the last edit is not in force', async () => {
    parts.problem = 'site.yaml:3: unknown key';
    assert.deepEqual(await part('configuration'), [
      'degraded',
      'the last edit is not in force: site.yaml:3: unknown key',
    ]);
    assert.deepEqual(await overall(), ['degraded', true]);
  });
});
