import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { StatewattError } from '../errors/error.js';

/**
 * Runs a command that dies with us: the end of our pipe (however we end) ends it by SIGTERM, and after 10 s, or when it
 * is gone, whatever is left of its process group by SIGKILL. The trap comes after the fork: a signal before it ends the
 * shell, one after it finds a child that does not inherit the shell's handler.
 */
const WATCHDOG = `
exec 3<&0
"$@" 3<&- </dev/null &
child=$!
trap 'kill -TERM $child 2>/dev/null' TERM
(
  cat
  kill -0 $$ && kill -TERM $child
  n=0
  while kill -0 $$ && test $n -lt 100; do sleep 0.1; n=$((n+1)); done
  kill -KILL 0
) <&3 >/dev/null 2>&1 &
exec 3<&-
wait $child; code=$?
while kill -0 $child 2>/dev/null; do wait $child; code=$?; done
exit $code
`;

/** How long the last lines of an ended child are waited for, when something still holds its output open. */
const LAST_LINES_MS = 500;

export interface ChildOptions {
  /** For messages: `nats-server`, `history engine` … */
  name: string;
  command: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Resolves when the child serves; called after each start. Rejecting counts as a failed start. */
  ready: (child: RunningChild) => Promise<void>;
  /** Each line that the child prints. */
  onLine?: (line: string) => void;
  /** It ended without being asked to; it is being started again after `delayMs`. */
  onRestart?: (info: { code: number | null; signal: string | null; delayMs: number; restarts: number }) => void;
  /** It ended and could not be brought back; the supervisor has given up until `start` is called again. */
  onGiveUp?: (error: StatewattError) => void;
  /** Starts within `windowMs` after which the supervisor gives up. Default 10 in 60 s. */
  intensity?: { restarts: number; windowMs: number };
}

export interface RunningChild {
  readonly pid: number;
  /** Rejects when the child ends before `ready` resolved. */
  readonly ended: Promise<never>;
  /** Resolves with the first line that matches, from the start of this run. */
  line(pattern: RegExp): Promise<RegExpMatchArray>;
}

/**
 * A supervised child process: started, watched, started again when it dies (exponential backoff, 0.2 s … 5 s), and
 * stopped in order. It runs in a session of its own, so a Ctrl-C at the terminal reaches us and not it; a shell
 * watchdog ends it when we vanish, even by SIGKILL.
 */
export class SupervisedChild {
  readonly #options: ChildOptions;
  #process: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  /** Names the time between a start and its stop; undefined when the child is not wanted. */
  #wanted: symbol | undefined;
  #restartTimer: NodeJS.Timeout | undefined;
  #starts: number[] = [];
  #lastLines: string[] = [];
  restarts = 0;

  constructor(options: ChildOptions) {
    this.#options = options;
  }

  get running(): boolean {
    return this.#process !== undefined;
  }

  /** Pid of the watchdog shell; its process group holds the child. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** @throws `process.start_failed` with the child's last lines; `process.running` when it runs already */
  async start(): Promise<void> {
    if (this.running) {
      throw new StatewattError('process.running', 'conflict', `${this.#options.name} runs already`);
    }
    clearTimeout(this.#restartTimer);
    this.#starts = [];
    const wanted = Symbol(this.#options.name);
    this.#wanted = wanted;
    await this.#launch(wanted);
  }

  /** SIGTERM, then SIGKILL to its group after `graceMs`. Resolves when it is gone. */
  async stop(graceMs = 10_000): Promise<void> {
    this.#wanted = undefined;
    clearTimeout(this.#restartTimer);
    await this.#terminate(graceMs);
  }

  async #launch(wanted: symbol): Promise<void> {
    const { name, command, args, env, cwd } = this.#options;
    const child = spawn('/bin/sh', ['-c', WATCHDOG, name, command, ...args], {
      env: { ...process.env, ...env },
      cwd,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#process = child;
    const lines: string[] = [];
    this.#lastLines = lines;
    const waiting = new Set<{ pattern: RegExp; resolve: (match: RegExpMatchArray) => void }>();
    const onLine = (line: string) => {
      lines.push(line);
      if (lines.length > 200) lines.shift();
      this.#options.onLine?.(line);
      for (const waiter of waiting) {
        const match = waiter.pattern.exec(line);
        if (match === null) continue;
        waiting.delete(waiter);
        waiter.resolve(match);
      }
    };
    const allRead = Promise.all([child.stdout, child.stderr].map((stream) => readLines(stream, onLine)));
    child.stdin.on('error', () => {
      // The watchdog ended first: nothing is left to hold.
    });

    let ready = false;
    const ended = new Promise<never>((_resolve, reject) => {
      this.#exited = new Promise((resolve) => {
        child.once('error', (cause) => {
          this.#process = undefined;
          reject(failure(`${name} could not be started: ${cause.message}`, lines, cause));
          resolve();
        });
        child.once('exit', (code, signal) => {
          this.#process = undefined;
          if (child.pid !== undefined) killGroup(child.pid); // What it started and left behind.
          resolve();
          void Promise.race([allRead, pause(LAST_LINES_MS)]).then(() => {
            reject(failure(`${name} ended with ${signal ?? `code ${code}`}`, lines));
          });
          if (ready) this.#scheduleRestart(wanted, code, signal);
        });
      });
    });
    ended.catch(() => undefined); // Read by `ready` below; afterwards the restart deals with it.
    const running: RunningChild = {
      pid: child.pid ?? -1,
      ended,
      line: (pattern) => {
        const seen = lines.map((line) => pattern.exec(line)).find((match) => match !== null);
        if (seen) return Promise.resolve(seen);
        return new Promise((resolve) => waiting.add({ pattern, resolve }));
      },
    };
    try {
      await Promise.race([this.#options.ready(running), ended]);
      ready = true;
    } catch (error) {
      await this.#terminate(10_000);
      throw error;
    }
  }

  async #terminate(graceMs: number): Promise<void> {
    const child = this.#process;
    if (child?.pid === undefined) return;
    const pid = child.pid;
    child.kill('SIGTERM');
    const timer = setTimeout(() => killGroup(pid), graceMs);
    await this.#exited;
    clearTimeout(timer);
  }

  /** SIGKILL to the child and its watchdog, as a fault would; supervision goes on and starts it again. */
  kill(): void {
    if (this.#process?.pid !== undefined) killGroup(this.#process.pid);
  }

  #scheduleRestart(wanted: symbol, code: number | null, signal: string | null): void {
    if (this.#wanted !== wanted) return;
    const { intensity = { restarts: 10, windowMs: 60_000 }, name } = this.#options;
    const now = Date.now();
    this.#starts = [...this.#starts.filter((at) => now - at < intensity.windowMs), now];
    const ends = this.#starts.length;
    if (ends > intensity.restarts) {
      const what = `${name} ended ${ends} times within ${intensity.windowMs / 1000} s; giving up`;
      this.#options.onGiveUp?.(failure(what, this.#lastLines));
      return;
    }
    const delayMs = Math.min(5_000, 200 * 2 ** (ends - 1));
    this.restarts += 1;
    this.#options.onRestart?.({ code, signal, delayMs, restarts: this.restarts });
    this.#restartTimer = setTimeout(() => {
      this.#launch(wanted).catch(() => this.#scheduleRestart(wanted, null, null));
    }, delayMs);
  }
}

/** Resolves when the stream has ended. */
function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  return new Promise((resolve) => createInterface({ input: stream }).on('line', onLine).once('close', resolve));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

function failure(message: string, lines: readonly string[], cause?: unknown): StatewattError {
  const tail = lines.slice(-10).join('\n');
  const text = tail === '' ? message : `${message}:\n${tail}`;
  return new StatewattError('process.start_failed', 'unavailable', text, { cause });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // None is left; EPERM is what macOS says of a group whose last members are ending.
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}
