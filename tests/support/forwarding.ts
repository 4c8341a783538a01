import type { Bus } from '../../bus/connection.js';
import { topics } from '../../bus/topics.js';
import { StatewattError } from '../../errors/error.js';
import type { Batch } from '../../actors/forwarder/batch.js';
import type { Target } from '../../actors/forwarder/targets/target.js';
import { ForwarderStatistics } from '../../actors/forwarder/statistics.js';
import { Run, type RunParts, type TargetReport } from '../../actors/forwarder/run.js';
import type { Forwarder, HttpForwarder } from '../../site/forwarding/forwarder.js';
import { selectPoints } from '../../site/forwarding/selection.js';
import type { ChannelConfig } from '../../site/model.js';
import { POINT_KINDS } from '../../site/points.js';
import { frame } from './frames.js';
import { testChannel, testPointDefinition } from './realtime-store.js';

/** Everything of every point, in small batches. */
export function testForwarder(change: Partial<HttpForwarder> = {}): Forwarder {
  return {
    id: 'lake',
    name: 'Lake',
    enabled: true,
    type: 'http',
    url: 'http://127.0.0.1:1/',
    headers: {},
    tls: { verify: true },
    timeoutMs: 2_000,
    points: [{ match: { channels: [0, Infinity], kinds: POINT_KINDS, ids: [0, Infinity] }, scale: 1, offset: 0 }],
    send: { mode: 'all' },
    payload: 'batch',
    batch: { points: 10, waitMs: 10 },
    maxPointsPerSecond: 1_000_000,
    begin: 'oldest',
    ...change,
  };
}

/** A channel with the points T:1 and T:2. */
export function twoPoints(id: number): ChannelConfig {
  return testChannel(id, [testPointDefinition('T', 1), testPointDefinition('T', 2)]);
}

/** Publishes the frames `first … last` of an epoch of a channel, two points each. */
export async function publishFrames(bus: Bus, channel: number, last: number, first = 1, epoch = 1): Promise<void> {
  for (let seq = first; seq <= last; seq++) {
    const { subject, codec } = topics.frame(channel);
    await bus.jetstream.publish(subject, codec.encode(frame(channel, epoch, seq)));
  }
}

/** A target in memory that does what a test says. */
export class FakeTarget implements Target {
  /** All that it has acknowledged. */
  readonly batches: Batch[] = [];
  /** Errors of the next attempts to send: `before` it is taken, or `after` (the acknowledgement is lost). */
  failures: { readonly error: Error; readonly taken: boolean }[] = [];
  connects = 0;
  refuseConnection: Error | undefined;
  /** Resolves each send; default at once. */
  hold: Promise<void> = Promise.resolve();
  lose: (error: Error) => void = () => undefined;

  connect(onLost: (error: Error) => void): Promise<void> {
    this.connects += 1;
    this.lose = onLost;
    return this.refuseConnection === undefined ? Promise.resolve() : Promise.reject(this.refuseConnection);
  }

  async send(batch: Batch): Promise<void> {
    await this.hold;
    const failure = this.failures.shift();
    if (failure === undefined || failure.taken) this.batches.push(batch);
    if (failure !== undefined) throw failure.error;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** `seq` of what has come, of the point T:1, in order. */
  get seqs(): number[] {
    return this.batches.flatMap(({ items }) =>
      items.filter(({ point }) => point.id === 1).map(({ id }) => Number(id.split('/')[2])),
    );
  }

  get tokens(): string[] {
    return this.batches.map(({ token }) => token);
  }
}

export function away(): StatewattError {
  return new StatewattError('forward.unreachable', 'unavailable', 'the target is away');
}
export function refusal(): StatewattError {
  return new StatewattError('forward.refused', 'invalid', 'the target does not take this');
}

/** A run against a target, with all that it tells. */
export function testRun(
  bus: Bus,
  target: Target,
  change: Partial<HttpForwarder> = {},
  parts: Partial<RunParts> = {},
): { run: Run; stats: ForwarderStatistics; reports: TargetReport[]; failures: unknown[]; lost: [number, string][] } {
  const forwarder = testForwarder(change);
  const stats = new ForwarderStatistics();
  const reports: TargetReport[] = [];
  const failures: unknown[] = [];
  const lost: [number, string][] = [];
  const run = new Run({
    bus,
    forwarder,
    selection: selectPoints(forwarder, { name: 'Site', channels: [twoPoints(1), twoPoints(2)] }),
    position: `forwarder-${forwarder.id}`,
    stats,
    leaveOut: null,
    createTarget: () => target,
    report: (report) => reports.push(report),
    fail: (error) => failures.push(error),
    onLost: (frames, why) => lost.push([frames, why]),
    ...parts,
  });
  return { run, stats, reports, failures, lost };
}

/** `1 … last`. */
export function upTo(last: number, first = 1): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
