import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Health } from '../../actors/client/schemas.js';
import { eventually, tempFolder } from './temp.js';

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
/** Would name real servers, or change what the product does. */
const NOT_FOR_TESTS = /^(?:NATS_|REDIS_|CLICKHOUSE_|SOLANA_|STATEWATT_|OTEL_)/;
const START_MS = 60_000;
const GONE_MS = 30_000;
const LOG_LINES = 200;

/** A part of the product that runs in a process of its own. */
export type Part = 'nats-server' | 'history engine';
/** How its command line begins; that of the shell that watches over it holds the same further on. */
const PART_COMMAND: Record<Part, RegExp> = {
  'nats-server': /^[^\0]*\/nats-server\0-c\0/,
  'history engine': /^[^\0]*\0[^\0]*\/clickhouse\/engine\/main\.js\0/,
};

/** What `statewatt up --json` prints when the site runs. */
interface Running {
  readonly http: { readonly url: string };
  readonly nats: { readonly url: string };
  readonly data: string;
  readonly pid: number;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface SiteProcessOptions {
  /** site.yaml, or a folder that holds one. */
  readonly site: string;
  /** Such as REDIS_URL. */
  readonly env?: NodeJS.ProcessEnv;
}

/** One process, told from a later one of the same id by when it began. */
interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly began: string;
  /** Arguments, each ended by a NUL. */
  readonly command: string;
}

/**
 * The product as an operator runs it: `statewatt up` in a process group of its own, on free ports, with a data folder
 * of its own that outlives each run. Call `close` in an after hook, whatever happened before.
 */
export class SiteProcess {
  readonly data: string;
  readonly #options: SiteProcessOptions;
  readonly #removeData: () => Promise<void>;
  readonly #log: string[] = [];
  #child: ChildProcess | undefined;
  #ended: Promise<Ended> = Promise.resolve({ code: 0, signal: null });
  #running: Running | undefined;

  private constructor(options: SiteProcessOptions, data: string, removeData: () => Promise<void>) {
    this.#options = options;
    this.data = data;
    this.#removeData = removeData;
  }

  /** Resolves when the site runs. */
  static async start(options: SiteProcessOptions): Promise<SiteProcess> {
    const folder = await tempFolder();
    const site = new SiteProcess(options, join(folder.path, 'data'), folder.remove);
    try {
      await site.start();
    } catch (error) {
      await site.close();
      throw error;
    }
    return site;
  }

  get url(): string {
    return this.#now.http.url;
  }
  get natsUrl(): string {
    return this.#now.nats.url;
  }
  get pid(): number {
    return this.#now.pid;
  }
  /** The last lines of all runs' logs. */
  get logTail(): string {
    return this.#log.join('\n');
  }

  /** Starts it again on the same data. */
  async start(): Promise<void> {
    assert.equal(this.#child, undefined, 'it runs already');
    this.#log.push('--- start');
    const child = spawn(
      process.execPath,
      [MAIN, 'up', this.#options.site, '--data', this.data, '--http-port', '0', '--json'],
      { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: environment(this.#options.env) },
    );
    this.#child = child;
    createInterface({ input: child.stderr }).on('line', (line) => this.#note(line));
    this.#ended = new Promise((resolve) => {
      child.once('error', (error) => this.#note(error.message));
      child.once('close', (code, signal) => {
        this.#child = undefined;
        resolve({ code, signal });
      });
    });
    const line = new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve));
    const timer = setTimeout(() => killGroup(child.pid), START_MS);
    const first = await Promise.race([line, this.#ended]);
    clearTimeout(timer);
    if (typeof first !== 'string') throw this.failure(`it ended with ${first.signal ?? `code ${first.code}`}`);
    this.#running = JSON.parse(first) as Running;
  }

  /** SIGTERM. Resolves when it has ended, in order, and nothing of it is left. */
  async stop(): Promise<void> {
    const all = this.processes();
    this.#child?.kill('SIGTERM');
    const ended = await this.#ended;
    if (ended.code !== 0) throw this.failure(`stopping: it ended with ${ended.signal ?? `code ${ended.code}`}`);
    await this.#gone(all, 'after its end');
  }

  /**
   * SIGKILL to its process group, as by an operator's hard stop; its embedded servers, in groups of their own, must
   * notice and end. Or, with `everything`, to every process of it at the same moment, as a power cut would.
   * Resolves when nothing of it is left.
   */
  async kill({ everything = false } = {}): Promise<void> {
    const all = this.processes();
    if (everything) for (const { pid } of all) killProcess(pid);
    killGroup(this.#child?.pid);
    await this.#ended;
    await this.#gone(all, 'after the kill');
  }

  /** SIGKILL to its process group only; does not wait for its embedded servers to go. */
  async killGroupOnly(): Promise<void> {
    killGroup(this.#child?.pid);
    await this.#ended;
  }

  /** A signal to one of its embedded servers. SIGSTOP makes one that hangs, until SIGCONT. */
  signalPart(part: Part, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    const pid = this.partPid(part);
    assert.ok(pid !== undefined, `${part} does not run`);
    process.kill(pid, signal);
  }

  /** Undefined while it does not run. */
  partPid(part: Part): number | undefined {
    return this.processes().find(({ command }) => PART_COMMAND[part].test(command))?.pid;
  }

  /** The process itself and everything below it. */
  processes(): ProcessFacts[] {
    const root = this.#child?.pid;
    if (root === undefined) return [];
    const all = allProcesses();
    const tree = all.filter(({ pid }) => pid === root);
    for (const member of tree) tree.push(...all.filter(({ parent }) => parent === member.pid));
    return tree;
  }

  /** Resolves when it ends by itself. */
  get ended(): Promise<Ended> {
    return this.#ended;
  }

  async get<T>(path: string): Promise<T> {
    const answer = await fetch(this.url + path, { signal: AbortSignal.timeout(30_000) });
    // An unhealthy site answers 503 with the same body.
    if (answer.status !== 200 && !path.startsWith('/health')) {
      throw this.failure(`GET ${path}: ${answer.status} ${await answer.text()}`);
    }
    return (await answer.json()) as T;
  }

  health(): Promise<Health> {
    return this.get<Health>('/health');
  }

  /** The first health of which this is true; `what` says so in words. */
  async healthWhen(what: string, isTrue: (health: Health) => boolean, within = 30_000): Promise<Health> {
    let last: Health | undefined;
    try {
      return await eventually(
        async () => {
          last = await this.health();
          return isTrue(last) ? last : undefined;
        },
        { within, what },
      );
    } catch (error) {
      throw this.failure(`${String(error)}; the last health: ${JSON.stringify(last)}`);
    }
  }

  /** An error that carries the log. */
  failure(what: string): Error {
    return new Error(`statewatt up: ${what}\n${this.logTail}`);
  }

  /** Ends what still runs, in whatever state it is, and removes the data. */
  async close(): Promise<void> {
    if (this.#child !== undefined) await this.kill({ everything: true });
    await this.#removeData();
  }

  async #gone(processes: readonly ProcessFacts[], when: string): Promise<void> {
    const isGone = (): true | undefined => (alive(processes).length === 0 ? true : undefined);
    try {
      await eventually(isGone, { within: GONE_MS });
    } catch {
      throw this.failure(`${when} these are left: ${alive(processes).map(describe).join(', ')}`);
    }
  }

  get #now(): Running {
    assert.ok(this.#running !== undefined);
    return this.#running;
  }

  #note(line: string): void {
    this.#log.push(line);
    if (this.#log.length > LOG_LINES) this.#log.shift();
  }
}

/** Runs one command of the product to its end. */
export async function runStatewatt(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Ended & { out: string; err: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(env),
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, out, err }));
  });
}

function environment(env: NodeJS.ProcessEnv | undefined): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !NOT_FOR_TESTS.test(name));
  return { ...Object.fromEntries(inherited), ...env };
}

function allProcesses(): ProcessFacts[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processFacts(Number(name)))
    .filter((facts) => facts !== undefined);
}

/** Undefined for a process that has ended, even if nobody has asked for its exit code yet. See proc(5). */
function processFacts(pid: number): ProcessFacts | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, parent, began] = [fields[0], fields[1], fields[19]];
    if (state === 'Z' || state === 'X' || began === undefined) return undefined;
    return { pid, parent: Number(parent), began, command: readFileSync(`/proc/${pid}/cmdline`, 'utf8') };
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function alive(processes: readonly ProcessFacts[]): ProcessFacts[] {
  return processes.filter(({ pid, began }) => processFacts(pid)?.began === began);
}

function describe({ pid, command }: ProcessFacts): string {
  return `${pid} ${command.replaceAll('\0', ' ').slice(-120)}`;
}

function killGroup(pid: number | undefined): void {
  if (pid !== undefined) killProcess(-pid);
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
