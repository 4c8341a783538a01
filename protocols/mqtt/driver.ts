import type { MqttChannel, MqttMapping } from '../../site/channels/mqtt.js';
import { BAD, GOOD, isState, pointKey, STALE, type PointDefinition } from '../../site/points.js';
import type { Readings } from '../../site/readings.js';
import { Arrivals } from '../arrivals.js';
import { LinkError, ProtocolError, type Driver, type PollOutcome, type WriteOutcome } from '../driver.js';
import { inUnits, isSameValue, nameOf, rawToWrite, readOnly } from '../write-value.js';
import { brokerAddress, MqttLink, type Received } from './link.js';
import { commandPayload, Payload, readPayload } from './payload.js';
import { TopicIndex } from './topics.js';

/** Filters of one SUBSCRIBE packet: brokers bound its size. */
const FILTERS_A_PACKET = 200;

/** Who waits for a point to take a value. */
interface Waiting {
  readonly written: number | string;
  last: number | string | null;
  confirm(): void;
}

/**
 * Driver of a channel that listens to an MQTT 5 broker. A message about a point of which one waits already is for a frame
 * of its own. What was heard before a loss of the connection is stale until something is heard again.
 */
export function createMqttDriver(channel: MqttChannel): Driver {
  return new MqttDriver(channel);
}

class MqttDriver implements Driver {
  readonly pushed = true;
  readonly #channel: MqttChannel;
  readonly #where: string;
  readonly #topics: TopicIndex;
  readonly #arrivals: Arrivals;
  readonly #indexOf: ReadonlyMap<number, number>;
  readonly #waiting = new Map<number, Set<Waiting>>();
  #link: MqttLink | undefined;
  #lost: LinkError | undefined;
  #connecting: AbortController | undefined;

  constructor(channel: MqttChannel) {
    this.#channel = channel;
    this.#where = brokerAddress(channel.broker);
    this.#topics = new TopicIndex(channel.mappings.map(({ topic }) => topic));
    this.#arrivals = new Arrivals(
      channel.points,
      channel.mappings.map(({ staleAfterMs }) => staleAfterMs),
    );
    this.#indexOf = new Map(channel.points.map((point, index) => [pointKey(point.kind, point.id), index]));
  }

  async connect(): Promise<void> {
    const closed = this.close();
    const connecting = new AbortController();
    this.#connecting = connecting;
    await closed;
    this.#lost = undefined;
    this.#arrivals.clear();
    const link = await MqttLink.open(this.#channel.broker, {
      signal: connecting.signal,
      onMessage: (message) => this.#receive(message),
      onLost: (error) => {
        if (this.#connecting === connecting) this.#lost = error;
      },
    });
    if (connecting.signal.aborted) {
      await link.close();
      throw this.#closedError();
    }
    this.#link = link;
    try {
      const { filters } = this.#topics;
      for (let at = 0; at < filters.length; at += FILTERS_A_PACKET)
        await link.subscribe(filters.slice(at, at + FILTERS_A_PACKET));
    } catch (error) {
      await link.close();
      throw error;
    }
  }

  poll(readings: Readings): Promise<PollOutcome> {
    if (this.#link === undefined) return Promise.reject(this.#notConnected());
    return new Promise((resolve) => resolve(this.#arrivals.takeBefore(this.#lost, readings)));
  }

  async write(point: PointDefinition, value: number | string): Promise<WriteOutcome> {
    const index = this.#indexOf.get(pointKey(point.kind, point.id));
    const mapping = index === undefined ? undefined : this.#channel.mappings[index];
    if (index === undefined || mapping?.commandTopic === undefined) readOnly(point, 'it has no command_topic');
    const raw = rawToWrite(point, value);
    const written = inUnits(point, raw) ?? value;
    const link = this.#link;
    if (link === undefined) throw this.#notConnected();
    const begun = performance.now();
    const elapsed = (): number => performance.now() - begun;
    const confirmation = this.#await(index, mapping, written);
    try {
      const payload = commandPayload(mapping, raw, isState(point.kind) || point.dataType === 'bool', Date.now());
      await this.#within(link.publish({ topic: mapping.commandTopic, payload }), point);
      if (confirmation === undefined) {
        // Nobody tells what became of it, so what was sent is the best that is known.
        this.#arrivals.put(index, raw, Date.now());
        return { written, readBack: null, confirmed: false, answer: 'published', roundTripMs: elapsed() };
      }
      const confirmed = await confirmation.done(this.#channel.writeTimeoutMs - elapsed());
      const readBack = confirmed ? written : confirmation.waiting.last;
      const answer = confirmed ? 'ok' : `published, but not confirmed within ${this.#channel.writeTimeoutMs} ms`;
      return { written, readBack, confirmed, answer, roundTripMs: elapsed() };
    } finally {
      confirmation?.end();
    }
  }

  async close(): Promise<void> {
    this.#connecting?.abort();
    this.#connecting = undefined;
    const link = this.#link;
    this.#link = undefined;
    await link?.close();
  }

  #receive({ topic, payload: bytes, retained }: Received): void {
    const { points, mappings, retained: use } = this.#channel;
    if (retained && use === 'ignore') return;
    const now = Date.now();
    const payload = new Payload(bytes);
    let understood = false;
    this.#topics.forEach(topic, (index) => this.#arrivals.keep(index));
    this.#topics.forEach(topic, (index) => {
      const point = points[index] as PointDefinition;
      try {
        const { raw, time = now, quality } = readPayload(payload, mappings[index] as MqttMapping, point);
        const aged = retained && use === 'stale' && quality === GOOD ? STALE : quality;
        this.#arrivals.put(index, raw, Math.min(time, now), aged);
        understood = true;
        if (!retained) this.#tell(index, inUnits(point, raw));
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.#arrivals.putNone(index, BAD);
        const text = `${nameOf(point)}, message on ${topic}: ${error.message}`;
        this.#arrivals.failed(new ProtocolError(error.code, text, { cause: error }));
      }
    });
    if (understood) this.#arrivals.count();
  }

  #tell(index: number, value: number | string | null): void {
    for (const waiting of this.#waiting.get(index) ?? []) {
      waiting.last = value;
      if (isSameValue(waiting.written, value)) waiting.confirm();
    }
  }

  /** Begins to listen for a point's word; undefined when it has no topic to say it on. */
  #await(index: number, { topic }: MqttMapping, written: number | string) {
    if (topic === undefined) return undefined;
    let confirm: () => void = () => undefined;
    const heard = new Promise<true>((resolve) => {
      confirm = () => resolve(true);
    });
    const waiting: Waiting = { written, last: null, confirm };
    const all = this.#waiting.get(index) ?? new Set();
    this.#waiting.set(index, all.add(waiting));
    return {
      waiting,
      done: (withinMs: number) => before(heard, withinMs, () => false as const),
      end: () => all.delete(waiting),
    };
  }

  /** @throws ProtocolError `protocol.timeout` when the broker does not acknowledge it: nobody knows whether it has it */
  #within(publication: Promise<void>, point: PointDefinition): Promise<void> {
    const { writeTimeoutMs } = this.#channel;
    return before(publication, writeTimeoutMs, () => {
      const text = `${nameOf(point)}: ${this.#where} did not acknowledge the message within ${writeTimeoutMs} ms`;
      throw new ProtocolError('protocol.timeout', text);
    });
  }

  #notConnected(): LinkError {
    return new LinkError(`${this.#where} is not connected`);
  }

  #closedError(): LinkError {
    return new LinkError(`the connection to ${this.#where} was closed here`);
  }
}

/** What `work` gives within so many ms, otherwise what `otherwise` gives or throws. */
async function before<T, U>(work: Promise<T>, ms: number, otherwise: () => U): Promise<T | U> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), Math.max(0, ms));
  });
  try {
    const first = await Promise.race([work.then((value) => ({ value })), late]);
    return first === 'late' ? otherwise() : first.value;
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined); // Whoever gave it up hears no more of it.
  }
}
