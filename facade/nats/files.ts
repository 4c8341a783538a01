import { headers as createHeaders, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { piecesSubject } from '../../actors/client/archive-endpoints.js';
import { StatewattError, toStatewattError } from '../../errors/error.js';
import { STATUS } from '../http/errors.js';
import { publicError } from './answer.js';

/** Files open at once; each holds a statement of the database. */
const MAX_OPEN = 8;
const IDLE_MS = 60_000;
/** Bytes of a message that are not its data. */
const MARGIN = 1_024;

interface OpenFile {
  readonly subscription: Subscription;
  readonly abort: AbortController;
  readonly pieces: AsyncIterator<Uint8Array>;
  readonly idle: NodeJS.Timeout;
  /** Of a piece that is larger than a message may be. */
  rest: Uint8Array;
  /** The piece that is being read; one at a time. */
  reading: Promise<void>;
}

/**
 * Files that are fetched piece by piece: each request is answered by the next piece, so a slow reader holds one piece
 * and nothing waits for one that has gone.
 */
export class OpenFiles {
  readonly #nats: NatsConnection;
  readonly #onProblem: (error: StatewattError) => void;
  readonly #open = new Map<string, OpenFile>();

  constructor(nats: NatsConnection, onProblem: (error: StatewattError) => void) {
    this.#nats = nats;
    this.#onProblem = onProblem;
  }

  get size(): number {
    return this.#open.size;
  }

  /** @throws `nats.busy`, `nats.reader_in_use` */
  open(reader: string, read: (signal: AbortSignal) => AsyncIterable<Uint8Array>): { subject: string; idleMs: number } {
    if (this.#open.has(reader)) {
      throw new StatewattError('nats.reader_in_use', 'conflict', `There is a file of the reader ${reader} already.`);
    }
    if (this.#open.size >= MAX_OPEN) {
      const message = `${MAX_OPEN} files are open; that is all that is allowed.`;
      throw new StatewattError('nats.busy', 'busy', message, { retryAfterMs: 5_000, details: { allowed: MAX_OPEN } });
    }
    const subject = piecesSubject(reader);
    const abort = new AbortController();
    const file: OpenFile = {
      abort,
      pieces: read(abort.signal)[Symbol.asyncIterator](),
      idle: setTimeout(() => this.#close(reader), IDLE_MS).unref(),
      rest: new Uint8Array(),
      reading: Promise.resolve(),
      subscription: this.#nats.subscribe(subject, {
        callback: (error, message) => {
          if (error !== null) return this.#close(reader);
          file.idle.refresh();
          file.reading = file.reading.then(() => this.#answer(reader, file, message));
        },
      }),
    };
    this.#open.set(reader, file);
    return { subject, idleMs: IDLE_MS };
  }

  stop(): void {
    for (const reader of [...this.#open.keys()]) this.#close(reader);
  }

  /** Never rejects. */
  async #answer(reader: string, file: OpenFile, message: Msg): Promise<void> {
    try {
      const most = (this.#nats.info?.max_payload ?? 1024 * 1024) - MARGIN;
      while (file.rest.length === 0) {
        const next = await file.pieces.next();
        if (next.done === true) break;
        file.rest = next.value;
      }
      const piece = file.rest.subarray(0, most);
      file.rest = file.rest.subarray(piece.length);
      message.respond(piece);
      if (piece.length === 0) this.#close(reader);
    } catch (thrown) {
      const error = toStatewattError(thrown);
      if (error.category === 'internal') this.#onProblem(error);
      const headers = createHeaders();
      headers.set('Nats-Service-Error-Code', String(STATUS[error.category]));
      headers.set('Nats-Service-Error', error.code);
      message.respond(JSON.stringify({ error: publicError(error).toJSON() }), { headers });
      this.#close(reader);
    }
  }

  #close(reader: string): void {
    const file = this.#open.get(reader);
    if (file === undefined) return;
    this.#open.delete(reader);
    clearTimeout(file.idle);
    if (!this.#nats.isClosed()) file.subscription.unsubscribe();
    file.abort.abort();
    // Ends the statement of a file that nobody read from yet; one under way has been aborted.
    file.pieces.return?.().catch((thrown: unknown) => this.#onProblem(toStatewattError(thrown)));
  }
}
