import { Readings, toRaw } from '../../site/readings.js';
import { pointKey, type PointDefinition } from '../../site/points.js';
import type { SiteModelOutput, VirtualChannel } from '../../site/model.js';
import { LinkError, ProtocolError, type Driver, type PollOutcome, type WriteOutcome } from '../driver.js';
import { createSignal, type Signal } from './patterns.js';
import { SiteModel } from './site-model.js';

/** Where a point's raw value comes from. */
type Source =
  | { readonly from: 'pattern'; readonly signal: Signal }
  | { readonly from: 'model'; readonly output: SiteModelOutput }
  | { readonly from: 'written'; value: number | string }
  | { readonly from: 'nowhere' };

/**
 * A simulated device in this process, from patterns and, when configured, a model of a site.
 *
 * The first `connect` switches the device on: patterns and model start there, and go on while the link is closed, as a
 * real device would. Patterns and outputs are raw values, so the point's scale and offset apply. A C or A point that a
 * settable output of the model feeds operates the model; a C or A point without a source holds what was last written,
 * at first 0. A T or S point without a source is bad until it is told what to hold.
 *
 * `now` gives ms since the Unix epoch.
 */
export function createVirtualDriver(channel: VirtualChannel, options: { now?: () => number } = {}): Driver {
  return new VirtualDriver(channel, options.now ?? Date.now);
}

class VirtualDriver implements Driver {
  readonly #channel: VirtualChannel;
  readonly #now: () => number;
  /** Parallel to the channel's points. */
  readonly #sources: Source[];
  readonly #indexOf: ReadonlyMap<number, number>;
  #connected = false;
  #startedAt: number | undefined;
  #model: SiteModel | undefined;
  #modelAt = 0;

  constructor(channel: VirtualChannel, now: () => number) {
    this.#channel = channel;
    this.#now = now;
    this.#sources = bindSources(channel);
    this.#indexOf = new Map(channel.points.map((point, index) => [pointKey(point.kind, point.id), index]));
  }

  connect(): Promise<void> {
    this.#connected = true;
    if (this.#startedAt !== undefined) return Promise.resolve();
    this.#startedAt = this.#modelAt = this.#now();
    const { siteModel, seed } = this.#channel;
    if (siteModel !== undefined) this.#model = new SiteModel(siteModel, seed, this.#startedAt);
    return Promise.resolve();
  }

  poll(readings: Readings): Promise<PollOutcome> {
    return attempt(() => {
      const time = this.#advance();
      const elapsedMs = Math.max(0, time - (this.#startedAt as number));
      for (let index = 0; index < this.#sources.length; index++) this.#read(index, readings, index, time, elapsedMs);
      return { reads: 1, errors: 0, roundTrips: [0] };
    });
  }

  write(point: PointDefinition, value: number | string): Promise<WriteOutcome> {
    return attempt(() => {
      const time = this.#advance();
      const index = this.#indexOf.get(pointKey(point.kind, point.id));
      const source = index === undefined ? undefined : this.#sources[index];
      if (index === undefined || source === undefined || (point.kind !== 'C' && point.kind !== 'A'))
        throw refused(point, 'it is not a C or A point of this channel');
      const raw = rawOf(point, value);
      if (source.from === 'written') source.value = raw;
      else if (source.from === 'model' && typeof raw === 'number') this.#model?.command(source.output, raw);
      else throw refused(point, 'a pattern makes its value');

      const now = new Readings([point]);
      this.#read(index, now, 0, time, 0);
      const readBack = now.texts.get(0) ?? (now.values[0] as number);
      return { written: value, readBack, confirmed: sameValue(value, readBack), answer: 'ok', roundTripMs: 0 };
    });
  }

  hold(point: PointDefinition, value: number): void {
    const index = this.#indexOf.get(pointKey(point.kind, point.id));
    const from = index === undefined ? undefined : this.#sources[index]?.from;
    if (index === undefined || point.dataType === 'string' || (from !== 'written' && from !== 'nowhere')) return;
    this.#sources[index] = { from: 'written', value: toRaw(point, value) };
  }

  close(): Promise<void> {
    this.#connected = false;
    return Promise.resolve();
  }

  /** Brings the model up to now; answers the time. */
  #advance(): number {
    if (!this.#connected) throw new LinkError(`virtual channel ${this.#channel.id} is not connected`);
    const time = this.#now();
    if (time > this.#modelAt) {
      this.#model?.step(time - this.#modelAt);
      this.#modelAt = time;
    }
    return time;
  }

  #read(index: number, into: Readings, at: number, time: number, elapsedMs: number): void {
    const source = this.#sources[index] as Source;
    switch (source.from) {
      case 'pattern':
        into.setRaw(at, source.signal(elapsedMs), time);
        break;
      case 'model':
        into.setRaw(at, (this.#model as SiteModel).read(source.output), time);
        break;
      case 'written':
        if (typeof source.value === 'string') into.setText(at, source.value, time);
        else into.setRaw(at, source.value, time);
        break;
      case 'nowhere':
        into.setBad(at);
        break;
    }
  }
}

function bindSources(channel: VirtualChannel): Source[] {
  const bound = new Map<number, Source>();
  for (const pattern of channel.patterns)
    bound.set(pointKey(pattern.kind, pattern.pointId), {
      from: 'pattern',
      signal: createSignal(pattern, channel.seed),
    });
  for (const { kind, pointId, output } of channel.siteModel?.outputs ?? [])
    bound.set(pointKey(kind, pointId), { from: 'model', output });
  return channel.points.map((point) => bound.get(pointKey(point.kind, point.id)) ?? unbound(point));
}

function unbound(point: PointDefinition): Source {
  if (point.kind === 'T' || point.kind === 'S') return { from: 'nowhere' };
  return { from: 'written', value: point.dataType === 'string' ? '' : toRaw(point, 0) };
}

/** What the device is sent. Text only to points of type string, numbers only to the others. */
function rawOf(point: PointDefinition, value: number | string): number | string {
  if (point.dataType === 'string') return String(value);
  if (typeof value === 'number' && Number.isFinite(value)) return toRaw(point, value);
  throw refused(point, `found ${JSON.stringify(value)}, allowed a number`);
}

function refused(point: PointDefinition, why: string): ProtocolError {
  return new ProtocolError('protocol.write_refused', `${point.kind} ${point.id} "${point.name}": ${why}`, {
    fatal: true,
  });
}

/** Equal but for what scaling there and back may round. */
function sameValue(written: number | string, readBack: number | string): boolean {
  if (typeof written === 'string' || typeof readBack === 'string') return String(written) === readBack;
  return Math.abs(written - readBack) <= 1e-9 * Math.max(1, Math.abs(written));
}

/** A promise of what `work` answers or throws. */
function attempt<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}
