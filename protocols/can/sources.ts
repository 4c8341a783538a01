import { open, type FileHandle } from 'node:fs/promises';
import { errorMessage } from '../../errors/error.js';
import { SupervisedChild } from '../../processes/child.js';
import type { CanSource } from '../../site/channels/can.js';
import { LinkError, ProtocolError } from '../driver.js';
import { parseCandump, type CanFrame } from './candump.js';

export interface FrameListener {
  /** `time` is the source time of its values, ms since the Unix epoch. */
  onFrame(frame: CanFrame, time: number): void;
  /** A line that is no frame. */
  onUnreadable(line: string): void;
  /** No more will come by itself. */
  onEnd(): void;
  onLost(error: LinkError): void;
}

/** What frames come from, once it is open. */
export interface OpenSource {
  close(): Promise<void>;
}

/** @throws LinkError; ProtocolError (`fatal`) for a log without frames */
export function openSource(source: CanSource, listener: FrameListener): Promise<OpenSource> {
  return source.type === 'log' ? LogReplay.open(source, listener) : openInterface(source.interface, listener);
}

/** A missing interface ends candump at once; one that lives so long is there, though the bus may be silent. */
const SETTLED_MS = 300;

async function openInterface(name: string, listener: FrameListener): Promise<OpenSource> {
  const lost = (error: Error): void => listener.onLost(new LinkError(`${name}: ${error.message}`, { cause: error }));
  const child = new SupervisedChild({
    name: 'candump',
    command: 'candump',
    args: ['-L', name],
    ready: async (running) => {
      await Promise.race([running.line(/^\(/), pause(SETTLED_MS)]);
    },
    onLine: (line) => {
      const frame = parseCandump(line);
      if (frame === undefined) listener.onUnreadable(line);
      else if (frame !== 'none') listener.onFrame(frame, frame.time);
    },
    // The channel opens it again.
    intensity: { restarts: 0, windowMs: 60_000 },
    onGiveUp: lost,
  });
  try {
    await child.start();
  } catch (error) {
    throw new LinkError(`${name}: ${errorMessage(error)} (candump is part of can-utils)`, { cause: error });
  }
  return { close: () => child.stop() };
}

type LogSource = Extract<CanSource, { type: 'log' }>;

/** A pass over a log of one moment would never let go otherwise. */
const SHORTEST_PASS_MS = 100;

/** Plays a log: the first frame at once, each further one when its time has come. */
class LogReplay implements OpenSource {
  readonly #source: LogSource;
  readonly #listener: FrameListener;
  readonly #closing = new AbortController();
  #done: Promise<void> = Promise.resolve();

  private constructor(source: LogSource, listener: FrameListener) {
    this.#source = source;
    this.#listener = listener;
  }

  static async open(source: LogSource, listener: FrameListener): Promise<LogReplay> {
    const replay = new LogReplay(source, listener);
    const handle = await replay.#openFile();
    let tellFirst: (found: boolean) => void = () => undefined;
    const first = new Promise<boolean>((resolve) => {
      tellFirst = resolve;
    });
    replay.#done = replay.#play(handle, tellFirst).catch((error: unknown) => {
      tellFirst(true);
      listener.onLost(new LinkError(`${source.file}: ${errorMessage(error)}`, { cause: error }));
    });
    if (await first) return replay;
    await replay.close();
    const which = source.interface === undefined ? '' : ` of ${source.interface}`;
    const text = `${source.file} holds no frame${which}, allowed a log as candump -L writes it`;
    throw new ProtocolError('protocol.log_empty', text, { fatal: true });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#done;
  }

  async #openFile(): Promise<FileHandle> {
    try {
      return await open(this.#source.file);
    } catch (cause) {
      throw new LinkError(`${this.#source.file} cannot be read: ${errorMessage(cause)}`, { cause });
    }
  }

  async #play(first: FileHandle, tellFirst: (found: boolean) => void): Promise<void> {
    const { signal } = this.#closing;
    let handle = first;
    for (let begin = Date.now(); ; handle = await this.#openFile()) {
      const end = await this.#pass(handle, begin, tellFirst);
      tellFirst(end !== undefined);
      if (signal.aborted) return;
      if (end === undefined || !this.#source.repeat) return this.#listener.onEnd();
      begin = Math.max(end, begin + SHORTEST_PASS_MS);
      await pause(begin - Date.now(), signal);
      if (signal.aborted) return;
    }
  }

  /** Plays the log once from `begin` on; answers when its last frame was due, undefined when there was none. */
  async #pass(handle: FileHandle, begin: number, tellFirst: (found: boolean) => void): Promise<number | undefined> {
    const { signal } = this.#closing;
    const { speed, interface: only } = this.#source;
    let origin: number | undefined;
    let due = begin;
    try {
      for await (const line of handle.readLines()) {
        if (signal.aborted) break;
        const frame = parseCandump(line);
        if (frame === undefined) {
          if (line.trim() !== '') this.#listener.onUnreadable(line);
          continue;
        }
        if (frame === 'none' || (only !== undefined && frame.interface !== only)) continue;
        origin ??= frame.time;
        tellFirst(true);
        // Logs of several interfaces are not always in order.
        due = Math.max(due, begin + (frame.time - origin) / speed);
        if (due > Date.now()) await pause(due - Date.now(), signal);
        if (signal.aborted) break;
        this.#listener.onFrame(frame, Math.floor(due));
      }
    } finally {
      await handle.close();
    }
    return origin === undefined ? undefined : due;
  }
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (ms <= 0 || signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, Math.min(ms, 2_147_483_647));
    signal?.addEventListener('abort', end);
  });
}
