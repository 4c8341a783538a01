import { StatewattError, errorMessage, toStatewattError } from '../../errors/error.js';
import { childTraceparent } from '../../bus/headers.js';
import type { EffectRecord, EventBody } from '../../bus/messages.js';
import { formatRef, type Ref } from '../../bus/subjects.js';
import { liveTraceparent, spanning, traceparentOf } from '../../telemetry/spans.js';
import { notOwner, type ActorTenure } from './actor-tenure.js';
import type { Delivery } from './delivery.js';
import { journalEntry } from './entry.js';
import { isUsable, refuseGap, refuseNewer } from './evolution.js';
import { FencedError, type Journal } from './journal.js';
import { PENDING, type ErasedCommand, type Host, type Kind, type Resource } from './kind.js';
import { Mailbox } from './mailbox.js';
import { isReplay } from './replay-id.js';
import {
  answerLater,
  behindOthers,
  endedForGood,
  invalidCommand,
  notBegun,
  PoisonError,
  refusal,
  reservedEvent,
  stopped,
} from './refusals.js';
import type { RuntimeTimes } from './runtime-times.js';
import { appendSpan, effectSpan, processing } from './spans.js';
import { ActorState, stateName, type Step } from './state.js';
import { asControl, isReserved } from './supervision/control.js';
import { familyStep, controlTurn, isJournaled, startChildren, type ControlTurn } from './supervision/turn.js';
import { setsTimers } from './timers/records.js';
import { TimerOrders, type TimerCounters } from './timers/orders.js';
import type { TimerService } from './timers/scheduler.js';
import type { TurnedAway } from './turned-away.js';

export type { Delivery } from './delivery.js';

interface OwnEvent {
  /** The activation whose resource sent it; a later one does not want it. */
  readonly sender: Activation;
  readonly event: EventBody;
  /** Of the effect that sent it while it ran. */
  readonly traceparent: string | undefined;
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
  readonly timers: TimerService | undefined;
  readonly counters: TimerCounters;
  readonly node: string;
  readonly now: () => number;
  /** It ended by itself: a crash (to be restarted), or fenced (to be forgotten). */
  readonly onEnd: (end: { readonly error: StatewattError; readonly fenced: boolean }) => void;
  readonly mailbox: Mailbox<Letter>;
  /** Commands that will come again; none that was sent later goes before them. */
  readonly turnedAway: TurnedAway;
  readonly tenure: ActorTenure;
  /** It was given up before: its children are started again with it. */
  readonly revived?: boolean;
  /** Its parent has stopped it for good, or spawned it again: this activation is over. */
  readonly onFamily?: (then: 'end' | 'renew') => void;
  readonly times: RuntimeTimes;
}

const KEPT_TRANSITIONS = 50;
/** A command that nobody waits for is tried again after this long when the journal has no room. */
const RETRY_MS = 1_000;

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
  readonly #orders: TimerOrders;
  #state: ActorState | undefined;
  /** Number of the node's ownership under which it was brought to life. */
  #ownership = 0;
  #resource: Resource | undefined;
  #waiting: { delivery: Delivery; command: ErasedCommand }[] = [];
  /** Loaded and claimed: events may be taken. */
  #ready = false;
  #running = false;
  #effectsUnderWay = 0;
  #lastUsed = 0;
  /** Takes no more events: it is stopping, or it crashed. */
  #ended = false;
  #crashed = false;
  #started: Promise<void> = Promise.resolve();
  #drained: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(options: ActivationOptions) {
    this.#options = options;
    this.ref = options.ref;
    this.#orders = new TimerOrders(options.ref, options.timers, options.counters);
    this.activatedAt = options.now();
  }

  get state(): ActorState | undefined {
    return this.#state;
  }

  /** Since when it has had nothing to do (ms since the Unix epoch); undefined while it has. */
  get idleSince(): number | undefined {
    if (!this.#ready || this.#running || this.#ended || this.#effectsUnderWay > 0) return undefined;
    const now = this.#options.now();
    return this.#waiting.some(({ delivery }) => (delivery.deadline ?? Infinity) > now) ? undefined : this.#lastUsed;
  }

  /** It is of use: it is idle from now on at the earliest. */
  touch(): void {
    this.#lastUsed = this.#options.now();
  }

  /** What the live part shows of itself. */
  inspect(): unknown {
    return this.#resource?.inspect?.();
  }

  /** Waits for a predecessor's end, loads the actor, claims it if its kind is always on, and begins to take events. */
  start(predecessor: Promise<void> | undefined): Promise<void> {
    const started = this.#begin(predecessor);
    this.#started = started.catch(() => undefined); // For those who wait for its end; `started` itself is answered.
    return started;
  }

  async #begin(predecessor: Promise<void> | undefined): Promise<void> {
    await predecessor;
    const { kind, ref, journal } = this.#options;
    const ownership = await this.#claim();
    const loaded = await journal.load(ref, (snapshot) => isUsable(kind, snapshot));
    if (this.#ended) return;
    // Another node has been given the actor, and has begun: behind its entry ours would be taken, and both would act.
    if (loaded.ownership > ownership || (await this.#claim()) !== ownership) throw notOwner(ref);
    this.#ownership = ownership;
    refuseNewer(kind, ref, loaded);
    refuseGap(ref, loaded);
    this.#state = ActorState.restore(kind, ref.id, loaded.snapshot, loaded.entries);
    this.#state.unsaved = loaded.entries.length;
    if (this.#state.family.stopped) {
      // Nothing of it lives but the memory that it has ended.
      this.#ready = true;
      this.wake();
      return;
    }
    let effects: readonly EffectRecord[] = [];
    let traceparent: string | undefined;
    if (kind.policy.alwaysOn) {
      const at = this.#options.now();
      // Later than any before, and than those of a journal that was lost: readers outside may remember them.
      const event: EventBody = { type: 'activated', epoch: Math.max(this.#state.epoch + 1, at) };
      const step = familyStep(ref, this.#state.family, this.#state.step(kind, event, at));
      traceparent = await this.#commit(step, event, undefined, undefined);
      effects = step.effects;
    }
    await this.#startChildren(this.#state);
    if (this.#ended) return;
    this.#resource = kind.resource?.(this.#host(kind.policy.alwaysOn ? this.#state.epoch : this.#state.seq));
    this.#ready = true;
    this.touch();
    if (traceparent !== undefined) this.#runEffects(effects, this.#state.seq, traceparent);
    this.wake();
  }

  /** Takes what waits in the mailbox, if it is not at it already. */
  wake(): void {
    if (this.#running || this.#ended || !this.#ready) return;
    this.#running = true;
    this.#drained = this.#drain();
  }

  /**
   * Ends in order: the event under way is finished and its effects begun, the resource closed, a snapshot saved. What
   * waits stays in the mailbox.
   */
  async stop(): Promise<void> {
    this.#ended = true;
    await this.#drained;
    for (const { delivery } of this.#waiting.splice(0)) delivery.answer(refusal(stopped(this.ref)));
    await this.#close();
    // A snapshot is not fenced: one of a former owner would replace a newer one.
    const save = !this.#crashed && this.#options.tenure.has(this.ref, this.#ownership);
    if (save && this.#state !== undefined && this.#state.unsaved > 0) await this.#saveSnapshot(this.#state);
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
        this.#resumeTimers(letter);
        if (letter === undefined) return;
        if ('own' in letter) await this.#processOwn(letter.own);
        else await this.#processTimed(letter.delivery);
      }
    } catch (error) {
      this.crash(error);
    } finally {
      this.#running = false;
      this.touch();
    }
  }

  async #processTimed(delivery: Delivery): Promise<void> {
    const { node, times } = this.#options;
    const startedAt = performance.now();
    if (delivery.receivedAt !== undefined) times.mailbox.observe((startedAt - delivery.receivedAt) / 1_000);
    const { turnedAway } = this.#options;
    const { place = 0 } = delivery;
    if (turnedAway.before(place)) {
      this.#turnAway(delivery, behindOthers(this.ref));
      return;
    }
    turnedAway.remove(place); // A copy of it may have been turned away: this one is as good.
    await processing(delivery, this.ref, node, (traced) =>
      traced.timer === undefined ? this.#processDelivery(traced) : this.#processFiring(traced, traced.timer),
    );
    times.commands.since(startedAt);
  }

  /** Before anything else, for an earlier activation may have died before it got there. */
  #resumeTimers(first: Letter | undefined): void {
    const firing = first !== undefined && 'delivery' in first ? first.delivery.timer : undefined;
    this.#orders.resume(this.#current().timers, firing);
  }

  /** A firing always stands in the journal, also one that the machine makes nothing of: it ends its timer. */
  async #processFiring(delivery: Delivery, key: string): Promise<void> {
    const timer = this.#current().timers.get(key);
    if (timer === undefined || this.#current().family.stopped) {
      this.#settle(delivery); // Cancelled meanwhile, or a second firing.
      return;
    }
    try {
      const step = this.#step(timer.event, key);
      const traceparent = await this.#commit(step, timer.event, delivery, delivery.traceparent);
      this.#settle(delivery);
      this.#answerWaiting();
      if (traceparent !== undefined) this.#afterCommit(step, traceparent);
    } catch (error) {
      await this.#failed(error, timer.event, delivery);
    }
  }

  #settle(delivery: Delivery): void {
    this.#orders.afterwards(() => delivery.settle());
  }

  async #processOwn(own: OwnEvent): Promise<void> {
    if (own.sender !== this) {
      own.reject(stopped(this.ref));
      return;
    }
    try {
      const step = this.#step(own.event);
      if (step.changed) {
        const traceparent = await this.#commit(step, own.event, undefined, own.traceparent);
        this.#answerWaiting();
        if (traceparent !== undefined) this.#afterCommit(step, traceparent);
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
    const control = asControl(delivery.event);
    if (control !== undefined && isJournaled(control)) {
      await this.#processControl(delivery, () => {
        return controlTurn(kind, this.ref, state, control, now(), Math.random());
      });
      return;
    }
    if (state.family.stopped) {
      await this.#refuse(delivery, endedForGood(this.ref));
      return;
    }
    const command = kind.commands[delivery.event.type];
    if (command === undefined || !command.validate(delivery.event)) {
      await this.#refuse(delivery, invalidCommand(kind, delivery.event, command));
      return;
    }
    if (state.knows(delivery.commandId)) {
      this.#settle(delivery);
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
      if (setsTimers(step) && !(await this.#queued(delivery))) return;
      const traceparent = step.changed
        ? await this.#commit(step, delivery.event, delivery, delivery.traceparent)
        : undefined;
      this.#settle(delivery);
      if (traceparent !== undefined) this.#answerWaiting();
      this.#answer(delivery, command, step.changed);
      if (traceparent !== undefined) this.#afterCommit(step, traceparent);
    } catch (error) {
      await this.#failed(error, delivery.event, delivery);
    }
  }

  /**
   * Timers are ordered after the commit; should the node go in between, the command has to come again, and with it the
   * actor that orders them. False: it cannot be queued, and was refused.
   */
  async #queued(delivery: Delivery): Promise<boolean> {
    try {
      await delivery.queue?.();
      return true;
    } catch (error) {
      delivery.answer(refusal(toStatewattError(error)));
      delivery.settle();
      return false;
    }
  }

  /** A word of a parent, or of a child. */
  async #processControl(delivery: Delivery, take: () => ControlTurn | undefined): Promise<void> {
    const known = this.#current().knows(delivery.commandId);
    try {
      const turn = known ? undefined : take();
      const traceparent = turn && (await this.#commit(turn.step, turn.event, delivery, delivery.traceparent));
      this.#settle(delivery);
      if (traceparent !== undefined) this.#answerWaiting();
      delivery.answer({ ok: true, reply: null });
      if (turn === undefined || traceparent === undefined) return;
      this.#afterCommit(turn.step, traceparent);
      if (typeof turn.then === 'object') this.crash(turn.then.crash);
      else if (turn.then !== undefined) {
        this.#ended = true; // What waits is for the activation after this one.
        this.#options.onFamily?.(turn.then);
      }
    } catch (error) {
      if (error instanceof StatewattError && error.code.startsWith('supervision.')) await this.#refuse(delivery, error);
      else await this.#failed(error, delivery.event, delivery);
    }
  }

  /** Those that were halted with it, or because of it. */
  async #startChildren(state: ActorState): Promise<void> {
    const { children, gaveUp } = state.family;
    if (this.#ended || children.length === 0 || !(gaveUp || this.#options.revived === true)) return;
    const { step, event } = startChildren(state, this.#options.now());
    await this.#commit(step, event, undefined, undefined);
  }

  #step(event: EventBody, fired?: string): Step {
    const state = this.#current();
    try {
      return familyStep(this.ref, state.family, state.step(this.#options.kind, event, this.#options.now(), fired));
    } catch (cause) {
      throw new PoisonError(this.ref, event, cause);
    }
  }

  /** Durable first, current after. Gives the entry's traceparent; undefined when the command stood in the journal already. */
  async #commit(
    step: Step,
    event: EventBody,
    delivery: Delivery | undefined,
    parent: string | undefined,
  ): Promise<string | undefined> {
    const { journal, kind, node, tenure, times } = this.#options;
    while (!tenure.has(this.ref, this.#ownership)) await this.#mayAct(); // Others that waited may have taken long meanwhile.
    const state = this.#current();
    const span = appendSpan(this.ref, event, parent);
    const traceparent = traceparentOf(span) ?? childTraceparent(parent);
    const { entry, entryId } = journalEntry({
      kind,
      node,
      ref: this.ref,
      ownership: this.#ownership,
      previous: state.seq,
      step,
      event,
      delivery,
      traceparent,
    });
    const from = stateName(state.snapshot);
    const startedAt = performance.now();
    const appended = await spanning(span, () => journal.append(this.ref, entry, state.seq, entryId));
    times.appends.since(startedAt);
    // It was applied in an earlier life, longer ago than the actor remembers ids.
    if (appended.duplicate) return undefined;
    state.accept(step, appended.seq, entry.commandId, event);
    this.#orders.carryOut(state.timers.apply({ seq: appended.seq, ...entry }), entry.timer !== undefined);
    this.transitions.push({ at: entry.at, event: event.type, from, to: stateName(step.snapshot), seq: appended.seq });
    if (this.transitions.length > KEPT_TRANSITIONS) this.transitions.shift();
    return traceparent;
  }

  /** Waits until it is known that this node still has the actor. @throws `actors.not_owner` */
  async #mayAct(): Promise<void> {
    if (!(await this.#options.tenure.whenKnown(this.ref, this.#ownership))) throw notOwner(this.ref);
  }

  /** Waits until it is known that the actor is to live here. @throws `actors.not_owner` */
  async #claim(): Promise<number> {
    const ownership = await this.#options.tenure.claim(this.ref);
    if (ownership === undefined) throw notOwner(this.ref);
    return ownership;
  }

  #answerWaiting(): void {
    for (const { delivery, command } of this.#waiting.splice(0)) this.#answer(delivery, command, true);
  }

  #afterCommit(step: Step, traceparent: string): void {
    const state = this.#current();
    this.#runEffects(step.effects, state.seq, traceparent);
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
      this.#await(delivery, command);
    } else {
      delivery.answer({ ok: true, reply: reply ?? null });
    }
  }

  /** Keeps a command until a later event brings its answer. Bounded like the mailbox. */
  #await(delivery: Delivery, command: ErasedCommand): void {
    const { kind, now } = this.#options;
    if (!delivery.awaited) return;
    this.#waiting = this.#waiting.filter((each) => (each.delivery.deadline ?? Infinity) > now());
    if (this.#waiting.length < kind.policy.mailboxCapacity) this.#waiting.push({ delivery, command });
    else delivery.answer(refusal(answerLater(this.ref, this.#waiting.length)));
  }

  #runEffects(effects: readonly EffectRecord[], seq: number, entry: string): void {
    const { kind, node, tenure, times } = this.#options;
    if (this.#crashed) return;
    effects.forEach((effect, index) => {
      if (effect.durable) return; // The outbox runs it.
      const run = kind.effects[effect.type];
      if (run === undefined) return; // An entry of an older machine; defineKind has checked the present one.
      const key = `${formatRef(this.ref)}#${seq}.${index}`;
      const attempt = async (): Promise<void> => {
        while (!tenure.has(this.ref, this.#ownership)) await this.#mayAct();
        if (this.#crashed) return;
        const { ref } = this;
        const startedAt = performance.now();
        const span = effectSpan({ ref, type: effect.type, key, node }, entry);
        const traceparent = traceparentOf(span) ?? entry;
        await spanning(span, () =>
          run({ params: effect.params, resource: this.#resource as Resource, ref, key, traceparent }),
        );
        times.effects.since(startedAt);
      };
      this.#effectsUnderWay += 1;
      attempt()
        .catch((error: unknown) => this.crash(error))
        .finally(() => {
          this.#effectsUnderWay -= 1;
        });
    });
  }

  /** What to do about an event that could not be processed. */
  async #failed(error: unknown, event: EventBody, delivery: Delivery | undefined): Promise<void> {
    try {
      if (error instanceof PoisonError) {
        await this.#park(error, event, delivery);
        delivery?.answer(refusal(error));
        delivery?.settle();
        return;
      }
      if (error instanceof StatewattError && error.code === 'journal.too_big') {
        // Who sent an event of the actor's own hears of it.
        if (delivery?.awaited === false) await this.#park(error, event, delivery);
        delivery?.answer(refusal(error));
        delivery?.settle();
        return;
      }
      if (error instanceof StatewattError && error.code === 'journal.refused') {
        if (delivery !== undefined) this.#turnAway(delivery, error);
        return;
      }
    } catch (parking) {
      // Not in the dead letters either: it comes again to the next activation.
      error = parking;
    }
    if (delivery !== undefined) this.#options.mailbox.putBack({ delivery });
    this.#end(toStatewattError(error, 'actors.crashed'), error instanceof FencedError);
  }

  /** Refuses a command for now; one that nobody waits for comes again, and what was sent to the actor after it waits. */
  #turnAway(delivery: Delivery, error: StatewattError): void {
    const { place = 0 } = delivery;
    if (delivery.awaited) {
      delivery.answer(refusal(error));
      delivery.settle();
      return;
    }
    if (place > 0) this.#options.turnedAway.add(place);
    delivery.release(RETRY_MS);
  }

  /** Answers that a command is wrong; one that nobody waits for is parked, so that somebody can hear of it. */
  async #refuse(delivery: Delivery, error: StatewattError): Promise<void> {
    try {
      if (!delivery.awaited) await this.#park(error, delivery.event, delivery);
    } catch (parking) {
      delivery.release();
      throw parking;
    }
    delivery.answer(refusal(error));
    delivery.settle();
  }

  async #park(error: StatewattError, event: EventBody, delivery: Delivery | undefined): Promise<void> {
    if (delivery?.awaited === true && isReplay(delivery.commandId)) return; // Its letter is still there.
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
    if (this.#crashed) return;
    const stopping = this.#ended;
    this.#ended = true;
    this.#crashed = true;
    if (stopping) return;
    for (const { delivery } of this.#waiting.splice(0)) delivery.answer(refusal(error));
    // The successor must not load the journal while an append of ours is still under way.
    void Promise.all([this.#close(), this.#started, this.#drained]).then(() => {
      this.#options.onEnd({ error, fenced });
    });
  }

  /** Closes the live part, once. A failure to close is told and holds nothing up. */
  #close(): Promise<void> {
    const closing = async (): Promise<void> => this.#resource?.close();
    this.#closing ??= closing().catch((error: unknown) => {
      process.emitWarning(`${formatRef(this.ref)}: its live part could not be closed: ${errorMessage(error)}`);
    });
    return this.#closing;
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
          if (isReserved(event.type)) {
            reject(reservedEvent(this.ref, event.type));
            return;
          }
          // The machine sees now what a replay of the journal will show it: JSON.
          const journaled = JSON.parse(JSON.stringify(event)) as EventBody;
          const traceparent = liveTraceparent();
          this.#options.mailbox.push({ own: { sender: this, event: journaled, traceparent, resolve, reject } });
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
