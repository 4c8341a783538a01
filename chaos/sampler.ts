import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Health } from '../actors/client/schemas.js';

const EVERY_MS = 250;
const ANSWER_MS = 1_500;

/** Whoever can be asked how it is. */
export interface Watched {
  readonly name: string;
  /** Rejects when it does not say. */
  readonly health: () => Promise<Health>;
  /** Resident memory, MB; undefined where the system does not tell. */
  readonly memoryMb: () => Promise<number | undefined>;
}

/** How a run does at one moment. */
export interface Sample {
  /** Ms since the sampler began. */
  readonly atMs: number;
  /** All nodes answer and say that all is well. */
  readonly healthy: boolean;
  /** What is amiss, node by node; absent where nothing is. */
  readonly trouble?: string;
  /** What those that are not well say of it. */
  readonly said?: string;
  /** The largest node, MB resident; undefined where the system does not tell. */
  readonly memoryMb: number | undefined;
  /** Frames that nodes could not keep at all, since the sampler began; undefined when one did not answer. */
  readonly refused: number | undefined;
}

/** Looks at the nodes again and again. */
export class Sampler {
  readonly samples: Sample[] = [];
  readonly #nodes: readonly Watched[];
  readonly #begun = performance.now();
  /** By node: its own count when it was last seen. It begins anew with the node. */
  readonly #lastRefused = new Map<string, number>();
  #refused = 0;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(nodes: readonly Watched[]) {
    this.#nodes = nodes;
  }

  /** All samples, their times from a moment of `performance.now()` on. */
  since(moment: number): Sample[] {
    return this.samples.map((sample) => ({ ...sample, atMs: sample.atMs + this.#begun - moment }));
  }

  start(): void {
    this.#running = this.#look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** @returns false when that has not come to pass in time */
  async healthyWithin(ms: number): Promise<boolean> {
    const from = this.samples.length;
    for (const end = performance.now() + ms; performance.now() < end; await sleep(EVERY_MS / 2)) {
      if (this.samples.slice(from).some(({ healthy }) => healthy)) return true;
    }
    return false;
  }

  async #look(): Promise<void> {
    while (!this.#stopped) {
      const atMs = performance.now() - this.#begun;
      const seen = await Promise.all(this.#nodes.map((node) => lookAt(node)));
      const sizes = seen.flatMap(({ memoryMb }) => (memoryMb === undefined ? [] : [memoryMb]));
      seen.forEach(({ health }, index) => this.#count(this.#nodes[index]?.name ?? '', health));
      const trouble = seen.flatMap(({ health }, index) => troubleOf(this.#nodes[index]?.name ?? '', health));
      const said = seen.flatMap(({ health }) => saidOf(health));
      this.samples.push({
        atMs,
        healthy: trouble.length === 0,
        ...(trouble.length === 0 ? {} : { trouble: trouble.join('; ') }),
        ...(said.length === 0 ? {} : { said: said.join('; ') }),
        memoryMb: sizes.length === 0 ? undefined : Math.max(...sizes),
        refused: seen.every(({ health }) => health !== undefined) ? this.#refused : undefined,
      });
      await sleep(Math.max(0, EVERY_MS - (performance.now() - this.#begun - atMs)));
    }
  }

  #count(node: string, health: Health | undefined): void {
    const is = health?.parts.spool?.facts?.refused;
    if (typeof is !== 'number') return;
    const was = this.#lastRefused.get(node) ?? is; // What it gave up before is not this run's.
    this.#refused += is >= was ? is - was : is;
    this.#lastRefused.set(node, is);
  }
}

/** Frames that a node had to give up are told until its end; it is well nevertheless when nothing else is amiss. */
export function isWell({ status, parts }: Pick<Health, 'status' | 'parts'>): boolean {
  if (status === 'healthy') return true;
  const { spool, ...others } = parts;
  const gaveUp = Number(spool?.facts?.refused ?? 0) > 0 && spool?.facts?.bytes === 0;
  return gaveUp && Object.values(others).every((part) => part?.status === 'up');
}

/** Which parts of a node are not well. */
function troubleOf(node: string, health: Health | undefined): string[] {
  if (health === undefined) return [`${node} does not answer`];
  if (isWell(health)) return [];
  const parts = Object.entries(health.parts).filter(([, part]) => part?.status !== 'up');
  return [`${node}: ${parts.map(([name]) => name).join(', ')}`];
}

/** Which parts of a node are not well, and why. */
function saidOf(health: Health | undefined): string[] {
  if (health === undefined || isWell(health)) return [];
  return Object.entries(health.parts).flatMap(([name, part]) =>
    part === undefined || part.status === 'up' ? [] : [`${name} is ${part.status}, ${part.detail}`],
  );
}

async function lookAt(node: Watched): Promise<{ health: Health | undefined; memoryMb: number | undefined }> {
  const [health, memoryMb] = await Promise.all([node.health().catch(() => undefined), node.memoryMb()]);
  return { health, memoryMb };
}

/** How a node is, over HTTP. Rejects when it does not say so at once. */
export async function healthOver(url: string): Promise<Health> {
  const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(ANSWER_MS) });
  return (await answer.json()) as Health;
}

/** Resident memory of a process, MB. Linux only; see proc(5). */
export async function memoryOf(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const found = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
  return found === undefined ? undefined : Number(found) / 1_024;
}

/** Resident memory of the largest process below a watchdog, MB. */
export async function memoryBelow(watchdog: number): Promise<number | undefined> {
  const children = await readFile(`/proc/${watchdog}/task/${watchdog}/children`, 'utf8').catch(() => '');
  const pids = children
    .trim()
    .split(' ')
    .filter((pid) => pid !== '');
  const sizes = await Promise.all(pids.map((pid) => memoryOf(Number(pid))));
  const known = sizes.filter((size) => size !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
