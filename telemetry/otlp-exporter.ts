import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import { toOtlpJson } from './otlp-json.js';

export interface OtlpExporterOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Ms that an export may take, its repetitions included. */
  readonly timeoutMs: number;
  readonly gzip: boolean;
  /** The first export that failed, after those that did not. */
  readonly onTrouble: (text: string) => void;
  /** The first one that did not, after those that failed; so many spans were lost. */
  readonly onRecovery: (lost: number) => void;
}

/** The answers after which a sender tries again (OTLP 1.x, "Retryable Response Codes"). */
const PASSING = [429, 502, 503, 504];
const FIRST_PAUSE_MS = 1_000;
const compressed = promisify(gzip);

/**
 * Sends spans over OTLP/HTTP in JSON. It never fails and never keeps the process alive: what cannot be delivered in its
 * time is given up, counted and told once.
 */
export class OtlpExporter implements SpanExporter {
  readonly #options: OtlpExporterOptions;
  /** No more repetitions. */
  readonly #ending = new AbortController();
  readonly #abandoned = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  #lost = 0;
  #inTrouble = false;

  constructor(options: OtlpExporterOptions) {
    this.#options = options;
  }

  /** Spans that could not be delivered. */
  get lost(): number {
    return this.#lost;
  }

  export(spans: ReadableSpan[], done: Parameters<SpanExporter['export']>[1]): void {
    const sending = this.#send(spans).finally(() => {
      this.#underWay.delete(sending);
      done({ code: 0 }); // What failed has been told; the processor would tell it again.
    });
    this.#underWay.add(sending);
  }

  /** From now on each export is tried once. */
  end(): void {
    this.#ending.abort();
  }

  /** Gives up what is under way. */
  abandon(): void {
    this.end();
    this.#abandoned.abort();
  }

  async forceFlush(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  shutdown(): Promise<void> {
    return this.forceFlush();
  }

  async #send(spans: readonly ReadableSpan[]): Promise<void> {
    try {
      await this.#deliver(toOtlpJson(spans));
      if (!this.#inTrouble) return;
      this.#inTrouble = false;
      this.#options.onRecovery(this.#lost);
    } catch (error) {
      this.#lost += spans.length;
      if (this.#inTrouble) return;
      this.#inTrouble = true;
      this.#options.onTrouble(`traces cannot be exported: ${reason(error)}`);
    }
  }

  /** Tries until it is there, later each time. @throws what the last attempt found */
  async #deliver(text: string): Promise<void> {
    const { timeoutMs } = this.#options;
    const body = this.#options.gzip ? await compressed(text) : text;
    const end = performance.now() + timeoutMs;
    for (let pause = FIRST_PAUSE_MS; ; pause *= 2) {
      const failure = await this.#post(body, end - performance.now());
      if (failure === undefined) return;
      const wait = pause * (0.5 + Math.random() / 2);
      if (!failure.passing || performance.now() + wait > end || this.#ending.signal.aborted) throw failure.error;
      await setTimeout(wait, undefined, { ref: false, signal: this.#ending.signal }).catch(() => undefined);
    }
  }

  async #post(
    body: string | Uint8Array<ArrayBuffer>,
    timeoutMs: number,
  ): Promise<{ error: unknown; passing: boolean } | undefined> {
    const { url, headers, gzip: isCompressed } = this.#options;
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: {
          ...headers,
          'content-type': 'application/json',
          ...(isCompressed ? { 'content-encoding': 'gzip' } : {}),
        },
        body,
        redirect: 'error',
        signal: AbortSignal.any([this.#abandoned.signal, AbortSignal.timeout(Math.max(Math.ceil(timeoutMs), 1))]),
      });
      await answer.body?.cancel();
      if (answer.ok) return undefined;
      return { error: new Error(`it answered ${answer.status}`), passing: PASSING.includes(answer.status) };
    } catch (error) {
      return { error, passing: true };
    }
  }
}

/** `fetch` says only that it failed; why is in the cause. */
function reason(error: unknown): string {
  const { message, cause } = error as { message: string; cause?: { message?: string; code?: string } };
  return cause?.message || cause?.code || message;
}
