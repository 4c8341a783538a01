import { jetstream, JetStreamApiError, type JetStreamClient } from '@nats-io/jetstream';
import { headers, InvalidArgumentError, type NatsConnection } from '@nats-io/transport-node';
import { openConnection } from '../../../bus/connection.js';
import { HEADER } from '../../../bus/headers.js';
import { errorMessage, StatewattError } from '../../../errors/error.js';
import { resolveReferences } from '../../../site/environment-reference.js';
import type { NatsForwarder } from '../../../site/forwarding/forwarder.js';
import type { Selection } from '../../../site/forwarding/selection.js';
import type { Batch } from '../batch.js';
import { messagesOf, refused, unreachable, type Message } from '../encode.js';
import { inWindow } from '../in-window.js';
import type { Target } from './target.js';

/** Messages under way at once. */
const WINDOW = 256;
const TIMEOUT_MS = 5_000;
/** JSStreamMessageExceedsMaximumErr of nats-server. */
const MESSAGE_TOO_LARGE = 10054;

/** Publishes on another NATS; `Nats-Msg-Id` names each message for ever, so a stream keeps it once in its window. */
export class NatsTarget implements Target {
  readonly #forwarder: NatsForwarder;
  readonly #selection: Selection;
  #nats: NatsConnection | undefined;
  #jetstream: JetStreamClient | undefined;
  /** Ends whatever waits for an answer when the connection is lost: without one it would wait for its timeout. */
  #lost = new AbortController();

  constructor(forwarder: NatsForwarder, selection: Selection) {
    this.#forwarder = forwarder;
    this.#selection = selection;
  }

  async connect(onLost: (error: Error) => void): Promise<void> {
    const { url, credentials, tls, id } = this.#forwarder;
    const files = {
      ...(tls.caFile === undefined ? {} : { caFile: tls.caFile }),
      ...(tls.certFile === undefined ? {} : { certFile: tls.certFile }),
      ...(tls.keyFile === undefined ? {} : { keyFile: tls.keyFile }),
    };
    const nats = await openConnection({
      servers: resolveReferences(url)
        .split(',')
        .map((server) => server.trim()),
      name: `statewatt forwarder ${id}`,
      ...(credentials === undefined ? {} : { credentials }),
      ...(Object.keys(files).length === 0 ? {} : { tls: files }),
    }).catch(laterIfRefused);
    this.#nats = nats;
    this.#jetstream = jetstream(nats, { timeout: TIMEOUT_MS });
    const lost = new AbortController();
    this.#lost = lost;
    void this.#follow(nats, lost, onLost);
  }

  async send(batch: Batch): Promise<void> {
    const nats = this.#nats;
    if (nats === undefined) throw unreachable('the connection to the other NATS is closed');
    const messages = messagesOf(batch, this.#forwarder.payload, this.#selection);
    const { signal } = this.#lost;
    try {
      if (this.#forwarder.jetstream) {
        await inWindow(messages, WINDOW, (message) => orLost(this.#publish(message), signal));
      } else {
        for (const message of messages) nats.publish(message.destination, message.body, options(message));
        await orLost(nats.flush(), signal);
      }
    } catch (error) {
      if (neverTaken(error)) throw refused(`the other NATS does not take it: ${errorMessage(error)}`, error);
      throw unreachable(`the other NATS does not acknowledge: ${errorMessage(error)}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    this.#lost.abort(new Error('the connection was closed here'));
    await this.#nats?.close();
    this.#nats = undefined;
  }

  async #publish(message: Message): Promise<void> {
    await this.#jetstream?.publish(message.destination, message.body, options(message));
  }

  async #follow(nats: NatsConnection, lost: AbortController, onLost: (error: Error) => void): Promise<void> {
    for await (const { type } of nats.status()) {
      if (type === 'disconnect' || type === 'staleConnection') break;
    }
    if (lost.signal.aborted) return;
    const error = unreachable('the connection to the other NATS is lost');
    lost.abort(error);
    onLost(error);
  }
}

/** Who is not let in today may be let in when the other side has been set right. */
function laterIfRefused(error: unknown): never {
  if (error instanceof StatewattError && error.code === 'bus.unauthorized')
    throw unreachable(error.message, { cause: error });
  throw error;
}

function options({ id }: Message) {
  const written = headers();
  written.set(HEADER.dedup, id);
  return { headers: written };
}

async function orLost(work: Promise<void>, signal: AbortSignal): Promise<void> {
  let end: () => void = () => undefined;
  const lost = new Promise<never>((_, reject) => {
    end = () => reject(signal.reason as Error);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end);
  });
  lost.catch(() => undefined); // Nobody waits for it once the work has ended.
  work.catch(() => undefined); // It fails too, later, when the connection was lost.
  try {
    await Promise.race([work, lost]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** Larger than the server or the stream takes. */
function neverTaken(error: unknown): boolean {
  if (error instanceof InvalidArgumentError) return true;
  return error instanceof JetStreamApiError && error.code === MESSAGE_TOO_LARGE;
}
