import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Reading, ReadingsReply } from '../../actors/client/metering.js';
import { SigningMeter } from '../../tests/support/signed-readings.js';

/** What is to be submitted. */
export interface FeedOrder {
  /** Of the HTTP facade. */
  readonly url: string;
  readonly readings: number;
  readonly meters: number;
  /** Those of the meters, one user each; a meter's is found by its number. */
  readonly wallets: readonly string[];
  /** Readings of a request. */
  readonly batch: number;
  /** Requests under way at once; each lane has meters of its own, for those of one meter have to come in order. */
  readonly lanes: number;
}

/** What has been submitted so far. */
export interface Fed {
  readonly accepted: number;
  /** Requests that were told to come again later. */
  readonly turnedAway: number;
  /** Readings that had to be sent again because their meters did not answer in time. */
  readonly again: number;
}

/** A minute each, so that a million of a few hundred meters are not too old. */
const LENGTH_MS = 60_000;
const BEGAN_MS = 6 * 86_400_000;

/** Devices in a process of their own: signs everything first, then submits it when it is told to. */
export class Feeder {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when all is registered and signed. */
  static async prepare(order: FeedOrder): Promise<Feeder> {
    const child = fork(fileURLToPath(import.meta.url));
    child.send(order);
    await message(child);
    return new Feeder(child);
  }

  /** Resolves when the last submission has been answered. */
  async feed(): Promise<Fed> {
    this.#child.send('go');
    const fed = await message(this.#child);
    this.#child.disconnect();
    return fed as Fed;
  }
}

async function message(child: ChildProcess): Promise<unknown> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the feeder ended with ${String(code)}`);
  });
  const [first] = (await Promise.race([once(child, 'message'), ended])) as unknown[];
  return first;
}

async function work(order: FeedOrder): Promise<void> {
  const { url, readings, meters, wallets, batch, lanes } = order;
  const all = Array.from({ length: meters }, (_, index) => new SigningMeter(`M${index}`, Date.now() - BEGAN_MS));
  for (const [index, { id, publicKey }] of all.entries()) {
    const owner = index % wallets.length;
    const registered = await post(`${url}/api/v1/meters`, {
      ...{ id, publicKey, wallet: wallets[owner], user: `user${owner}` },
    });
    if (!registered.ok) throw new Error(`registering ${id}: ${registered.status} ${await registered.text()}`);
  }
  // As text, which is what a device sends; as objects a million of them would not fit.
  const requests = Array.from({ length: lanes }, (_, lane) => signed(all, lane, order, readings / lanes, batch));
  process.send?.('ready');
  await once(process, 'message');
  const fed = { accepted: 0, turnedAway: 0, again: 0 };
  await Promise.all(
    requests.map(async (lane) => {
      for (const body of lane) await submit(`${url}/api/v1/readings/batch`, body, fed);
    }),
  );
  process.send?.(fed);
}

function signed(
  all: readonly SigningMeter[],
  lane: number,
  { lanes }: FeedOrder,
  readings: number,
  batch: number,
): Buffer[] {
  const own = all.filter((_, index) => index % lanes === lane);
  const bodies: Buffer[] = [];
  for (let done = 0; done < readings; done += batch) {
    const part: Reading[] = [];
    for (let index = done; index < Math.min(readings, done + batch); index++) {
      part.push((own[index % own.length] as SigningMeter).next('0.1', {}, LENGTH_MS));
    }
    bodies.push(Buffer.from(JSON.stringify({ readings: part })));
  }
  return bodies;
}

async function submit(url: string, body: Buffer, fed: { -readonly [Key in keyof Fed]: Fed[Key] }): Promise<void> {
  for (;;) {
    const answer = await post(url, body);
    if (answer.status === 503 || answer.status === 429) {
      fed.turnedAway += 1;
      await answer.body?.cancel();
      const seconds = Number(answer.headers.get('retry-after') ?? 1);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
      continue;
    }
    if (!answer.ok) throw new Error(`${answer.status} ${(await answer.text()).slice(0, 500)}`);
    const reply = (await answer.json()) as ReadingsReply;
    if (reply.failed > 0) {
      // All again, as a device does: those that were taken are answered as duplicates.
      fed.again += reply.failed;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      continue;
    }
    fed.accepted += reply.accepted;
    return;
  }
}

function post(url: string, body: unknown): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body),
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.once('message', (order) => {
    work(order as FeedOrder).then(
      () => process.disconnect?.(),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
