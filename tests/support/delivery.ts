import type { Delivery } from '../../actors/runtime/activation.js';
import type { AnswerBody, EventBody } from '../../bus/messages.js';

/** A command as the queue would hand it over, which remembers what became of it. */
export class TestDelivery implements Delivery {
  readonly answers: AnswerBody[] = [];
  readonly traceparent = undefined;
  readonly correlationId = undefined;
  readonly awaited: boolean;
  readonly commandId: string;
  readonly deadline: number | undefined;
  readonly place?: number;
  settled = 0;
  released = 0;
  readonly #log: string[] | undefined;
  #answered: (() => void)[] = [];
  static #next = 0;

  constructor(
    readonly event: EventBody,
    options: { commandId?: string; deadline?: number; log?: string[]; told?: boolean; place?: number } = {},
  ) {
    this.commandId = options.commandId ?? `command-${TestDelivery.#next++}`;
    this.deadline = options.deadline;
    this.awaited = options.told !== true;
    if (options.place !== undefined) this.place = options.place;
    this.#log = options.log;
  }

  answer(body: AnswerBody): void {
    this.answers.push(body);
    this.#log?.push('answer');
    for (const resolve of this.#answered.splice(0)) resolve();
  }

  settle(): void {
    this.settled += 1;
    this.#log?.push('settle');
    for (const resolve of this.#answered.splice(0)) resolve();
  }

  release(): void {
    this.released += 1;
    this.#log?.push('release');
    for (const resolve of this.#answered.splice(0)) resolve();
  }

  /** Resolves when it was answered, settled or released, or had been already. */
  async done(): Promise<this> {
    if (this.answers.length + this.settled + this.released === 0) {
      await new Promise<void>((resolve) => this.#answered.push(resolve));
    }
    // Answer and settlement come in one turn of the loop, in either order.
    await new Promise((resolve) => setImmediate(resolve));
    return this;
  }

  /** The value of its one answer. Throws when it was refused or not answered exactly once. */
  get reply(): unknown {
    const [answer] = this.answers;
    if (this.answers.length !== 1 || answer?.ok !== true) throw new Error(JSON.stringify(this.answers));
    return answer.reply;
  }

  /** Codes of its refusals. */
  get refusals(): string[] {
    return this.answers.flatMap((answer) => (answer.ok ? [] : [answer.error.code]));
  }
}
