import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { errorMessage, StatewattError } from '../../../errors/error.js';
import { readTlsFiles } from '../../../protocols/tls-files.js';
import { resolveReferences } from '../../../site/environment-reference.js';
import type { HttpForwarder } from '../../../site/forwarding/forwarder.js';
import type { Selection } from '../../../site/forwarding/selection.js';
import type { Batch } from '../batch.js';
import { batchBody, CONTENT_TYPES, refused, unreachable } from '../encode.js';
import type { Target } from './target.js';

/** RFC 9110: what a server says of the content itself. Anything else may be right another time. */
const REFUSED = new Set([400, 413, 415, 422]);
/** Characters of an answer that are kept for the error. */
const SHOWN = 200;

/** POSTs each batch as JSON; `Idempotency-Key` is its token. 2xx is success; redirects are not followed. */
export class HttpTarget implements Target {
  readonly #forwarder: HttpForwarder;
  readonly #selection: Selection;
  #agent: HttpAgent | HttpsAgent | undefined;
  #url = '';
  #headers: Readonly<Record<string, string>> = {};

  constructor(forwarder: HttpForwarder, selection: Selection) {
    this.#forwarder = forwarder;
    this.#selection = selection;
  }

  /** Makes ready; whether the server is there shows at the first request. */
  async connect(): Promise<void> {
    const { url, headers, tls } = this.#forwarder;
    this.#url = resolveReferences(url);
    if (!URL.canParse(this.#url))
      throw new StatewattError(
        'forward.invalid_url',
        'invalid',
        'the address is no URL once its references are put in',
      );
    const written = Object.entries(headers).map(([name, value]) => [name, resolveReferences(value)] as const);
    this.#headers = Object.fromEntries(written);
    this.#agent = this.#url.startsWith('https:')
      ? new HttpsAgent({ keepAlive: true, maxSockets: 1, ...(await readTlsFiles(tls)) })
      : new HttpAgent({ keepAlive: true, maxSockets: 1 });
  }

  async send(batch: Batch, signal: AbortSignal): Promise<void> {
    const body = Buffer.from(batchBody(batch, this.#selection.site));
    const { status, text, retryAfter } = await this.#post(batch.token, body, signal);
    if (status >= 200 && status < 300) return;
    const message = `${this.#where} answered ${status}${text === '' ? '' : `: ${text}`}`;
    if (REFUSED.has(status)) throw refused(message);
    const retryAfterMs = waitOf(retryAfter);
    throw unreachable(message, retryAfterMs === undefined ? {} : { retryAfterMs });
  }

  close(): Promise<void> {
    this.#agent?.destroy();
    this.#agent = undefined;
    return Promise.resolve();
  }

  /** An address may hold a token: only its origin and path are shown. */
  get #where(): string {
    const { origin, pathname } = new URL(this.#url);
    return origin + pathname;
  }

  async #post(
    token: string,
    body: Buffer,
    signal: AbortSignal,
  ): Promise<{ status: number; text: string; retryAfter: string | undefined }> {
    const send = this.#url.startsWith('https:') ? httpsRequest : httpRequest;
    const limited = AbortSignal.any([signal, AbortSignal.timeout(this.#forwarder.timeoutMs)]);
    const headers = {
      ...this.#headers,
      'content-type': CONTENT_TYPES.batch,
      'content-length': String(body.length),
      'idempotency-key': token,
    };
    try {
      const reply = await new Promise<IncomingMessage>((resolve, reject) => {
        const request = send(this.#url, { method: 'POST', headers, agent: this.#agent, signal: limited }, resolve);
        request.once('error', reject);
        request.end(body);
      });
      const text = await beginningOf(reply);
      return { status: reply.statusCode ?? 0, text, retryAfter: reply.headers['retry-after'] };
    } catch (cause) {
      const why = limited.aborted && !signal.aborted ? `no answer in ${this.#forwarder.timeoutMs} ms` : reasonOf(cause);
      throw unreachable(`${this.#where} cannot be reached: ${why}`, { cause });
    }
  }
}

async function beginningOf(reply: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of reply.setEncoding('utf8')) if (text.length < SHOWN) text += String(part);
  return text.slice(0, SHOWN);
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(errorMessage).join('; ');
  return errorMessage(error);
}

/** RFC 9110, 10.2.3: seconds, or a date. Answers ms from now. */
function waitOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
