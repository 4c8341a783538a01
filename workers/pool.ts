import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { TransferListItem } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { StatewattError, errorMessage } from '../errors/error.js';

export interface WorkerPoolOptions {
  /** Default: one for each core. */
  threads?: number;
  /** Jobs that may be waiting or running at once; more are refused. Default 256. */
  maxJobs?: number;
  /** The file of the tasks. Default: this folder's. */
  tasksFile?: string;
  /** Given to each worker as `workerData`. May hold keys; it is neither logged nor shown. */
  workerData?: unknown;
}

/** One call of a task. */
export interface Job {
  /** A function of the tasks' file. */
  readonly task: string;
  /**
   * Its argument, and what of that moves to the worker instead of being copied. Called again when the job is done again,
   * because what has moved is gone.
   */
  readonly prepare: () => { argument: unknown; transfer: readonly TransferListItem[] };
}

/** Milliseconds. */
export interface Durations {
  mean: number;
  p50: number;
  p99: number;
  max: number;
}

export interface WorkerPoolMetrics {
  threads: number;
  /** Jobs that wait for a thread. */
  waiting: number;
  running: number;
  /** Since the start. */
  completed: number;
  /** Jobs that were done a second time because their worker had died. */
  redone: number;
  failed: number;
  /** Jobs that were refused because too many were there. */
  refused: number;
  /** Share of the threads' time since the start that they worked, 0 … 1. */
  utilization: number;
  runTimeMs: Durations;
  waitTimeMs: Durations;
}

/** What a caller waits at least before it tries again. */
const MIN_RETRY_MS = 20;

/**
 * Threads for work that would hold the event loop up. The number of jobs is bounded: beyond it a caller is told to come back
 * later, and when. A job whose worker dies is done once more, then fails.
 */
export class WorkerPool {
  readonly #options: Required<Omit<WorkerPoolOptions, 'workerData'>> & { workerData: unknown };
  #piscina: Piscina<unknown, unknown>;
  #jobs = 0;
  #completed = 0;
  #redone = 0;
  #failed = 0;
  #refused = 0;
  #closing: Promise<void> | undefined;
  #idle: (() => void) | undefined;

  constructor({
    threads = availableParallelism(),
    maxJobs = 256,
    tasksFile = fileURLToPath(new URL('./tasks.js', import.meta.url)),
    workerData,
  }: WorkerPoolOptions = {}) {
    this.#options = { threads, maxJobs, tasksFile, workerData };
    this.#piscina = this.#start();
  }

  get threads(): number {
    return this.#options.threads;
  }

  /** How many more jobs would be taken now. */
  get room(): number {
    return this.#options.maxJobs - this.#jobs;
  }

  /**
   * Does the jobs, as many at once as there are threads; all of them are taken, or none. The caller knows what its tasks
   * answer (`R`).
   *
   * @throws `workers.busy` with `retryAfterMs`; `workers.stopped`; `workers.job_failed` when a job has failed twice
   */
  run<R>(jobs: readonly Job[]): Promise<R[]> {
    if (this.#closing !== undefined) {
      return Promise.reject(
        new StatewattError('workers.stopped', 'unavailable', 'the worker threads are being stopped'),
      );
    }
    if (jobs.length > this.#options.maxJobs) return Promise.reject(this.#tooMany(jobs.length));
    if (jobs.length > this.room) {
      this.#refused += jobs.length;
      return Promise.reject(this.#busy());
    }
    this.#jobs += jobs.length;
    return Promise.all(jobs.map((job) => this.#do(job) as Promise<R>));
  }

  metrics(): WorkerPoolMetrics {
    const piscina = this.#piscina;
    return {
      threads: piscina.threads.length,
      waiting: piscina.queueSize,
      running: this.#jobs - piscina.queueSize,
      completed: this.#completed,
      redone: this.#redone,
      failed: this.#failed,
      refused: this.#refused,
      utilization: Number.isFinite(piscina.utilization) ? piscina.utilization : 0,
      runTimeMs: durations(piscina.histogram.runTime),
      waitTimeMs: durations(piscina.histogram.waitTime),
    };
  }

  /**
   * Ends one of the threads, as a fault would: the job that it does is done again, and another thread takes its place.
   *
   * @returns the thread's number; null: none is running
   */
  async kill(): Promise<number | null> {
    const { threads } = this.#piscina;
    const thread = threads[Math.floor(Math.random() * threads.length)];
    if (thread === undefined) return null;
    const { threadId } = thread;
    await thread.terminate();
    return threadId;
  }

  /** Takes no more jobs, does those that it has, and ends the threads. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      if (this.#jobs > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
      await this.#piscina.destroy();
    })();
    return this.#closing;
  }

  async #do(job: Job): Promise<unknown> {
    try {
      return await this.#attempt(job).catch((error: unknown) => {
        this.#redone += 1;
        return this.#attempt(job, error);
      });
    } catch (error) {
      this.#failed += 1;
      throw new StatewattError(
        'workers.job_failed',
        'internal',
        `${job.task} was begun twice and not done: ${errorMessage(error)}`,
        { cause: error },
      );
    } finally {
      this.#jobs -= 1;
      this.#completed += 1;
      if (this.#jobs === 0) this.#idle?.();
    }
  }

  #attempt(job: Job, former?: unknown): Promise<unknown> {
    if (former !== undefined) this.#replaceDeadPool();
    const { argument, transfer } = job.prepare();
    return this.#piscina.run(argument, { name: job.task, transferList: [...transfer] as never });
  }

  #start(): Piscina<unknown, unknown> {
    const { threads, tasksFile, workerData } = this.#options;
    const piscina = new Piscina<unknown, unknown>({
      filename: tasksFile,
      minThreads: threads,
      maxThreads: threads,
      maxQueue: Infinity, // bounded by us, for all jobs of a call at once
      workerData,
    });
    piscina.on('error', () => {
      // A worker died without a job: it has been replaced, and nobody waits for it.
    });
    return piscina;
  }

  /** Piscina does not replace workers any more after one has died before it was ready. */
  #replaceDeadPool(): void {
    if (this.#piscina.threads.length >= this.#options.threads) return;
    const dead = this.#piscina;
    this.#piscina = this.#start();
    void dead.destroy();
  }

  #busy(): StatewattError {
    const wait = (durations(this.#piscina.histogram.runTime).mean * this.#jobs) / this.#options.threads;
    return new StatewattError(
      'workers.busy',
      'busy',
      `${this.#jobs} jobs are waiting or running, of at most ${this.#options.maxJobs}`,
      { retryAfterMs: Math.max(MIN_RETRY_MS, Math.ceil(wait)) },
    );
  }

  #tooMany(jobs: number): StatewattError {
    return new StatewattError(
      'workers.too_many_jobs',
      'invalid',
      `${jobs} jobs at once; at most ${this.#options.maxJobs} can be taken at all`,
    );
  }
}

function durations({ average, p50, p99, max }: { average: number; p50: number; p99: number; max: number }): Durations {
  return { mean: Number.isFinite(average) ? average : 0, p50, p99, max };
}
