import { randomUUID } from 'node:crypto';
import { StatewattError, errorMessage, toStatewattError } from '../../errors/error.js';
import { childTraceparent } from '../../bus/headers.js';
import type { AnswerBody, EffectRecord, EventBody, JournalEntry } from '../../bus/messages.js';
import { formatRef, type Ref } from '../../bus/subjects.js';
import { FencedError, type Journal } from './journal.js';
import { PENDING, type ErasedCommand, type Host, type Kind, type Resource } from './kind.js';
import { Mailbox } from './mailbox.js';
import { ActorState, stateName, takeStep, type Step } from './state.js';

/** A command on its way through an actor. */
export interface Delivery {
  readonly event: EventBody;
  readonly commandId: string;
  readonly traceparent: string | undefined;
  readonly correlationId: string | undefined;
  /** Ms since the Unix epoch; not begun after it. */
  readonly deadline: number | undefined;
  /** Sends the answer to the caller, if one waits. */
  answer(body: AnswerBody): void;
  /** The command needs no redelivery: accepted, refused or parked. */
  settle(): void;
  /** It was not processed; deliver it again (to a newer activation). */
  release(): void;
}

interface OwnEvent {
  /** The activation whose resource sent it; a later one does not want it. */
  readonly sender: Activation;
  readonly event: EventBody;
  resolve(): void;
  reject(error: unknown): void;
}

type Letter = { readonly delivery: Delivery } | { readonly own: OwnEvent };

/** One transition, for people who look inside. */
export interface TransitionRecord {
  readonly at: number;
  readonly event: string;
  readonly from: string;
  readonly to: string;
  readonly seq: number;
}

export interface ActivationOptions {
  readonly kind: Kind;
  readonly ref: Ref;
  readonly journal: Journal;
  readonly node: string;
  readonly now: () => number;
  /** It ended by itself: a crash (to be restarted), or fenced (to be forgotten). */
  readonly onEnd: (end: { readonly error: StatewattError; readonly fenced: boolean }) => void;
  readonly mailbox: Mailbox<Letter>;
}

const KEPT_TRANSITIONS = 50;

/** The mailbox of a kind's actors; it outlives a crash of the activation. */
export function createMailbox(kind: Kind): Mailbox<Letter> {
  return new Mailbox<Letter>(kind.policy.mailboxCapacity);
}

/**
 * An actor living on this node: takes one event at a time from its mailbox, runs it through the machine, journals what
 * it accepted, and only then makes the new state current, answers, and runs the effects.
 */
export class Activation {
  readonly ref: Ref;
  readonly activatedAt: number;
  readonly transitions: TransitionRecord[] = [];
  readonly #options: ActivationOptions;
  #state: ActorState | undefined;
  #resource: Resource | undefined;
  #waiting: { delivery: Delivery; command: ErasedCommand }[] = [];
  #running = false;
  #ended = false;
  #drained: Promise<void> = Promise.resolve();

  constructor(options: ActivationOptions) {
    this.#options = options;
    this.ref = options.ref;
    this.activatedAt = options.now();
  }

  get state(): ActorState | undefined {
    return this.#state;
  }

  /** What the live part shows of itself. */
  inspect(): unknown {
    return this.#resource?.inspect?.();
  }

  /** Loads the actor, claims it if its kind is always on, and begins to take events. */
  async start(): Promise<void> {
    const { kind, ref, journal } = this.#options;
    const { snapshot, entries } = await journal.load(ref);
    this.#state = ActorState.restore(kind, ref.id, snapshot, entries);
    this.#state.unsaved = entries.length;
    let effects: readonly EffectRecord[] = [];
    if (kind.policy.alwaysOn) {
      const event: EventBody = { type: 'activated' };
      const step = takeStep(kind, this.#state.snapshot, event, this.#options.now());
      await this.#commit(step, event, undefined);
      effects = step.effects;
    }
    if (this.#ended) return;
    this.#resource = kind.resource?.(this.#host(this.#state.seq));
    this.#runEffects(effects, this.#state.seq);
    this.wake();
  }

  /** Takes what waits in the mailbox, if it is not at it already. */
  wake(): void {
    if (this.#running || this.#ended || this.#state === undefined) return;
    this.#running = true;
    this.#drained = this.#drain();
  }

  /** Ends in order: the event under way is finished, a snapshot saved, the resource closed. What waits stays in the mailbox. */
  async stop(): Promise<void> {
    this.#ended = true;
    await this.#drained;
    for (const { delivery } of this.#waiting.splice(0)) delivery.answer(refusal(stopped(this.ref)));
    await this.#resource?.close();
    if (this.#state !== undefined && this.#state.unsaved > 0) await this.#saveSnapshot(this.#state);
  }

  /** Ends as a fault would end it. */
  crash(thrown: unknown): void {
    this.#end(toStatewattError(thrown, 'actors.crashed'), false);
  }

  async #drain(): Promise<void> {
    const { mailbox } = this.#options;
    try {
      for (;;) {
        if (this.#ended) return;
        const letter = mailbox.take();
        if (letter === undefined) return;
        if ('own' in letter) await this.#processOwn(letter.own);
        else await this.#processDelivery(letter.delivery);
      }
    } finally {
      this.#running = false;
    }
  }

  async #processOwn(own: OwnEvent): Promise<void> {
    if (own.sender !== this) {
      own.reject(stopped(this.ref));
      return;
    }
    try {
      const step = this.#step(own.event);
      if (step.changed) {
        await this.#commit(step, own.event, undefined);
        this.#afterCommit(step);
      }
      own.resolve();
    } catch (error) {
      own.reject(error);
      await this.#failed(error, own.event, undefined);
    }
  }

  async #processDelivery(delivery: Delivery): Promise<void> {
    const { kind, now } = this.#options;
    const state = this.#current();
    const command = kind.commands[delivery.event.type];
    if (command === undefined || !command.validate(delivery.event)) {
      delivery.answer(refusal(invalidCommand(kind, delivery.event, command)));
      delivery.settle();
      return;
    }
    if (state.knows(delivery.commandId)) {
      delivery.settle();
      this.#answer(delivery, command, true);
      return;
    }
    if (delivery.deadline !== undefined && now() > delivery.deadline) {
      delivery.answer(refusal(notBegun(this.ref)));
      delivery.settle();
      return;
    }
    try {
      const step = this.#step(delivery.event);
      const applied = step.changed && (await this.#commit(step, delivery.event, delivery));
      delivery.settle();
      this.#answer(delivery, command, step.changed);
      if (applied) this.#afterCommit(step);
    } catch (error) {
      await this.#failed(error, delivery.event, delivery);
    }
  }

  #step(event: EventBody): Step {
    const before = this.#current().snapshot;
    try {
      return takeStep(this.#options.kind, before, event, this.#options.now());
    } catch (cause) {
      throw new PoisonError(this.ref, event, cause);
    }
  }

  /** Durable first, current after. False when the command stood in the journal already. */
  async #commit(step: Step, event: EventBody, delivery: Delivery | undefined): Promise<boolean> {
    const { journal, kind, node } = this.#options;
    const state = this.#current();
    const { at } = step;
    const entry: JournalEntry = {
      event,
      effects: step.effects,
      at,
      machine: kind.version,
      traceparent: childTraceparent(delivery?.traceparent),
      node,
      ...(delivery === undefined ? {} : { commandId: delivery.commandId }),
      ...(delivery?.correlationId === undefined ? {} : { correlationId: delivery.correlationId }),
    };
    const from = stateName(state.snapshot);
    const entryId = `${formatRef(this.ref)}:${delivery?.commandId ?? randomUUID()}`;
    const appended = await journal.append(this.ref, entry, state.seq, entryId);
    // It stands before our state: it was applied in an earlier life, longer ago than the actor remembers ids.
    if (appended.duplicate && appended.seq <= state.seq) return false;
    state.accept(step, appended.seq, delivery?.commandId);
    this.transitions.push({ at, event: event.type, from, to: stateName(step.snapshot), seq: appended.seq });
    if (this.transitions.length > KEPT_TRANSITIONS) this.transitions.shift();
    return true;
  }

  #afterCommit(step: Step): void {
    const state = this.#current();
    for (const waiting of this.#waiting.splice(0)) this.#answer(waiting.delivery, waiting.command, true);
    this.#runEffects(step.effects, state.seq);
    if (state.unsaved >= this.#options.kind.policy.snapshotEvery) {
      this.#saveSnapshot(state).catch((error: unknown) => this.crash(error));
    }
  }

  #answer(delivery: Delivery, command: ErasedCommand, changed: boolean): void {
    const { snapshot } = this.#current();
    let reply: unknown;
    try {
      reply = command.reply({ command: delivery.event, commandId: delivery.commandId, snapshot, changed });
    } catch (error) {
      delivery.answer(refusal(toStatewattError(error)));
      return;
    }
    if (reply === PENDING) {
      const { now } = this.#options;
      this.#waiting = this.#waiting.filter((each) => (each.delivery.deadline ?? Infinity) > now());
      this.#waiting.push({ delivery, command });
    } else {
      delivery.answer({ ok: true, reply: reply ?? null });
    }
  }

  #runEffects(effects: readonly EffectRecord[], seq: number): void {
    const { kind } = this.#options;
    if (this.#ended) return;
    effects.forEach((effect, index) => {
      const run = kind.effects[effect.type];
      if (run === undefined) return; // An entry of an older machine; defineKind has checked the present one.
      const key = `${formatRef(this.ref)}#${seq}.${index}`;
      const attempt = async (): Promise<void> =>
        run({ params: effect.params, resource: this.#resource as Resource, ref: this.ref, key });
      attempt().catch((error: unknown) => this.crash(error));
    });
  }

  async #failed(error: unknown, event: EventBody, delivery: Delivery | undefined): Promise<void> {
    if (error instanceof PoisonError) {
      await this.#park(error, event, delivery);
      delivery?.answer(refusal(error));
      delivery?.settle();
      return;
    }
    if (error instanceof StatewattError && error.code === 'journal.refused') {
      delivery?.answer(refusal(error));
      delivery?.settle();
      return;
    }
    delivery?.release();
    this.#end(toStatewattError(error, 'actors.crashed'), error instanceof FencedError);
  }

  async #park(error: PoisonError, event: EventBody, delivery: Delivery | undefined): Promise<void> {
    const { journal, kind, node, now } = this.#options;
    const state = this.#current();
    await journal.park(this.ref, {
      ref: formatRef(this.ref),
      event,
      error: error.toJSON(),
      state: kind.machine.getPersistedSnapshot(state.snapshot),
      seq: state.seq,
      at: now(),
      node,
      ...(delivery === undefined ? {} : { commandId: delivery.commandId }),
      ...(delivery?.traceparent === undefined ? {} : { traceparent: delivery.traceparent }),
    });
  }

  #end(error: StatewattError, fenced: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const { delivery } of this.#waiting.splice(0)) delivery.answer(refusal(error));
    const closing = this.#resource?.close() ?? Promise.resolve();
    // The successor must not load the journal while an append of ours is still under way.
    void Promise.allSettled([closing, this.#drained]).then(([closed]) => {
      if (closed.status === 'rejected') {
        process.emitWarning(`${formatRef(this.ref)}: closing after a fault failed: ${errorMessage(closed.reason)}`);
      }
      this.#options.onEnd({ error, fenced });
    });
  }

  async #saveSnapshot(state: ActorState): Promise<void> {
    const { journal, kind, now } = this.#options;
    const unsaved = state.unsaved;
    state.unsaved = 0;
    try {
      await journal.saveSnapshot(this.ref, state.toSnapshot(kind, now()));
    } catch (error) {
      // Only speed of recovery is lost: the journal has it all. The next entry tries again.
      state.unsaved += unsaved;
      process.emitWarning(`${formatRef(this.ref)}: its snapshot could not be saved: ${errorMessage(error)}`);
    }
  }

  #host(epoch: number): Host<{ type: string }> {
    return {
      ref: this.ref,
      epoch,
      send: (event) =>
        new Promise((resolve, reject) => {
          if (this.#ended) {
            reject(stopped(this.ref));
            return;
          }
          this.#options.mailbox.push({ own: { sender: this, event: event, resolve, reject } });
          this.wake();
        }),
      fail: (error) => this.crash(error),
    };
  }

  #current(): ActorState {
    if (this.#state === undefined) throw stopped(this.ref);
    return this.#state;
  }
}

/** An event that makes the machine throw. It is parked, and the actor goes on without it. */
class PoisonError extends StatewattError {
  constructor(ref: Ref, event: EventBody, cause: unknown) {
    super('actors.poison', 'invalid', `${formatRef(ref)} cannot process "${event.type}": ${errorMessage(cause)}`, {
      cause,
    });
  }
}

function refusal(error: StatewattError): AnswerBody {
  return { ok: false, error: error.toJSON() };
}

function stopped(ref: Ref): StatewattError {
  return new StatewattError('actors.stopped', 'unavailable', `${formatRef(ref)} is stopping here; ask again`, {
    retryAfterMs: 500,
  });
}

function notBegun(ref: Ref): StatewattError {
  return new StatewattError(
    'actors.deadline',
    'timeout',
    `${formatRef(ref)} did not get to the command before its deadline; it was not done`,
  );
}

function invalidCommand(kind: Kind, event: EventBody, command: ErasedCommand | undefined): StatewattError {
  if (command === undefined) {
    const known = Object.keys(kind.commands).join(', ');
    return new StatewattError(
      'actors.unknown_command',
      'invalid',
      `kind "${kind.kind}" has no command "${event.type}"; it has: ${known}`,
    );
  }
  const problems = (command.validate.errors ?? []).map(
    (error) => `${error.instancePath || 'the command'} ${error.message ?? 'is wrong'}`,
  );
  return new StatewattError(
    'actors.invalid_command',
    'invalid',
    `"${event.type}" of kind "${kind.kind}": ${problems.join('; ')}`,
  );
}
