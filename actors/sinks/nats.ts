import { JetStreamApiError } from '@nats-io/jetstream';
import { headers as createHeaders, InvalidArgumentError, type MsgHdrs } from '@nats-io/transport-node';
import type { Bus } from '../../bus/connection.js';
import { HEADER } from '../../bus/headers.js';
import { whileConnected } from '../../bus/while-connected.js';
import { errorMessage } from '../../errors/error.js';
import { durable, EffectRefused, type DurableEffect, type EffectPolicy } from '../runtime/outbox/effect.js';

/** Of `natsSink`. */
export interface NatsSinkOptions<Params> {
  readonly bus: Bus;
  /** Where to; a stream must take it unless `core` is set. */
  readonly subject: string | ((params: Params) => string);
  /** The message, sent as JSON. Default: the effect's parameters. */
  readonly body?: (params: Params) => unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * To whoever subscribes now, without a stream: it has succeeded when the server took it, and who does not listen
   * misses it.
   */
  readonly core?: boolean;
  readonly policy?: Partial<EffectPolicy>;
}

/**
 * A durable effect that publishes on NATS. `Nats-Msg-Id` is the effect's key: a JetStream stream keeps a message of
 * that id once within its duplicate window, and whoever reads it can tell a second one at any time.
 *
 *     effects: { announce: natsSink({ bus, subject: ({ area }: Price) => `prices.${area}` }) }
 */
export function natsSink<Params>(options: NatsSinkOptions<Params>): DurableEffect<Params> {
  const { bus, subject, body = (params: Params) => params, core = false } = options;
  return durable<Params>(async ({ params, key, traceparent }) => {
    const to = typeof subject === 'string' ? subject : subject(params);
    const payload = Buffer.from(JSON.stringify(body(params) ?? null));
    const headers = headersOf(options.headers, key, traceparent);
    try {
      await whileConnected(bus, async () => {
        if (!core) {
          await bus.jetstream.publish(to, payload, { headers });
          return;
        }
        bus.nats.publish(to, payload, { headers });
        await bus.nats.flush();
      });
    } catch (error) {
      if (neverTaken(error)) throw new EffectRefused(`${to} does not take it: ${errorMessage(error)}`);
      throw error;
    }
  }, options.policy);
}

function headersOf(given: Readonly<Record<string, string>> = {}, key: string, traceparent: string): MsgHdrs {
  const headers = createHeaders();
  for (const [name, value] of Object.entries(given)) headers.set(name, value);
  headers.set(HEADER.dedup, key);
  headers.set(HEADER.traceparent, traceparent);
  return headers;
}

/** Larger than the server or the stream takes, or a subject that is none. A full stream may have room later. */
function neverTaken(error: unknown): boolean {
  if (error instanceof InvalidArgumentError) return true;
  return error instanceof JetStreamApiError && error.code === MESSAGE_TOO_LARGE;
}

/** JSStreamMessageExceedsMaximumErr of nats-server. */
const MESSAGE_TOO_LARGE = 10054;
