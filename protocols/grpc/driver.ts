import type { GrpcChannel, GrpcMapping } from '../../site/channels/grpc.js';
import { resolveReferences } from '../../site/environment-reference.js';
import { BAD, pointKey, STALE, type PointDefinition } from '../../site/points.js';
import type { Readings } from '../../site/readings.js';
import { Arrivals, type SourceQuality } from '../arrivals.js';
import { LinkError, ProtocolError, type Driver, type PollOutcome, type WriteOutcome } from '../driver.js';
import { inUnits, isSameValue, nameOf, rawToWrite, readOnly } from '../write-value.js';
import { CONTRACT_VERSION, type PointValue } from './contract.js';
import { asLinkError, asWriteError, GrpcLink } from './link.js';
import { dataTypeOf, KINDS, qualityOf, rawOf, valueOf } from './values.js';

/** An open session of a plug-in. */
interface Session {
  readonly link: GrpcLink;
  readonly id: string;
  lost: ProtocolError | undefined;
  /** When the plug-in was asked last, ms of a clock that nobody sets. */
  askedAt: number;
  asking: boolean;
}

/**
 * Driver of a channel whose device a plug-in reaches, over schemas/driver.proto. Reads by stream or once a cycle; in
 * between the plug-in is asked how it is.
 */
export function createGrpcDriver(channel: GrpcChannel): Driver {
  return new GrpcDriver(channel);
}

class GrpcDriver implements Driver {
  readonly pushed: boolean;
  readonly #channel: GrpcChannel;
  readonly #arrivals: Arrivals;
  readonly #indexOf: ReadonlyMap<number, number>;
  /** Points by their names at the plug-in. */
  readonly #bySource = new Map<string, number[]>();
  #roundTrips: number[] = [];
  /** Changes with each opening and closing. */
  #turn = 0;
  #opening: GrpcLink | undefined;
  #session: Session | undefined;

  constructor(channel: GrpcChannel) {
    this.#channel = channel;
    this.pushed = channel.mode === 'stream';
    this.#arrivals = new Arrivals(
      channel.points,
      channel.mappings.map(({ staleAfterMs }) => staleAfterMs),
    );
    this.#indexOf = new Map(channel.points.map((point, index) => [pointKey(point.kind, point.id), index]));
    channel.mappings.forEach(({ source }, index) => {
      this.#bySource.set(source, [...(this.#bySource.get(source) ?? []), index]);
    });
  }

  async connect(): Promise<void> {
    const closed = this.close();
    const turn = this.#turn;
    await closed;
    const link = await GrpcLink.open(this.#channel);
    try {
      if (turn !== this.#turn) throw link.closedError();
      this.#opening = link;
      const { version, session, driver, unknown } = await link.call('Connect', this.#connectRequest());
      if (version !== CONTRACT_VERSION) {
        const text = `${this.#channel.address}: ${driver} speaks version ${version} of the contract, allowed ${CONTRACT_VERSION}`;
        throw new ProtocolError('protocol.version_unsupported', text, { fatal: true });
      }
      this.#arrivals.clear();
      this.#begin(link, session, unknown);
    } catch (error) {
      link.close();
      throw asLinkError(error, this.#channel.address, true);
    } finally {
      if (this.#opening === link) this.#opening = undefined;
    }
  }

  async poll(readings: Readings): Promise<PollOutcome> {
    const outcome = this.#channel.mode === 'poll' ? await this.#pollOnce(readings) : this.#takeStreamed(readings);
    outcome.roundTrips.push(...this.#roundTrips);
    this.#roundTrips = [];
    return outcome;
  }

  async #pollOnce(readings: Readings): Promise<PollOutcome> {
    const seen = await this.#read(this.#open());
    const outcome = this.#arrivals.take(readings);
    for (let index = 0; index < readings.points.length; index++) if (!seen.has(index)) readings.setStale(index);
    return outcome;
  }

  #takeStreamed(readings: Readings): PollOutcome {
    const session = this.#session;
    if (session === undefined) throw this.#notConnected();
    if (session.lost === undefined) this.#askHealth(session);
    return this.#arrivals.takeBefore(session.lost, readings);
  }

  async write(point: PointDefinition, value: number | string): Promise<WriteOutcome> {
    const index = this.#indexOf.get(pointKey(point.kind, point.id));
    if (index === undefined || (point.kind !== 'C' && point.kind !== 'A')) readOnly(point, 'it is no C or A point');
    const raw = rawToWrite(point, value);
    const written = inUnits(point, raw) ?? value;
    const session = this.#open();
    const { source } = this.#channel.mappings[index] as GrpcMapping;
    const begun = performance.now();
    try {
      const request = { session: session.id, source, kind: KINDS[point.kind], value: valueOf(raw, point) };
      const { readBack: held, answer } = await session.link.call('Write', request);
      const rawBack = rawOf(held, point);
      if (rawBack !== undefined) this.#arrivals.put(index, rawBack, Date.now());
      const readBack = rawBack === undefined ? null : inUnits(point, rawBack);
      return {
        written,
        readBack,
        confirmed: isSameValue(written, readBack),
        answer: answer === '' ? 'ok' : answer,
        roundTripMs: performance.now() - begun,
      };
    } catch (error) {
      throw asWriteError(error, nameOf(point));
    }
  }

  close(): Promise<void> {
    this.#turn += 1;
    this.#opening?.close();
    this.#session?.link.close();
    this.#opening = this.#session = undefined;
    return Promise.resolve();
  }

  #connectRequest() {
    const { id, name, points, mappings, settings, pollingIntervalMs } = this.#channel;
    return {
      version: CONTRACT_VERSION,
      channel: id,
      name,
      settings: Object.fromEntries(Object.entries(settings).map(([key, text]) => [key, resolveReferences(text)])),
      points: points.map((point, index) => ({
        source: (mappings[index] as GrpcMapping).source,
        kind: KINDS[point.kind],
        dataType: dataTypeOf(point),
        unit: point.unit,
      })),
      intervalMs: pollingIntervalMs,
    };
  }

  #begin(link: GrpcLink, id: string, unknown: readonly string[]): void {
    const session: Session = { link, id, lost: undefined, askedAt: performance.now(), asking: false };
    for (const source of unknown) this.#markUnknown(source);
    if (this.#channel.mode === 'stream') {
      const { address } = this.#channel;
      link.stream(
        { session: id },
        ({ values }) => {
          this.#keep(values);
          this.#take(values, true);
          this.#arrivals.count();
        },
        (error) => {
          session.lost ??=
            error === undefined ? new LinkError(`${address}: it ended the stream`) : asLinkError(error, address);
        },
      );
    }
    this.#session = session;
  }

  #markUnknown(source: string): void {
    for (const index of this.#bySource.get(source) ?? []) {
      this.#arrivals.putNone(index, BAD);
      const text = `${nameOf(this.#channel.points[index] as PointDefinition)}: the plug-in has no ${JSON.stringify(source)}`;
      this.#arrivals.failed(new ProtocolError('protocol.source_unknown', text));
    }
  }

  /** Answers the points of which the plug-in said something. @throws LinkError */
  async #read(session: Session): Promise<Set<number>> {
    const begun = performance.now();
    try {
      const { values } = await session.link.call('Read', { session: session.id });
      this.#roundTrips.push(performance.now() - begun);
      this.#arrivals.count();
      return this.#take(values);
    } catch (error) {
      throw asLinkError(error, this.#channel.address);
    }
  }

  /** What waits of points of which there is a newer value is for frames of its own. */
  #keep(values: readonly PointValue[]): void {
    for (const { source } of values) {
      for (const index of this.#bySource.get(source) ?? []) this.#arrivals.keep(index);
    }
  }

  /** Answers the points of which something is said; `each`: of several values of a point each is for a frame. */
  #take(values: readonly PointValue[], each = false): Set<number> {
    const now = Date.now();
    const seen = new Set<number>();
    for (const { source, value, quality, timeMs } of values) {
      for (const index of this.#bySource.get(source) ?? []) {
        seen.add(index);
        if (each) this.#arrivals.keep(index);
        this.#put(index, value, qualityOf(quality), timeMs > 0 ? Math.min(timeMs, now) : now);
      }
    }
    return seen;
  }

  #put(index: number, value: PointValue['value'], quality: SourceQuality, time: number): void {
    const point = this.#channel.points[index] as PointDefinition;
    try {
      const raw = rawOf(value, point);
      if (raw !== undefined) this.#arrivals.put(index, raw, time, quality);
      else this.#arrivals.putNone(index, quality === STALE ? STALE : BAD);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#arrivals.putNone(index, BAD);
      this.#arrivals.failed(new ProtocolError(error.code, `${nameOf(point)}: ${error.message}`));
    }
  }

  /** Asks how the plug-in is, when that is due; the answer is seen by the next cycle. */
  #askHealth(session: Session): void {
    const begun = performance.now();
    if (session.asking || begun - session.askedAt < this.#channel.healthIntervalMs) return;
    session.asking = true;
    const { address } = this.#channel;
    void session.link
      .call('Health', { session: session.id })
      .then(
        ({ status, message }) => {
          this.#roundTrips.push(performance.now() - begun);
          if (status === 'STATUS_SERVING') return;
          session.lost ??= new LinkError(`${address} does not serve${message === '' ? '' : `: ${message}`}`);
        },
        (error: unknown) => {
          session.lost ??= asLinkError(error, address);
        },
      )
      .finally(() => {
        session.asking = false;
        session.askedAt = performance.now();
      });
  }

  #open(): Session {
    if (this.#session === undefined) throw this.#notConnected();
    if (this.#session.lost !== undefined) throw this.#session.lost;
    return this.#session;
  }

  #notConnected(): LinkError {
    return new LinkError(`${this.#channel.address} is not connected`);
  }
}
