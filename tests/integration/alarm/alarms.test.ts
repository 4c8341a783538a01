import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createAlarmKind } from '../../../actors/alarm.js';
import { LocalAlarms } from '../../../actors/alarm/local-alarms.js';
import type { RaiseAlarm } from '../../../actors/client/alarms.js';
import { createSystem, type ActorSystem } from '../../../actors/runtime/system.js';
import type { Bus } from '../../../bus/connection.js';
import { STREAM } from '../../../bus/streams.js';
import { makeRef, partitionOf } from '../../../bus/subjects.js';
import { alarmId } from '../../../site/alarm-id.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

const HOT: RaiseAlarm = { source: 'comsrv:1001:T:1', ruleId: 'r1', title: 'Too hot', level: 'Warning' };

interface TestSite {
  readonly bus: Bus;
  readonly system: ActorSystem;
  readonly alarms: LocalAlarms;
  stop(): Promise<void>;
}

describe('alarms on a real server', () => {
  let nats: TestNats;
  const sites: TestSite[] = [];

  async function startSite(node = 'n1'): Promise<TestSite> {
    const bus = await nats.connect(node);
    const kind = createAlarmKind();
    const system = createSystem({ bus, kinds: [kind], node });
    await system.start();
    const alarms = new LocalAlarms({ bus, system, kind });
    alarms.start();
    const site = {
      bus,
      system,
      alarms,
      stop: async () => {
        sites.splice(sites.indexOf(site), 1);
        await alarms.stop();
        await system.stop();
        await bus.close();
      },
    };
    sites.push(site);
    await loaded(alarms);
    return site;
  }
  function loaded(alarms: LocalAlarms): Promise<unknown> {
    return eventually(
      () =>
        alarms.list({}).catch((error: { code?: string }) => {
          assert.equal(error.code, 'alarms.loading');
          return undefined;
        }),
      { what: 'the index' },
    );
  }

  beforeEach(async () => {
    nats = await startNats();
  });
  afterEach(async () => {
    for (const site of [...sites]) await site.stop();
    await nats.stop();
  });

  it('is raised once, listed at once, acknowledged and cleared; the journal says who did what', async () => {
    const { alarms } = await startSite();
    const raised = await alarms.raise(HOT);
    assert.equal(raised.id, alarmId(HOT.source, 'r1'));
    assert.equal((await alarms.raise(HOT)).revision, raised.revision);
    assert.deepEqual((await alarms.list({ status: 'active' })).alarms, [raised]);
    await alarms.command(raised.id, { type: 'acknowledge', by: 'ann', note: 'on my way' });
    const cleared = await alarms.command(raised.id, { type: 'clear', by: 'rule/r1' });
    assert.deepEqual([cleared.state, cleared.status], ['normal', 'Resolved']);
    const { entries, nextCursor } = await alarms.journal(raised.id, {});
    assert.deepEqual(
      entries.map(({ event, what, by, state, text }) => [event, what, by, state, text]),
      [
        ['raise', 'raised', 'comsrv:1001:T:1', 'unacknowledged', null],
        ['acknowledge', 'acknowledged', 'ann', 'acknowledged', 'on my way'],
        ['clear', 'cleared', 'rule/r1', 'normal', null],
      ],
    );
    assert.equal(nextCursor, null);
    const first = await alarms.journal(raised.id, { limit: 1 });
    const rest = await alarms.journal(raised.id, { cursor: first.nextCursor ?? '' });
    assert.deepEqual([...first.entries, ...rest.entries], entries);
  });

  it('without a rule, each request is an alarm of its own; a repeated request is the same one', async () => {
    const { alarms } = await startSite();
    const request: RaiseAlarm = { source: 'sensor_001', title: 'High Temperature Alert', level: 'Warning' };
    const one = await alarms.raise(request);
    const two = await alarms.raise(request);
    assert.notEqual(one.id, two.id);
    const three = await alarms.raise({ ...request, commandId: 'c1' });
    const four = await alarms.raise({ ...request, commandId: 'c1' });
    assert.deepEqual(four, three);
    assert.equal((await alarms.list({})).total, 3);
  });

  it('refuses what is unknown and what the state does not allow', async () => {
    const { alarms } = await startSite();
    await assert.rejects(alarms.get('nobody'), { code: 'alarms.not_found', category: 'not_found' });
    await assert.rejects(alarms.journal('nobody', {}), { code: 'alarms.not_found' });
    await assert.rejects(alarms.command('nobody', { type: 'acknowledge', by: 'ann' }), { code: 'alarms.not_found' });
    const { id } = await alarms.raise(HOT);
    await alarms.command(id, { type: 'acknowledge', by: 'ann' });
    await alarms.command(id, { type: 'acknowledge', by: 'bob' });
    assert.equal((await alarms.get(id)).acknowledgedBy, 'ann');
    await alarms.command(id, { type: 'clear', by: 'ann' });
    await assert.rejects(alarms.command(id, { type: 'acknowledge', by: 'ann' }), {
      code: 'alarms.state',
      category: 'conflict',
    });
  });

  it('every node lists every alarm, also after a restart', async () => {
    const one = await startSite('n1');
    const two = await startSite('n2');
    const { id } = await one.alarms.raise(HOT);
    await eventually(async () => ((await two.alarms.list({})).total === 1 ? true : undefined));
    await two.alarms.command(id, { type: 'shelve', by: 'ann', forMs: 60_000 });
    await eventually(async () => ((await one.alarms.get(id)).state === 'shelved' ? true : undefined));
    await one.stop();
    await two.stop();
    const three = await startSite('n3');
    const [alarm] = (await three.alarms.list({})).alarms;
    assert.deepEqual([alarm?.id, alarm?.state, alarm?.hidden?.by], [id, 'shelved', 'ann']);
    const { topTen } = await eventually(async () => {
      const figures = await three.alarms.statistics({});
      return figures.topTen.length === 0 ? undefined : figures;
    });
    assert.deepEqual([topTen[0]?.id, topTen[0]?.raised], [id, 1]);
    // It was raised in the first of two entries; the other one may be still to be read.
    await eventually(() => (three.alarms.health().behind === 0 ? true : undefined));
    const { loaded, alarms, behind, rebuilt, lastError } = three.alarms.health();
    assert.deepEqual([loaded, alarms, behind, rebuilt, lastError], [true, 1, 0, 1, null]);
  });

  it('shelving and escalation end by themselves, on whatever node there is', async () => {
    const site = await startSite('n1');
    const { alarms } = site;
    const urgent = await alarms.raise({ ...HOT, escalateAfterMs: 1_500, escalations: 1 });
    const other = await alarms.raise({ ...HOT, ruleId: 'r2' });
    await alarms.command(other.id, { type: 'shelve', by: 'ann', forMs: 1_500 });
    await site.stop();
    const next = await startSite('n2');
    await eventually(async () => ((await next.alarms.get(urgent.id)).escalations === 1 ? true : undefined));
    await eventually(async () => ((await next.alarms.get(other.id)).state === 'unacknowledged' ? true : undefined));
    const { entries } = await next.alarms.journal(urgent.id, {});
    assert.deepEqual(
      entries.map(({ what, by }) => [what, by]),
      [
        ['raised', HOT.source],
        ['escalated', 'timer'],
      ],
    );
  });

  it('escalates once, and not before its time, though its node is killed meanwhile', async () => {
    const program = fileURLToPath(new URL('../../support/alarm-node.js', import.meta.url));
    const victim = fork(program, [nats.url, 'victim']);
    try {
      await once(victim, 'message');
      const { alarms, system } = await startSite('n2');
      await eventually(() => (system.nodes.length === 2 && system.owned.size > 0 ? true : undefined), {
        what: 'two nodes',
      });
      const raised = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          alarms.raise({ ...HOT, ruleId: `escalating${index}`, escalateAfterMs: 2_000 }),
        ),
      );
      const theirs = raised.filter(({ id }) => !system.owned.has(partitionOf(makeRef('alarm', id))));
      assert.ok(theirs.length > 0, 'none of them lives on the node that is killed');
      victim.kill('SIGKILL');
      await eventually(
        async () => {
          const { alarms: found } = await alarms.list({});
          return found.every(({ escalations }) => escalations === 1) ? true : undefined;
        },
        { within: 30_000, what: 'all are escalated' },
      );
      for (const { id, raisedAt } of raised) {
        const { entries } = await alarms.journal(id, {});
        assert.deepEqual(
          entries.map(({ what }) => what),
          ['raised', 'escalated'],
        );
        const late = (entries[1]?.at ?? 0) - (raisedAt ?? 0) - 2_000;
        assert.ok(late >= -50 && late < 25_000, `${late} ms late`); // The server's clock sets it off.
      }
    } finally {
      victim.kill('SIGKILL');
    }
  });

  it('begins anew with a journal that was made anew', async () => {
    const { alarms, bus } = await startSite();
    for (const ruleId of ['r1', 'r2', 'r3']) await alarms.raise({ ...HOT, ruleId });
    const { config } = await bus.manager.streams.info(STREAM.journal);
    await bus.manager.streams.delete(STREAM.journal);
    await bus.manager.streams.add(config);
    const other = await startSite('n2');
    const { id } = await other.alarms.raise({ ...HOT, ruleId: 'r4' });
    await eventually(
      async () => {
        const page = await alarms.list({}).catch(() => undefined);
        return page?.alarms.map((alarm) => alarm.id).join() === id ? true : undefined;
      },
      { within: 30_000, what: 'the one alarm of the new journal' },
    );
    assert.equal(alarms.health().rebuilt, 2);
  });

  it('goes on where it was when the server comes back', async () => {
    const { alarms, bus } = await startSite();
    await alarms.raise(HOT);
    nats.server.child.kill();
    await eventually(() => (bus.status === 'connected' ? undefined : true));
    assert.equal((await alarms.list({})).total, 1);
    const second = await eventually(() => alarms.raise({ ...HOT, ruleId: 'r2' }).catch(() => undefined), {
      within: 30_000, // Each try may last 5 s.
    });
    const other = await startSite('n2');
    await other.alarms.command(second.id, { type: 'acknowledge', by: 'ann' });
    await eventually(async () => ((await alarms.get(second.id)).state === 'acknowledged' ? true : undefined));
  });
});
