import { readFile, stat } from 'node:fs/promises';
import { StatewattError } from '../../errors/error.js';
import { hold } from '../held.js';

/** A process that somebody else started. It is known by when it began too: its number may come to be another one's. */
export class ForeignProcess {
  readonly pid: number;
  readonly #began: string;

  private constructor(pid: number, began: string) {
    this.pid = pid;
    this.#began = began;
  }

  /**
   * Only one of the same user, and neither this one nor its parent. Linux only; see proc(5).
   *
   * @throws `chaos.not_permitted`
   */
  static async find(pid: number): Promise<ForeignProcess> {
    const refuse = (why: string): never => {
      throw new StatewattError('chaos.not_permitted', 'invalid', `process ${pid}: ${why}`);
    };
    if (process.platform !== 'linux') refuse('processes are named on Linux only');
    if (pid <= 1 || pid === process.pid || pid === process.ppid) refuse('it is this command, or what started it');
    const began = await beganAt(pid);
    if (began === undefined) return refuse('there is none');
    const { uid } = await stat(`/proc/${pid}`);
    if (uid !== process.getuid?.()) refuse(`it belongs to another user (${uid})`);
    return new ForeignProcess(pid, began);
  }

  /** SIGKILL. @throws `chaos.no_target` when it has ended */
  async kill(): Promise<void> {
    await this.#mustBeThere();
    process.kill(this.pid, 'SIGKILL');
  }

  /**
   * SIGSTOP. Whatever becomes of this process, the other one goes on: after `release`, or at its end.
   *
   * @throws `chaos.no_target` when it has ended
   */
  async pause(): Promise<{ readonly release: () => Promise<void> }> {
    await this.#mustBeThere();
    return hold(`pause of ${this.pid}`, 'kill -STOP "$1"', 'kill -CONT "$1"', [String(this.pid)]);
  }

  async #mustBeThere(): Promise<void> {
    if ((await beganAt(this.pid)) === this.#began) return;
    throw new StatewattError('chaos.no_target', 'not_found', `process ${this.pid} has ended`);
  }
}

/** Ticks since the machine began; undefined when there is no such process, or only what is left of one. */
async function beganAt(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? undefined : fields[19];
}
