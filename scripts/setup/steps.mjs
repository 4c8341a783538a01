import { performance } from 'node:perf_hooks';
import { SetupError } from './command.mjs';

/**
 * What a step reports when it is done: a few words, and the disk space that it took.
 *
 * @typedef {{ note: string, megabytes?: number }} StepResult
 */

const NAME_WIDTH = 14;
const NOTE_WIDTH = 52;

/**
 * Prints one aligned line per step: a tick, what was found or done, and what it cost.
 * A step that takes long shows on a terminal that it is under way.
 */
export class Steps {
  /** @param {{ write(text: string): unknown, isTTY?: boolean }} out */
  constructor(out) {
    this.out = out;
  }

  /**
   * @param {string} name
   * @param {() => Promise<StepResult> | StepResult} work
   * @returns {Promise<void>}
   */
  async step(name, work) {
    const started = performance.now();
    const label = name.padEnd(NAME_WIDTH);
    if (this.out.isTTY) this.out.write(`  … ${label}`);
    const clear = this.out.isTTY ? '\r\u001b[2K' : '';
    try {
      const { note, megabytes } = await work();
      const cost = [seconds(performance.now() - started), ...(megabytes ? [`${Math.ceil(megabytes)} MB`] : [])];
      this.out.write(`${clear}  ✓ ${label}${note.padEnd(NOTE_WIDTH)} ${cost.join('  ')}\n`);
    } catch (error) {
      this.out.write(`${clear}  ✗ ${label}${seconds(performance.now() - started)}\n`);
      throw error;
    }
  }
}

/**
 * Prints why the setup stopped: the whole kept log of the tool that failed, then what is wrong and what to do.
 *
 * @param {unknown} error
 * @param {{ write(text: string): unknown }} err
 */
export function printFailure(error, err) {
  if (error instanceof SetupError) {
    if (error.log.trim() !== '') err.write(`\n${error.log.trimEnd()}\n`);
    err.write(`\n${error.message}\n`);
  } else {
    err.write(`\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  }
}

/** @param {number} ms */
function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`.padStart(7);
}
