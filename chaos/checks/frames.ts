import type { JsMsg } from '@nats-io/jetstream';
import type { Bus } from '../../bus/connection.js';
import { decodeFrame } from '../../bus/frame-codec.js';
import { STREAM } from '../../bus/streams.js';
import { keyId, keyKind, QUALITIES, type Frame } from '../../site/points.js';
import { historyClient } from '../history-client.js';
import { verdict, type Verdict } from './finding.js';
import { eachMessage } from './stream.js';

/** Sequences whose rows are compared at a time: the memory that it takes is bounded by it. */
const PAGE = 5_000;

/** How often each point is there, its facts as one text. */
type Points = Map<string, number>;

/** Every frame that was seen in the stream must be there still, in its place, once, with none missing before it. */
export class FrameCheck {
  frames = 0;
  readonly #seen: ReadonlyMap<string, number>;
  readonly #names = new Map<string, number>();
  readonly #epochs = new Map<string, { count: number; first: number; last: number }>();
  readonly #twice: string[] = [];
  readonly #whole: boolean;

  /** @param whole the stream is looked at from its beginning, and so is every activation */
  constructor(seen: ReadonlyMap<string, number>, whole = true) {
    this.#seen = seen;
    this.#whole = whole;
  }

  take(frame: Frame, sequence: number): void {
    this.frames += 1;
    const name = `${frame.channel}/${frame.epoch}/${frame.seq}`;
    if (this.#names.has(name)) this.#twice.push(`${name} at ${this.#names.get(name)} and ${sequence}`);
    this.#names.set(name, sequence);
    const epoch = `${frame.channel}/${frame.epoch}`;
    const { count, first, last } = this.#epochs.get(epoch) ?? { count: 0, first: this.#whole ? 1 : frame.seq, last: 0 };
    this.#epochs.set(epoch, {
      count: count + 1,
      first: Math.min(first, frame.seq),
      last: Math.max(last, frame.seq),
    });
  }

  /** @param refused frames that nodes say that they have given up: as many may be missing */
  verdicts(refused = 0): Verdict[] {
    const lost = [...this.#seen]
      .filter(([name, sequence]) => this.#names.get(name) !== sequence)
      .map(([name, sequence]) => `${name}, which was at ${sequence}`);
    const incomplete = [...this.#epochs].flatMap(([epoch, { count, first, last }]) => {
      const want = last - first + 1;
      return count < want ? [{ missing: want - count, text: `${epoch}: ${count} of ${want}` }] : [];
    });
    const missing = incomplete.reduce((sum, each) => sum + each.missing, 0);
    const gaps = missing > refused ? incomplete.map(({ text }) => text) : [];
    const checked = `${this.frames} frames, ${this.#seen.size} seen when they were acknowledged`;
    return [
      verdict('frames-kept', 'no acknowledged frame is lost', checked, lost),
      verdict('frames-once', 'no frame is in the stream twice', checked, this.#twice),
      verdict('frames-gapless', 'no frame is missing before a later one of its activation', checked, gaps),
    ];
  }
}

/** Columns of a row of history. */
export type Row = readonly [
  sequence: string,
  channel: number,
  kind: string,
  point: number,
  /** ms since the Unix epoch. */
  time: string,
  /** A number; a text in double quotes. */
  value: string,
  quality: string,
];

export interface StoredFrame {
  readonly frame: Frame;
  /** In the stream. */
  readonly sequence: number;
}

/** Every point of every frame must be one row of history, and history must have nothing else. */
export class HistoryCheck {
  readonly #wrong: string[] = [];
  readonly #storesAll: boolean;
  #rows = 0;

  /** @param storesAll false: points may be left out, for the site says which are stored */
  constructor(storesAll = true) {
    this.#storesAll = storesAll;
  }

  /** Frames that follow each other in the stream, and the rows of their sequences. */
  take(frames: readonly StoredFrame[], rows: readonly Row[]): void {
    this.#rows += rows.length;
    const found = bySequence(rows);
    for (const { frame, sequence } of frames) {
      const want = pointsOf(frame);
      const there = found.get(sequence) ?? new Map<string, number>();
      for (const text of new Set([...want.keys(), ...there.keys()])) {
        const [wanted, has] = [want.get(text) ?? 0, there.get(text) ?? 0];
        if (has > wanted || (has < wanted && this.#storesAll))
          this.#wrong.push(`frame at ${sequence}, ${text}: ${has} times, not ${wanted}`);
      }
      found.delete(sequence);
    }
    for (const sequence of found.keys()) this.#wrong.push(`rows of ${sequence}, where there is no frame`);
  }

  /** @param total rows that history has in all */
  verdict(total: number): Verdict {
    const others = total === this.#rows ? [] : [`${total} rows in all, ${this.#rows} of them of frames`];
    const claim = this.#storesAll
      ? 'every acknowledged frame is in history exactly once'
      : 'what history has of acknowledged frames is there once, and nothing else';
    return verdict('history-once', claim, `${this.#rows} rows`, [...this.#wrong, ...others]);
  }
}

/** What of the stream and of history is looked at. */
export interface FrameScope {
  /** First sequence; default: from the beginning. */
  readonly from?: number;
  /** Last sequence that history must have; what came later may be under way. */
  readonly upTo: number;
  /** Frames that nodes say that they have given up: as many may be missing. Default 0. */
  readonly refused?: number;
  /** Whether the site stores every point; default true. */
  readonly storesAll?: boolean;
}

/** Holds the frames of the stream against what was seen of them, and the rows of history against the frames. */
export async function checkFrames(
  bus: Bus,
  historyUrl: string | undefined,
  seen: ReadonlyMap<string, number>,
  { from = 1, upTo, refused = 0, storesAll = true }: FrameScope,
): Promise<Verdict[]> {
  const inStream = new FrameCheck(seen, from === 1);
  if (historyUrl === undefined) {
    await eachMessage(bus, STREAM.frames, 'frame.>', ({ data, seq }) => inStream.take(decodeFrame(data), seq), from);
    return inStream.verdicts(refused);
  }
  const inHistory = new HistoryCheck(storesAll);
  const client = historyClient(historyUrl);
  const ask = async <T>(query: string): Promise<T[]> =>
    (await client.query({ query, format: 'JSONCompactEachRow' })).json<T>();
  const compare = async (frames: readonly StoredFrame[]): Promise<void> => {
    const [first, last] = [frames[0]?.sequence, frames.at(-1)?.sequence];
    if (first === undefined || last === undefined) return;
    const rows = await ask<Row>(
      `SELECT sequence, channel, kind, point, toUnixTimestamp64Milli(time),
              if(isNull(text), toString(value), concat('"', text, '"')), quality FROM raw
       WHERE sequence BETWEEN ${first} AND ${last}`,
    );
    inHistory.take(frames, rows);
  };
  try {
    let page: StoredFrame[] = [];
    const take = async ({ data, seq }: JsMsg): Promise<void> => {
      const frame = decodeFrame(data);
      inStream.take(frame, seq);
      if (seq > upTo) return;
      page.push({ frame, sequence: seq });
      if (page.length < PAGE) return;
      await compare(page);
      page = [];
    };
    await eachMessage(bus, STREAM.frames, 'frame.>', take, from);
    await compare(page);
    const [[total] = ['0']] = await ask<[string]>(`SELECT count() FROM raw WHERE sequence BETWEEN ${from} AND ${upTo}`);
    return [...inStream.verdicts(refused), inHistory.verdict(Number(total))];
  } finally {
    await client.close();
  }
}

function bySequence(rows: readonly Row[]): Map<number, Points> {
  const found = new Map<number, Points>();
  for (const [sequence, channel, kind, point, time, value, quality] of rows) {
    const at = Number(sequence);
    let points = found.get(at);
    if (points === undefined) found.set(at, (points = new Map<string, number>()));
    const told = value.startsWith('"') ? value : Number(value);
    count(points, pointText(channel, kind, point, Number(time), told, quality));
  }
  return found;
}

function pointsOf(frame: Frame): Points {
  const points: Points = new Map();
  for (let index = 0; index < frame.keys.length; index++) {
    const key = frame.keys[index] as number;
    const time = Math.round(frame.time - (frame.ages?.[index] ?? 0));
    const quality = QUALITIES[frame.quality[index] as number] ?? '';
    const text = frame.texts?.get(index);
    const value = text === undefined ? (frame.values[index] as number) : `"${text}"`;
    count(points, pointText(frame.channel, keyKind(key), keyId(key), time, value, quality));
  }
  return points;
}

function pointText(
  channel: number,
  kind: string,
  id: number,
  time: number,
  value: number | string,
  quality: string,
): string {
  return `${channel}:${kind}:${id} at ${time} = ${value} (${quality})`;
}

function count(points: Points, text: string): void {
  points.set(text, (points.get(text) ?? 0) + 1);
}
