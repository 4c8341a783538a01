import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { StatewattError } from '../errors/error.js';

/** Runs a command that dies with us: its end, and the end of our pipe (however we end), end the command too. */
const WATCHDOG = `
exec 3<&0
"$@" 3<&- </dev/null &
child=$!
trap 'kill -TERM $child 2>/dev/null' TERM
( cat <&3 >/dev/null; kill -TERM $child 2>/dev/null ) &
wait $child; code=$?
while kill -0 $child 2>/dev/null; do wait $child; code=$?; done
exit $code
`;

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
  #stopping = false;
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

  /** @throws `process.start_failed` with the child's last lines. */
  async start(): Promise<void> {
    this.#stopping = false;
    const { name, command, args, env, cwd } = this.#options;
    const child = spawn('/bin/sh', ['-c', WATCHDOG, name, command, ...args], {
      env: { ...process.env, ...env },
      cwd,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#process = child;
    this.#lastLines = [];
    const waiting = new Set<{ pattern: RegExp; resolve: (match: RegExpMatchArray) => void }>();
    const onLine = (line: string) => {
      this.#lastLines.push(line);
      if (this.#lastLines.length > 200) this.#lastLines.shift();
      this.#options.onLine?.(line);
      for (const waiter of waiting) {
        const match = waiter.pattern.exec(line);
        if (match === null) continue;
        waiting.delete(waiter);
        waiter.resolve(match);
      }
    };
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', onLine);
    child.stdin.on('error', () => {
      // The watchdog ended first: nothing is left to hold.
    });

    let ready = false;
    const ended = new Promise<never>((_resolve, reject) => {
      this.#exited = new Promise((resolve) => {
        child.once('error', (cause) => {
          reject(this.#failure(`${name} could not be started: ${cause.message}`, cause));
          resolve();
        });
        child.once('exit', (code, signal) => {
          this.#process = undefined;
          reject(this.#failure(`${name} ended with ${signal ?? `code ${code}`}`));
          resolve();
          if (ready && !this.#stopping) this.#scheduleRestart(code, signal);
        });
      });
    });
    ended.catch(() => undefined); // Read by `ready` below; afterwards the restart deals with it.
    const running: RunningChild = {
      pid: child.pid ?? -1,
      ended,
      line: (pattern) => {
        const seen = this.#lastLines.map((line) => pattern.exec(line)).find((match) => match !== null);
        if (seen) return Promise.resolve(seen);
        return new Promise((resolve) => waiting.add({ pattern, resolve }));
      },
    };
    try {
      await Promise.race([this.#options.ready(running), ended]);
      ready = true;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** SIGTERM, then SIGKILL to its group after `graceMs`. Resolves when it is gone. */
  async stop(graceMs = 10_000): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restartTimer);
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

  #scheduleRestart(code: number | null, signal: string | null): void {
    const { intensity = { restarts: 10, windowMs: 60_000 }, name } = this.#options;
    const now = Date.now();
    this.#starts = [...this.#starts.filter((at) => now - at < intensity.windowMs), now];
    if (this.#starts.length > intensity.restarts) {
      this.#options.onGiveUp?.(
        this.#failure(`${name} ended ${this.#starts.length} times within ${intensity.windowMs / 1000} s; giving up`),
      );
      return;
    }
    const delayMs = Math.min(5_000, 200 * 2 ** (this.#starts.length - 1));
    this.restarts += 1;
    this.#options.onRestart?.({ code, signal, delayMs, restarts: this.restarts });
    this.#restartTimer = setTimeout(() => {
      this.start().catch(() => {
        if (!this.#stopping || this.#process === undefined) this.#scheduleRestart(null, null);
      });
    }, delayMs);
  }

  #failure(message: string, cause?: unknown): StatewattError {
    const tail = this.#lastLines.slice(-10).join('\n');
    return new StatewattError('process.start_failed', 'unavailable', tail === '' ? message : `${message}:\n${tail}`, {
      cause,
    });
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
