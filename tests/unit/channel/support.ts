import sinon from 'sinon';
import { ChannelWorker, type ChannelParts } from '../../../actors/channel/worker.js';
import type { ChannelEvent, WriteResult } from '../../../machines/channel.js';
import type { WithoutTime } from '../../../actors/runtime/kind.js';
import type { StatewattError } from '../../../errors/error.js';
import { LinkError, type Driver, type PollOutcome } from '../../../protocols/driver.js';
import type { VirtualChannel } from '../../../site/model.js';
import type { Frame, PointDefinition, PointValue } from '../../../site/points.js';
import type { Readings } from '../../../site/readings.js';

/** A point whose unnamed properties are plain. */
export function point(some: Partial<PointDefinition> & { id: number }): PointDefinition {
  return {
    kind: 'T',
    name: `p${some.id}`,
    unit: '',
    dataType: 'float64',
    scale: 1,
    offset: 0,
    reverse: false,
    deadband: 0,
    ...some,
  };
}

/** Channel 7; the worker knows nothing of its protocol. */
export function channel(some: Partial<VirtualChannel> = {}): VirtualChannel {
  return {
    protocol: 'virtual',
    id: 7,
    name: 'test',
    enabled: true,
    pollingIntervalMs: 1000,
    points: [point({ id: 1 })],
    seed: 1,
    patterns: [],
    ...some,
  };
}

/** A device of a test: what it answers is set from outside. */
export class FakeDriver implements Driver {
  connects = 0;
  polls = 0;
  closes = 0;
  /** Thrown by the next connects and polls, first to last; undefined = works. */
  readonly connectFaults: Error[] = [];
  readonly pollFaults: Error[] = [];
  /** Ms that a cycle takes. */
  pollMs = 0;
  connectMs = 0;
  value = 1;
  write: Driver['write'] = (_point, value) =>
    Promise.resolve<WriteResult>({ written: value, readBack: value, confirmed: true, answer: 'ok', roundTripMs: 1 });

  async connect(): Promise<void> {
    this.connects += 1;
    if (this.connectMs > 0) await new Promise((resolve) => setTimeout(resolve, this.connectMs));
    const fault = this.connectFaults.shift();
    if (fault !== undefined) throw fault;
  }

  async poll(readings: Readings): Promise<PollOutcome> {
    this.polls += 1;
    if (this.pollMs > 0) await new Promise((resolve) => setTimeout(resolve, this.pollMs));
    const fault = this.pollFaults.shift();
    if (fault !== undefined) throw fault;
    for (let index = 0; index < readings.points.length; index++) readings.setRaw(index, this.value, Date.now());
    return { reads: 1, errors: 0, roundTrips: [1] };
  }

  readonly held: string[] = [];
  hold(point: PointDefinition, value: number): void {
    this.held.push(`${point.kind}:${point.id}=${value}`);
  }

  close(): Promise<void> {
    this.closes += 1;
    return Promise.resolve();
  }
}

export const linkLost = () => new LinkError('the device is gone');

/** A worker with a fake device, host and line on a fake clock that begins at BEGIN. */
export const BEGIN = 1_700_000_000_000;
export class Bench {
  readonly clock = sinon.useFakeTimers({
    now: BEGIN,
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
  });
  readonly driver = new FakeDriver();
  readonly drivers: FakeDriver[] = [];
  readonly frames: Frame[] = [];
  readonly events: WithoutTime<ChannelEvent>[] = [];
  readonly failures: unknown[] = [];
  config: VirtualChannel | undefined = channel();
  lastValues: () => Promise<readonly PointValue[]> = () => Promise.resolve([]);
  createDriver: () => Driver = () => this.driver;
  lineClosed = 0;
  fence: ((error: StatewattError) => void) | undefined;
  room: () => Promise<void> | undefined = () => undefined;
  /** What the host does with an event; rejecting = its activation is over. */
  journal: () => Promise<void> = () => Promise.resolve();
  readonly worker: ChannelWorker;

  constructor() {
    const parts: ChannelParts = {
      config: () => this.config,
      createDriver: () => this.createDriver(),
      openLine: (onFenced) => {
        this.fence = onFenced;
        return {
          publish: (frame) => this.frames.push(frame),
          room: () => this.room(),
          close: () => {
            this.lineClosed += 1;
            return Promise.resolve();
          },
        };
      },
      lastValues: () => this.lastValues(),
      connecting: (work) => work(),
      polling: (poll) => poll(),
    };
    const host = {
      ref: { kind: 'channel', id: '7' },
      epoch: 42,
      send: (event: WithoutTime<ChannelEvent>) => {
        this.events.push(event);
        return this.journal();
      },
      fail: (error: unknown) => this.failures.push(error),
    };
    this.worker = new ChannelWorker(7, host, parts);
  }

  types(): string[] {
    return this.events.map((event) => event.type);
  }

  async close(): Promise<void> {
    const closed = this.worker.close();
    await this.clock.runAllAsync();
    await closed;
    this.clock.restore();
  }
}
