import type { CanChannel, CanSource } from '../../site/channels/can.js';
import type { PointDefinition } from '../../site/points.js';
import type { Readings } from '../../site/readings.js';
import { Arrivals } from '../arrivals.js';
import { LinkError, ProtocolError, type Driver, type PollOutcome, type WriteOutcome } from '../driver.js';
import { nameOf, readOnly } from '../write-value.js';
import type { CanFrame } from './candump.js';
import { SignalReader } from './signal.js';
import { openSource, type OpenSource } from './sources.js';

/** The interface, or the log's path. */
export function canAddress(source: CanSource): string {
  return source.type === 'log' ? source.file : source.interface;
}

/**
 * Driver of a channel that listens to a CAN bus, or to a log of one. A signal of which a value waits already makes a frame
 * of its own with its next one.
 */
export function createCanDriver(channel: CanChannel): Driver {
  return new CanDriver(channel);
}

class CanDriver implements Driver {
  readonly pushed = true;
  readonly #channel: CanChannel;
  readonly #arrivals: Arrivals;
  readonly #readers: readonly SignalReader[];
  /** Points by the identifier that they come with. */
  readonly #byId = new Map<number, number[]>();
  /** Changes with each opening and closing. */
  #turn = 0;
  #opening: Promise<OpenSource> | undefined;
  #open = false;
  #lost: LinkError | undefined;

  constructor(channel: CanChannel) {
    this.#channel = channel;
    this.#arrivals = new Arrivals(
      channel.points,
      channel.mappings.map(({ staleAfterMs }) => staleAfterMs),
    );
    this.#readers = channel.mappings.map((signal) => new SignalReader(signal));
    channel.mappings.forEach(({ canId, extended }, index) => {
      const key = keyOf(canId, extended);
      this.#byId.set(key, [...(this.#byId.get(key) ?? []), index]);
    });
  }

  async connect(): Promise<void> {
    const closed = this.close();
    const turn = this.#turn;
    await closed;
    if (turn !== this.#turn) throw this.#closedError();
    this.#lost = undefined;
    this.#arrivals.clear();
    const opening = openSource(this.#channel.source, {
      onFrame: (frame, time) => this.#receive(frame, time),
      onUnreadable: (line) => this.#unreadable(line),
      onEnd: () => this.#endOfLog(),
      onLost: (error) => {
        if (turn === this.#turn) this.#lost = error;
      },
    });
    this.#opening = opening;
    await opening;
    if (turn !== this.#turn) throw this.#closedError();
    this.#open = true;
  }

  poll(readings: Readings): Promise<PollOutcome> {
    if (!this.#open) return Promise.reject(this.#closedError());
    return new Promise((resolve) => resolve(this.#arrivals.takeBefore(this.#lost, readings)));
  }

  write(point: PointDefinition): Promise<WriteOutcome> {
    return new Promise<WriteOutcome>(() => readOnly(point, 'CAN channels are only read'));
  }

  async close(): Promise<void> {
    this.#turn += 1;
    this.#open = false;
    const opening = this.#opening;
    this.#opening = undefined;
    const source = await opening?.catch(() => undefined); // whoever opened it has heard
    await source?.close();
  }

  #receive({ id, extended, data }: CanFrame, time: number): void {
    const indexes = this.#byId.get(keyOf(id, extended));
    if (indexes === undefined) return;
    const now = Math.min(time, Date.now());
    for (const index of indexes) this.#arrivals.keep(index);
    for (const index of indexes) {
      const reader = this.#readers[index] as SignalReader;
      if (data.length >= reader.bytes) this.#arrivals.put(index, reader.read(data), now);
      else this.#tooShort(index, id, data.length);
    }
    this.#arrivals.count();
  }

  #tooShort(index: number, id: number, length: number): void {
    const point = this.#channel.points[index] as PointDefinition;
    const needed = (this.#readers[index] as SignalReader).bytes;
    const what = `found a frame 0x${id.toString(16)} of ${length} bytes, allowed ${needed} or more`;
    this.#arrivals.failed(new ProtocolError('protocol.frame_short', `${nameOf(point)}: ${what}`));
  }

  #unreadable(line: string): void {
    const found = JSON.stringify(line.length > 60 ? `${line.slice(0, 59)}…` : line);
    const text = `${canAddress(this.#channel.source)}: found ${found}, allowed lines as candump -L writes them`;
    this.#arrivals.failed(new ProtocolError('protocol.line_invalid', text));
  }

  /** Nothing more will come: what came last is no longer so. */
  #endOfLog(): void {
    for (let index = 0; index < this.#channel.points.length; index++) this.#arrivals.putStale(index);
  }

  #closedError(): LinkError {
    return new LinkError(`${canAddress(this.#channel.source)} is not open`);
  }
}

/** An identifier of 29 bits is another one than that of 11 bits with the same number. */
function keyOf(id: number, extended: boolean): number {
  return extended ? id + 0x2000_0000 : id;
}
