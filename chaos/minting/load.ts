import { setTimeout as sleep } from 'node:timers/promises';
import type { Reading, ReadingsReply } from '../../actors/client/metering.js';
import { errorMessage } from '../../errors/error.js';
import { createRandom, streamSeed } from '../../protocols/virtual/random.js';
import { readingId } from '../../site/minting/item.js';
import type { WorthReading } from '../checks/minting.js';
import { ChaosMeter, type SentReading } from './meter.js';

const ANSWER_MS = 10_000;
const AGAIN_MS = 100;
/** Requests are sent so often. */
const EVERY_MS = 1_000;
/** Of so many requests one carries a reading that is forged. */
const FORGE_EVERY = 5;
const SENDERS = 2;

export interface MeterLoadOptions {
  readonly meters: number;
  /** In all. */
  readonly readings: number;
  /** Over which they are spread. */
  readonly durationS: number;
  readonly seed: number;
}

/**
 * Meters whose signed readings are sent over HTTP, to one node after the other; what gets no answer is sent again. The
 * readings of a meter are sent in their order, as a device would.
 */
export class MeterLoad {
  /** All that were answered as accepted. 1 µWh is worth one base unit. */
  readonly accepted: WorthReading[] = [];
  /** Answers that no reading should have got. */
  readonly misjudged: string[] = [];
  /** Requests that were sent again. */
  repeated = 0;
  readonly meters: readonly ChaosMeter[];
  readonly #urls: readonly string[];
  readonly #options: MeterLoadOptions;
  #requests = 0;
  #turn = 0;
  #hurried = false;
  #running: Promise<unknown> = Promise.resolve();

  /** @param urls of the nodes' HTTP interfaces */
  constructor(urls: readonly string[], options: MeterLoadOptions) {
    this.#urls = urls;
    this.#options = options;
    this.meters = Array.from({ length: options.meters }, (_, index) => {
      const random = createRandom(streamSeed(options.seed, `meter ${index}`));
      // Two meters belong to a user, and every meter has a wallet of its own.
      return new ChaosMeter(`CHAOS_${index}`, `user${index >> 1}`, random);
    });
  }

  /** Resolves when all meters are registered and readings are being sent. */
  async start(): Promise<void> {
    for (const { id, publicKey, wallet, user } of this.meters) {
      await this.#post('/meters', { id, publicKey, wallet, user });
    }
    this.#running = Promise.all(Array.from({ length: SENDERS }, (_, sender) => this.#send(sender)));
    this.#running.catch(() => undefined); // `finish` says it.
  }

  /** Sends what is left without pauses. Resolves when all was accepted. */
  async finish(): Promise<void> {
    this.#hurried = true;
    await this.#running;
  }

  /** Each meter is one sender's own. */
  async #send(sender: number): Promise<void> {
    const { readings, durationS } = this.#options;
    const own = this.meters.filter((_, index) => index % SENDERS === sender);
    const all = Math.floor(readings / SENDERS) + (sender < readings % SENDERS ? 1 : 0);
    const begun = performance.now();
    for (let sent = 0; sent < all && own.length > 0;) {
      const due = this.#hurried
        ? Math.min(all, sent + 500)
        : Math.min(all, Math.ceil((all * (performance.now() - begun)) / (durationS * 1_000)));
      const batch = Array.from({ length: due - sent }, (_, index) =>
        (own[(sent + index) % own.length] as ChaosMeter).next(),
      );
      if (batch.length > 0) await this.#submit(batch);
      sent = due;
      if (!this.#hurried) await sleep(EVERY_MS);
    }
  }

  /** Until every one of them was accepted. */
  async #submit(batch: readonly SentReading[]): Promise<void> {
    const meterOf = new Map(this.meters.map((meter) => [meter.id, meter]));
    for (let left = batch; left.length > 0;) {
      const forged = this.#forged(left);
      const readings = [...left.map(({ reading }) => reading), ...forged];
      const { results } = await this.#post<ReadingsReply>('/readings/batch', { readings });
      const again: SentReading[] = [];
      for (const [index, { verdict, code = '' }] of results.entries()) {
        const sent = left[index];
        const id = readingId(readings[index] as Reading);
        if (sent === undefined) {
          if (verdict !== 'rejected' && verdict !== 'failed') this.misjudged.push(`${id} is forged, and ${verdict}`);
        } else if (verdict === 'accepted') {
          const { wallet } = meterOf.get(sent.reading.meter) as ChaosMeter;
          this.accepted.push({ id, wallet, tokens: sent.energy });
        } else if (verdict === 'failed') again.push(sent);
        else this.misjudged.push(`${id} is valid, and ${verdict} ${code}`);
      }
      left = again;
      if (left.length > 0) await this.#pause();
    }
  }

  #forged([first]: readonly SentReading[]): Reading[] {
    if (first === undefined || (this.#requests += 1) % FORGE_EVERY !== 0) return [];
    const meter = this.meters.find(({ id }) => id === first.reading.meter);
    return meter === undefined ? [] : [meter.forged(first)];
  }

  /** Until a node has answered. What is refused for good is no fault of the machine: it ends the run. */
  async #post<T>(path: string, body: unknown): Promise<T> {
    for (;;) {
      const url = this.#urls[(this.#turn += 1) % this.#urls.length];
      let answer: Response;
      try {
        answer = await fetch(`${url}/api/v1${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(ANSWER_MS),
        });
        if (answer.ok) return (await answer.json()) as T;
      } catch {
        await this.#pause();
        continue;
      }
      if (answer.status < 500 && answer.status !== 429) {
        throw new Error(`POST ${path}: ${answer.status} ${await answer.text().catch(errorMessage)}`);
      }
      await this.#pause();
    }
  }

  async #pause(): Promise<void> {
    this.repeated += 1;
    await sleep(AGAIN_MS);
  }
}
