import { StatewattError, errorMessage } from '../errors/error.js';

/** One thing that was started, and how it is stopped. */
interface Stage {
  readonly name: string;
  stop(): Promise<void> | void;
}

/** What a person sees of a start or a stop, step by step. */
export interface StageReport {
  readonly phase: 'started' | 'stopped' | 'failed';
  readonly name: string;
  /** Where it is, how large it is … */
  readonly detail: string;
  readonly ms: number;
}

/**
 * The parts of a node in the order in which they were started; they are stopped in the opposite order, each once, and
 * one that fails to stop does not keep the others from it.
 */
export class Stages {
  readonly #stages: Stage[] = [];
  readonly #report: (report: StageReport) => void;
  readonly #signal: AbortSignal | undefined;
  #stopping: Promise<void> | undefined;

  /** Once `signal` aborts, nothing more is started. */
  constructor(report: (report: StageReport) => void, signal?: AbortSignal) {
    this.#report = report;
    this.#signal = signal;
  }

  /**
   * Starts a part. `describe` says in words what there is now.
   * @throws `node.interrupted` after the signal; whatever `begin` throws
   */
  async start<T>(
    name: string,
    begin: () => Promise<T> | T,
    stop: (part: T) => Promise<void> | void,
    describe: (part: T) => string = () => '',
  ): Promise<T> {
    if (this.#signal?.aborted === true) {
      throw new StatewattError('node.interrupted', 'unavailable', `the start was interrupted before: ${name}`);
    }
    const begun = performance.now();
    const part = await begin();
    this.#stages.push({ name, stop: () => stop(part) });
    this.#report({ phase: 'started', name, detail: describe(part), ms: performance.now() - begun });
    return part;
  }

  /** Stops everything; a second call waits for the first. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    for (let stage = this.#stages.pop(); stage !== undefined; stage = this.#stages.pop()) {
      const begun = performance.now();
      let phase: StageReport['phase'] = 'stopped';
      let detail = '';
      try {
        await stage.stop();
      } catch (error) {
        phase = 'failed';
        detail = errorMessage(error);
      }
      this.#report({ phase, name: stage.name, detail, ms: performance.now() - begun });
    }
  }
}
