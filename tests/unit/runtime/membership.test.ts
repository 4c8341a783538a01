import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import sinon from 'sinon';
import type { Bus } from '../../../bus/connection.js';
import {
  BEAT_MS,
  GONE_MS,
  LEASE_MS,
  Membership,
  STARVED_MS,
  type Beat,
} from '../../../actors/runtime/placement/membership.js';
import { lookAt, whereabouts, type Whereabouts } from '../../../actors/runtime/placement/neighbour.js';

/** As the process itself would tell it. */
function startOf(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19] ?? '';
}

describe('Membership', () => {
  const place = whereabouts();
  let clock: sinon.SinonFakeTimers;
  let node: Membership;
  let hear: (beat: Beat) => void;
  /** Beats of the node that the bus has taken and not yet given back. */
  let underWay: Beat[];
  let status: 'connected' | 'disconnected';
  let told: string[];

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    [underWay, status, told] = [[], 'connected', []];
    const nats = {
      subscribe: (_subject: string, { callback }: { callback: (error: null, message: unknown) => void }) => {
        hear = (beat) => callback(null, { data: Buffer.from(JSON.stringify(beat)) });
        return { unsubscribe: () => undefined };
      },
      publish: (_subject: string, data: Buffer) => underWay.push(JSON.parse(data.toString()) as Beat),
    };
    const bus = {
      nats,
      get status() {
        return status;
      },
    } as unknown as Bus;
    node = new Membership(
      bus,
      { instance: 'one', node: 'n1', ...(place === undefined ? {} : { process: place }) },
      {
        change: () => told.push('change'),
        gap: () => told.push('gap'),
        heardSelf: () => undefined,
        beat: () => undefined,
      },
    );
    node.start();
  });
  afterEach(() => {
    node.stop();
    clock.restore();
  });

  /** The bus gives back what it has. */
  const deliver = (): void => underWay.splice(0).forEach((beat) => hear(beat));
  const other = (beat: number, draining = false): void => hear({ instance: 'two', node: 'n2', draining, beat });
  /** Time in which the bus gives back every beat at once. */
  const live = (ms: number): void => {
    for (const end = performance.now() + ms; performance.now() < end; clock.tick(BEAT_MS)) deliver();
    deliver();
  };
  const there = (): string[] => node.members.map(({ instance }) => instance).sort();

  it('has a lease from the sending of a beat that it hears, however late that comes', () => {
    assert.equal(node.leased, false);
    clock.tick(LEASE_MS - 1);
    hear(underWay[0] as Beat);
    assert.equal(node.leased, true);
    clock.tick(1);
    assert.equal(node.leased, false);
  });

  it('has none of another node’s beats, nor of its own that were sent by an earlier run', () => {
    other(1);
    hear({ instance: 'one', node: 'n1', draining: false, beat: 77 });
    assert.equal(node.leased, false);
  });

  it('tells of the end of its lease before it says another word', () => {
    live(2_000);
    assert.equal(node.leased, true);
    told.length = 0;
    clock.tick(LEASE_MS);
    assert.ok(told.includes('gap'));
    assert.equal(node.leased, false);
  });

  it('counts a node as gone only when its own lease has run out', () => {
    assert.ok(GONE_MS - LEASE_MS >= BEAT_MS, 'a beat is on its way for a while');
    other(1);
    clock.tick(GONE_MS - 1);
    assert.ok(there().includes('two'));
    clock.tick(2);
    assert.ok(!there().includes('two'));
  });

  it('does not say who is gone before it has listened as long as that takes, after each gap anew', () => {
    live(GONE_MS - BEAT_MS);
    assert.equal(node.settled, false);
    live(2 * BEAT_MS);
    assert.equal(node.settled, true);
    clock.tick(2 * LEASE_MS);
    live(BEAT_MS);
    assert.deepEqual([node.leased, node.settled], [true, false]);
    live(GONE_MS);
    assert.equal(node.settled, true);
  });

  it('tells when somebody comes, drains or is gone, and only then', () => {
    live(2_000);
    told.length = 0;
    other(1);
    assert.deepEqual(told, ['change']);
    other(2);
    assert.deepEqual(told, ['change']);
    other(3, true);
    assert.deepEqual(told, ['change', 'change']);
    live(GONE_MS + BEAT_MS);
    assert.deepEqual(told, ['change', 'change', 'change']);
  });

  it('says what it has released, at once', () => {
    node.release(7);
    assert.equal(underWay.at(-1)?.released, 7);
    node.release(5);
    assert.equal(underWay.at(-1)?.released, 7);
  });

  describe('of a node on the same machine', () => {
    let neighbour: ChildProcess;
    let beat: Beat;

    beforeEach(function () {
      if (place === undefined) this.skip();
      neighbour = spawn('sleep', ['60'], { stdio: 'ignore' });
      const [pid, startedAt] = [neighbour.pid as number, startOf(neighbour.pid as number)];
      beat = { instance: 'two', node: 'n2', draining: false, beat: 1, process: { host: place.host, pid, startedAt } };
      hear(beat);
    });
    afterEach(() => ended(neighbour));

    async function ended(child: ChildProcess | undefined): Promise<void> {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }

    it('knows at once that its process has ended, and hears nothing of it any more', async () => {
      await ended(neighbour);
      clock.tick(BEAT_MS);
      assert.ok(!there().includes('two'));
      assert.ok(told.includes('change'));
      hear({ ...beat, beat: 2 }); // It was on its way.
      assert.ok(!there().includes('two'));
    });

    it('waits for the lease of one that is only stopped', async () => {
      neighbour.kill('SIGSTOP');
      while (lookAt(beat.process as Whereabouts) !== 'stopped') await new Promise((resolve) => setImmediate(resolve));
      clock.tick(GONE_MS - 1);
      assert.ok(there().includes('two'));
      clock.tick(2);
      assert.ok(!there().includes('two'));
    });

    it('waits longer for one that runs and is silent: it waits for its turn, or is cut off', () => {
      clock.tick(STARVED_MS - 1);
      assert.ok(there().includes('two'));
      clock.tick(2);
      assert.ok(!there().includes('two'));
    });

    it('waits for the lease of one that it has never seen: it may be hidden', async () => {
      hear({ ...beat, instance: 'three', process: { ...(beat.process as Whereabouts), startedAt: '1' } });
      hear({ ...beat, instance: 'four', process: { ...(beat.process as Whereabouts), host: 'another' } });
      await ended(neighbour);
      clock.tick(BEAT_MS);
      assert.deepEqual(there(), ['four', 'three']);
      clock.tick(GONE_MS);
      assert.deepEqual(there(), []);
    });
  });

  it('says nothing while the bus is away: a beat that is kept would come too late to be true', () => {
    underWay.length = 0;
    status = 'disconnected';
    clock.tick(LEASE_MS);
    assert.deepEqual(underWay, []);
    status = 'connected';
    clock.tick(BEAT_MS);
    assert.equal(underWay.length, 1);
  });
});
