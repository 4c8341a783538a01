import { createHmac } from 'node:crypto';
import { StatewattError, errorMessage } from '../../errors/error.js';
import { durable, EffectRefused, type DurableEffect, type EffectPolicy } from '../runtime/outbox/effect.js';

/** Of `httpSink`. */
export interface HttpSinkOptions<Params> {
  /** Where to; http or https. */
  readonly url: string | ((params: Params) => string);
  /** Default POST. */
  readonly method?: 'POST' | 'PUT' | 'PATCH';
  /** The body, sent as JSON. Default: the effect's parameters. */
  readonly body?: (params: Params) => unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Signs each request (HMAC-SHA256, Standard Webhooks 1.0.0). `whsec_` and the key in base64, or any text, whose UTF-8
   * bytes are the key.
   */
  readonly secret?: string;
  /** Statuses beside 2xx that mean that it is done: 409, say, of a receiver that answers so to a key that it knows. */
  readonly accepted?: readonly number[];
  /** Statuses after which it is tried again. Any other is parked at once. Default: 408, 425, 429, 500 and above. */
  readonly retried?: (status: number) => boolean;
  readonly policy?: Partial<EffectPolicy>;
}

/** Characters of an answer that are kept for the error. */
const SHOWN = 200;

/**
 * A durable effect that sends JSON to an HTTP server, with its key as `Idempotency-Key`: a receiver that keeps the keys
 * that it has taken does each once. Redirects are not followed. `Retry-After` is kept, up to the policy's longest pause.
 *
 * With `secret`, the headers `webhook-id` (the key with `-` for `.`, which may not be part of it), `webhook-timestamp`
 * (s) and `webhook-signature` (`v1,<base64>` over `id.timestamp.body`), as Standard Webhooks describes them.
 *
 *     effects: { notify: httpSink({ url: 'https://example.com/hooks', secret: process.env.HOOK_SECRET }) }
 */
export function httpSink<Params>(options: HttpSinkOptions<Params>): DurableEffect<Params> {
  const {
    url,
    method = 'POST',
    accepted = [],
    retried = isPassing,
    secret,
    body = (params: Params) => params,
  } = options;
  const signingKey = secret === undefined ? undefined : signingKeyOf(secret);
  return durable<Params>(async ({ params, key, signal, traceparent }) => {
    const target = typeof url === 'string' ? url : url(params);
    const text = JSON.stringify(body(params) ?? null);
    const headers = {
      ...options.headers,
      ...{ 'content-type': 'application/json', 'idempotency-key': key, traceparent },
      ...(signingKey === undefined ? {} : signature(signingKey, key, text)),
    };
    const reply = await send(target, { method, headers, body: text, signal, redirect: 'manual' });
    if (reply.ok || accepted.includes(reply.status)) {
      await reply.body?.cancel();
      return;
    }
    const said = (await reply.text()).slice(0, SHOWN);
    const message = `${method} ${hidden(target)} answered ${reply.status}${said === '' ? '' : `: ${said}`}`;
    if (!retried(reply.status)) throw new EffectRefused(message, { status: reply.status });
    const retryAfterMs = retryAfter(reply.headers.get('retry-after'));
    throw new StatewattError('effects.http', 'unavailable', message, {
      details: { status: reply.status },
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }, options.policy);
}

async function send(target: string, init: RequestInit): Promise<Response> {
  if (!URL.canParse(target)) throw new EffectRefused('the address is no URL');
  try {
    return await fetch(target, init);
  } catch (cause) {
    // fetch says only "fetch failed"; its cause says why.
    const reason =
      cause instanceof Error && cause.cause !== undefined ? errorMessage(cause.cause) : errorMessage(cause);
    throw new StatewattError('effects.http', 'unavailable', `${hidden(target)} cannot be reached: ${reason}`, {
      cause,
    });
  }
}

/** RFC 9110: a timeout, too early, too many requests, and what the server says is its own fault. */
function isPassing(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** An address may hold a token: only its origin and path are shown. */
function hidden(target: string): string {
  const { origin, pathname } = new URL(target);
  return origin + pathname;
}

function signingKeyOf(secret: string): Buffer {
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
}

function signature(signingKey: Buffer, key: string, text: string): Record<string, string> {
  const id = key.replaceAll('.', '-');
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const signed = createHmac('sha256', signingKey).update(`${id}.${timestamp}.${text}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signed}` };
}

/** RFC 9110, 10.2.3: seconds, or a date. Answers ms from now. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
