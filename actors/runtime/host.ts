import { StatewattError } from '../../errors/error.js';
import type { DeadLetter, EventBody, FamilyRecord } from '../../bus/messages.js';
import { formatRef, parseRef, partitionOf, type Ref } from '../../bus/subjects.js';
import { Activation, createMailbox, type Delivery, type TransitionRecord } from './activation.js';
import { EVERYWHERE, isNotOwner, notOwner, type ActorTenure } from './actor-tenure.js';
import { NewerVersionError } from './evolution.js';
import type { Journal } from './journal.js';
import type { Kind } from './kind.js';
import { busy, notActive, parked, refusal, stopped, unknownKind } from './refusals.js';
import { stateName, type ActorState as DurableState } from './state.js';
import { createRuntimeTimes, type RuntimeTimes } from './runtime-times.js';
import { asControl, type Control } from './supervision/control.js';
import { ALONE } from './supervision/family.js';
import { RestartBudget } from './supervision/restart-budget.js';
import { reportUntilSent, type Tell } from './supervision/report.js';
import { ESCALATED } from './supervision/turn.js';
import { viewSupervisor, type Supervised, type SupervisorView } from './supervision/view.js';
import { TurnedAway } from './turned-away.js';
import type { TimerCounters } from './timers/orders.js';
import type { TimerFacts } from './timers/pending.js';
import type { TimerService } from './timers/scheduler.js';

/** One actor as a person sees it. */
export interface ActorFacts {
  readonly ref: string;
  readonly kind: string;
  readonly id: string;
  readonly state: string;
  readonly node: string;
  readonly partition: number;
  readonly mailbox: number;
  /** Commands taken since it came to this node. */
  readonly commands: number;
  readonly restarts: number;
  readonly seq: number;
  readonly activatedAt: number;
  readonly lastError: string | null;
  /** The actor that has spawned it; absent when none has. */
  readonly parent?: string;
  /** Those that it has spawned, in the order of their start; absent when it has none. */
  readonly children?: readonly string[];
}

/** An actor as it is now. */
export interface ActorState extends ActorFacts {
  /** State of its chart, also while it is `failed` or `starting`; null when it could never be read from its journal. */
  readonly chartState: string | null;
  readonly context: unknown;
  /** What the live part shows of itself; undefined when the kind has none. */
  readonly live: unknown;
}

/** An actor with what led to its state and what it waits for. */
export interface ActorInside extends ActorState {
  readonly transitions: readonly TransitionRecord[];
  /** Those that it has set and that wait, the next one first. */
  readonly timers: readonly TimerFacts[];
}

export interface HostOptions {
  readonly journal: Journal;
  /** Without it, an actor that sets a timer crashes. */
  readonly timers?: TimerService;
  readonly kinds: readonly Kind[];
  readonly node: string;
  readonly now?: () => number;
  readonly random?: () => number;
  readonly onEvent?: (event: HostEvent) => void;
  /** Which actors may act here. Default: all. */
  readonly tenure?: ActorTenure;
  /** Queues a word between supervisors and supervised. Without it nobody is spawned. */
  readonly tell?: Tell;
}

/** What an operator should hear of. */
export type HostEvent =
  | { readonly type: 'restarting'; readonly ref: string; readonly error: StatewattError; readonly delayMs: number }
  /** Its parent decides what follows. */
  | { readonly type: 'crashed'; readonly ref: string; readonly error: StatewattError; readonly parent: string }
  | { readonly type: 'failed'; readonly ref: string; readonly error: StatewattError }
  | { readonly type: 'fenced'; readonly ref: string; readonly error: StatewattError }
  | { readonly type: 'newer'; readonly ref: string; readonly error: StatewattError };

interface Seat {
  readonly kind: Kind;
  readonly ref: Ref;
  readonly mailbox: ReturnType<typeof createMailbox>;
  readonly budget: RestartBudget;
  readonly turnedAway: TurnedAway;
  activation: Activation | undefined;
  starting: Promise<void> | undefined;
  restartTimer: NodeJS.Timeout | undefined;
  commands: number;
  restarts: number;
  /** Crashes because of its children. */
  escalations: number;
  failed: boolean;
  /** Brought to life by hand or because it is to live always: it stays. */
  kept: boolean;
  /** What is stored of it is too new for this node: it is on its way out. */
  newer: NewerVersionError | undefined;
  lastError: string | null;
  /** It has crashed, and its parent decides; undefined when that is not so. */
  waiting: symbol | undefined;
  /** What its last activation knew of it; undefined while one has taken its place. */
  last: DurableState | undefined;
  /** It was given up: its next activation starts its children too. */
  revived: boolean;
  /** Stops and starts of it, one after the other. */
  changing: Promise<void>;
}

/** Counters of what was refused, for metrics: nothing is dropped silently. */
export interface HostCounters extends TimerCounters {
  commands: number;
  refusedBusy: number;
  refusedFailed: number;
  restarts: number;
  failures: number;
  activated: number;
  passivated: number;
}

/** A command that found no room and that nobody waits for comes again after this long. */
const BUSY_RETRY_MS = 1_000;
/** A command to an actor that only a newer node can read comes again after this long, here or there. */
const NEWER_RETRY_MS = 1_000;
/** Snapshots of passivation under way at once: it is to be no load. */
const PASSIVATING_AT_ONCE = 16;

function cancelRestart(seat: Seat): void {
  clearTimeout(seat.restartTimer);
  seat.restartTimer = undefined;
}

/** Whether it does not live only because nobody has asked for it yet. */
function mayStart(seat: Seat): boolean {
  return seat.restartTimer === undefined && seat.waiting === undefined;
}

/** As it is now, or was when it ended. */
function knownState({ activation, last }: Seat): DurableState | undefined {
  return activation?.state ?? last;
}

function familyOf(seat: Seat): FamilyRecord {
  return knownState(seat)?.family ?? ALONE;
}

/** Its next owner starts it anew by itself. */
function leftMeanwhile(error: unknown): void {
  if (!(error instanceof StatewattError)) throw error;
}

function haltedWith({ ref, lastError }: Seat): Control {
  const reason = `its parent ${formatRef(ref)} has failed: ${lastError ?? 'unknown'}`;
  return { type: 'statewatt.halt', by: formatRef(ref), reason };
}

/** The actors that live on this node: brings them to life, feeds them, restarts those that crash. */
export class ActorHost {
  readonly counters: HostCounters = {
    commands: 0,
    refusedBusy: 0,
    refusedFailed: 0,
    restarts: 0,
    failures: 0,
    activated: 0,
    passivated: 0,
    timersSet: 0,
    timersFired: 0,
    timersCancelled: 0,
  };
  readonly times: RuntimeTimes = createRuntimeTimes();
  readonly #options: HostOptions;
  readonly #kinds: ReadonlyMap<string, Kind>;
  readonly #seats = new Map<string, Seat>();
  /** Activations on their way out; a successor waits for them. */
  readonly #leaving = new Map<string, Promise<void>>();
  readonly #now: () => number;
  #stopping = false;

  constructor(options: HostOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#kinds = new Map(options.kinds.map((kind) => [kind.kind, kind]));
  }

  /** Hands a command to its actor, which is brought to life if it is not. */
  deliver(ref: Ref, delivery: Delivery): void {
    const kind = this.#kinds.get(ref.kind);
    if (kind === undefined) {
      this.#refuse(ref, delivery, unknownKind(ref.kind, [...this.#kinds.keys()]));
      return;
    }
    if (this.#stopping) {
      delivery.release();
      return;
    }
    const seat = this.#seat(kind, ref);
    const { place = 0 } = delivery; // 0: it has no place that could be overtaken.
    seat.turnedAway.remove(place); // It is here; should it find no room again, that is noted again.
    const control = delivery.timer === undefined ? asControl(delivery.event) : undefined;
    if (control !== undefined && this.#control(seat, control, delivery)) return;
    if (seat.failed) {
      this.counters.refusedFailed += 1;
      this.#refuse(ref, delivery, parked(ref, seat.lastError));
      return;
    }
    if (seat.turnedAway.before(place) || !seat.mailbox.offer({ delivery })) {
      this.counters.refusedBusy += 1;
      if (delivery.awaited) this.#refuse(ref, delivery, busy(ref, seat.mailbox.capacity));
      else {
        // Nobody would hear that it was refused: it stays in the queue.
        if (place > 0) seat.turnedAway.add(place);
        delivery.release(BUSY_RETRY_MS);
      }
      return;
    }
    this.counters.commands += 1;
    seat.commands += 1;
    if (seat.activation !== undefined) seat.activation.wake();
    else if (mayStart(seat)) void this.#start(seat);
  }

  /**
   * Brings an actor to life without a command and keeps it there; resolves when it takes events, or at once when its
   * supervisor is about to restart it.
   *
   * @throws `actors.unknown_kind`, `actors.failed`, `actors.stopped`, `actors.newer_version`
   */
  async activate(ref: Ref): Promise<void> {
    const seat = await this.#wake(ref);
    seat.kept = true;
  }

  /**
   * As `activate`, but it may leave memory again when it has nothing to do.
   *
   * @throws `actors.not_owner` besides, when it is not to live here, or has left meanwhile
   */
  async wake(ref: Ref): Promise<void> {
    const seat = await this.#wake(ref);
    if (this.#seats.get(formatRef(ref)) !== seat) throw notOwner(ref);
    seat.activation?.touch();
  }

  async #wake(ref: Ref): Promise<Seat> {
    const kind = this.#kinds.get(ref.kind);
    if (kind === undefined) throw unknownKind(ref.kind, [...this.#kinds.keys()]);
    if (this.#stopping) throw stopped(ref);
    const seat = this.#seat(kind, ref);
    if (seat.failed) throw parked(ref, seat.lastError);
    if (mayStart(seat)) await this.#start(seat);
    if (seat.newer !== undefined) throw seat.newer;
    return seat;
  }

  /** Ends an activation in order and forgets it. */
  async retire(ref: Ref): Promise<void> {
    const name = formatRef(ref);
    const seat = this.#seats.get(name);
    if (seat === undefined) {
      await this.#leaving.get(name);
      return;
    }
    this.#seats.delete(name);
    const leaving = this.#leave(seat);
    this.#leaving.set(name, leaving);
    await leaving;
    if (this.#leaving.get(name) === leaving) this.#leaving.delete(name);
  }

  /** Lets the actors leave memory that have had nothing to do for as long as their kind says. */
  async passivateIdle(): Promise<void> {
    const idle = [...this.#seats.values()].filter((seat) => this.#isIdle(seat));
    const lane = async (): Promise<void> => {
      for (let seat = idle.pop(); seat !== undefined; seat = idle.pop()) {
        // A command may have come while the others left.
        if (this.#seats.get(formatRef(seat.ref)) !== seat || !this.#isIdle(seat)) continue;
        this.counters.passivated += 1;
        await this.retire(seat.ref);
      }
    };
    await Promise.all(Array.from({ length: PASSIVATING_AT_ONCE }, lane));
  }

  /** Ends the activations that are to live elsewhere now. */
  async retireAll(which: (ref: Ref) => boolean): Promise<void> {
    await Promise.all([...this.#seats.values()].filter(({ ref }) => which(ref)).map(({ ref }) => this.retire(ref)));
  }

  /** Crashes an activation, as a fault would. @throws `actors.not_found` */
  kill(ref: Ref): void {
    const seat = this.#known(ref);
    if (seat.activation === undefined) throw notActive(ref);
    seat.activation.crash(new StatewattError('actors.killed', 'internal', 'killed by an operator'));
  }

  /**
   * Stops an activation in order and starts it from its journal; clears `failed`.
   *
   * @throws `actors.not_found`, `actors.stopped`
   */
  async restart(ref: Ref): Promise<void> {
    if (this.#stopping) throw stopped(ref);
    await this.#renew(this.#known(ref), 0);
  }

  /** Stops what lives and starts it from its journal, after `delayMs`; clears `failed`. */
  #renew(seat: Seat, delayMs: number): Promise<void> {
    return this.#exclusively(seat, async () => {
      await this.#halt(seat);
      seat.revived ||= seat.failed;
      seat.failed = false;
      seat.budget.reset();
      seat.restarts += 1;
      if (delayMs > 0) seat.restartTimer = setTimeout(() => void this.#start(seat), delayMs);
      else await this.#start(seat);
      if (seat.newer !== undefined) throw seat.newer;
    });
  }

  /** Nothing of it lives after that. */
  async #halt(seat: Seat): Promise<void> {
    cancelRestart(seat);
    seat.waiting = undefined;
    await seat.starting;
    await seat.activation?.stop();
    // It may have crashed meanwhile.
    cancelRestart(seat);
    seat.waiting = undefined;
    seat.last = knownState(seat);
    this.#stillThere(seat);
    seat.activation = undefined;
  }

  #stillThere(seat: Seat): void {
    if (this.#seats.get(formatRef(seat.ref)) !== seat) throw stopped(seat.ref);
  }

  /** @throws `actors.stopped`: it left before its turn came */
  #exclusively(seat: Seat, work: () => Promise<void>): Promise<void> {
    const changed = seat.changing.then(async () => {
      this.#stillThere(seat);
      await work();
    });
    seat.changing = changed.catch(() => undefined); // The caller hears of it.
    return changed;
  }

  /** A word of a parent or of a child, whatever state the actor is in. False: its activation has to hear it. */
  #control(seat: Seat, control: Control, delivery: Delivery): boolean {
    const settle = (): void => delivery.settle();
    // It left meanwhile: its next owner hears of it.
    const release = (): void => delivery.release(BUSY_RETRY_MS);
    switch (control.type) {
      case 'statewatt.restart':
        this.#renew(seat, control.delayMs).then(settle, release);
        return true;
      case 'statewatt.halt':
        this.#exclusively(seat, async () => {
          await this.#halt(seat);
          this.#park(seat, new StatewattError('supervision.halted', 'unavailable', control.reason));
        }).then(settle, release);
        return true;
      case 'statewatt.crashed':
        if (!seat.failed) return false;
        // It decides nothing while it is failed itself; its own restart starts the child again.
        void this.#report(parseRef(control.child), haltedWith(seat), () => !this.#stopping).then((told) => {
          if (told) settle();
          else release();
        });
        return true;
      case 'statewatt.adopt':
      case 'statewatt.stop':
        // Spawned anew, or stopped for good: no longer failed, nor waiting.
        seat.revived ||= seat.failed;
        seat.failed = false;
        seat.waiting = undefined;
        return false;
    }
  }

  /** Whether it was told. */
  async #report(to: Ref, event: EventBody, wanted: () => boolean): Promise<boolean> {
    const { tell } = this.#options;
    return tell !== undefined && (await reportUntilSent(tell, to, event, wanted));
  }

  actors(): ActorFacts[] {
    return [...this.#seats.values()].map((seat) => this.#facts(seat));
  }

  /** The actors that live here. */
  list(which: (ref: Ref) => boolean): ActorState[] {
    return [...this.#seats.values()].filter(({ ref }) => which(ref)).map((seat) => this.#state(seat));
  }

  /** undefined when it does not live here. */
  query(ref: Ref): ActorState | undefined {
    const seat = this.#seats.get(formatRef(ref));
    return seat && this.#state(seat);
  }

  /** Waits while it is being read from its journal for the first time. */
  async whenKnown(ref: Ref): Promise<void> {
    const seat = this.#seats.get(formatRef(ref));
    if (seat !== undefined && knownState(seat) === undefined) await seat.starting;
  }

  /** undefined when it does not live here. */
  inspect(ref: Ref): ActorInside | undefined {
    const seat = this.#seats.get(formatRef(ref));
    return seat && this.#inside(seat);
  }

  /** What the supervisor of a partition knows of those that live in it here. */
  supervisor(partition: number): SupervisorView {
    const now = this.#now();
    const seats = [...this.#seats.values()].filter(({ ref }) => partitionOf(ref) === partition);
    const supervised = seats.map((seat): Supervised => {
      const { kind, escalations } = seat;
      const { restart } = kind.policy;
      const crashes = seat.budget.used(now);
      return { ...this.#facts(seat), escalations, restart, crashes, supervise: kind.supervise, family: familyOf(seat) };
    });
    return viewSupervisor({ partition, node: this.#options.node, supervised, now });
  }

  /** The XState snapshot of an active actor, for readers in the same process. */
  snapshot(ref: Ref): { value: unknown; context: unknown; seq: number } | undefined {
    const state = this.#seats.get(formatRef(ref))?.activation?.state;
    return state && { value: state.snapshot.value, context: state.snapshot.context as unknown, seq: state.seq };
  }

  /** Ends every activation in order. What waits in a mailbox is released for redelivery. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all([...[...this.#seats.values()].map((seat) => this.#leave(seat)), ...this.#leaving.values()]);
    this.#seats.clear();
  }

  #isIdle({ kind, kept, activation }: Seat): boolean {
    const { alwaysOn, passivateAfterMs } = kind.policy;
    if (passivateAfterMs === undefined || alwaysOn || kept) return false;
    const since = activation?.idleSince;
    return since !== undefined && this.#now() - since >= passivateAfterMs;
  }

  async #leave(seat: Seat): Promise<void> {
    cancelRestart(seat);
    await seat.starting;
    await seat.activation?.stop();
    this.#releaseWaiting(seat);
  }

  #seat(kind: Kind, ref: Ref): Seat {
    const name = formatRef(ref);
    let seat = this.#seats.get(name);
    if (seat === undefined) {
      seat = {
        kind,
        ref,
        mailbox: createMailbox(kind),
        budget: new RestartBudget(kind.policy.restart, this.#options.random),
        turnedAway: new TurnedAway(),
        activation: undefined,
        starting: undefined,
        restartTimer: undefined,
        commands: 0,
        restarts: 0,
        escalations: 0,
        failed: false,
        kept: false,
        newer: undefined,
        lastError: null,
        waiting: undefined,
        last: undefined,
        revived: false,
        changing: Promise.resolve(),
      };
      this.#seats.set(name, seat);
    }
    return seat;
  }

  #start(seat: Seat): Promise<void> {
    if (seat.starting !== undefined) return seat.starting;
    if (seat.activation !== undefined) return Promise.resolve();
    cancelRestart(seat);
    const { journal, timers, node } = this.#options;
    const { revived } = seat;
    seat.revived = false;
    const activation = new Activation({
      kind: seat.kind,
      ref: seat.ref,
      journal,
      timers,
      counters: this.counters,
      node,
      now: this.#now,
      mailbox: seat.mailbox,
      turnedAway: seat.turnedAway,
      tenure: this.#options.tenure ?? EVERYWHERE,
      times: this.times,
      onEnd: ({ error, fenced }) => this.#ended(seat, activation, error, fenced),
      revived,
      onFamily: (then) => void (then === 'renew' ? this.#renew(seat, 0).catch(leftMeanwhile) : this.retire(seat.ref)),
    });
    seat.activation = activation;
    seat.starting = activation
      .start(this.#leaving.get(formatRef(seat.ref)))
      .then(() => {
        this.counters.activated += 1;
        // It may have crashed before it knew anything.
        if (activation.state !== undefined) seat.last = undefined;
      })
      .catch((error: unknown) => {
        if (error instanceof NewerVersionError) seat.newer = error;
        activation.crash(error);
      })
      .finally(() => {
        seat.starting = undefined;
      });
    return seat.starting;
  }

  #ended(seat: Seat, activation: Activation, error: StatewattError, fenced: boolean): void {
    if (seat.activation !== activation) return;
    seat.activation = undefined;
    seat.last = activation.state ?? seat.last;
    seat.lastError = error.message;
    const ref = formatRef(seat.ref);
    if (this.#stopping || this.#seats.get(ref) !== seat) {
      this.#releaseWaiting(seat);
      return;
    }
    if (seat.newer !== undefined) {
      this.#seats.delete(ref);
      this.#options.onEvent?.({ type: 'newer', ref, error });
      this.#releaseNewer(seat, seat.newer);
      return;
    }
    if (fenced) this.#options.onEvent?.({ type: 'fenced', ref, error });
    if (isNotOwner(error)) {
      // It lives elsewhere now; restarted here it would fence its owner.
      this.#seats.delete(ref);
      this.#releaseWaiting(seat);
      return;
    }
    if (error.code === ESCALATED) seat.escalations += 1;
    const { parent } = familyOf(seat);
    if (parent !== null && !fenced && this.#options.tell !== undefined) {
      this.#askParent(seat, parent, error);
      return;
    }
    const verdict = seat.budget.crashed(this.#now());
    if (!verdict.restart) {
      this.#park(seat, error);
      return;
    }
    seat.restarts += 1;
    this.counters.restarts += 1;
    this.#options.onEvent?.({ type: 'restarting', ref, error, delayMs: verdict.delayMs });
    seat.restartTimer = setTimeout(() => void this.#start(seat), verdict.delayMs);
  }

  /** It stays as it is until its parent says what follows. */
  #askParent(seat: Seat, parent: string, error: StatewattError): void {
    const { code, message } = error;
    const waiting = Symbol('waiting');
    seat.waiting = waiting;
    const ref = formatRef(seat.ref);
    const crashed: Control = { type: 'statewatt.crashed', child: ref, error: { code, message } };
    void this.#report(parseRef(parent), crashed, () => !this.#stopping && seat.waiting === waiting);
    this.#options.onEvent?.({ type: 'crashed', ref, error, parent });
  }

  /** Given up: what waits is refused, and what comes. */
  #park(seat: Seat, error: StatewattError): void {
    seat.failed = true;
    seat.lastError = error.message;
    this.counters.failures += 1;
    for (let letter = seat.mailbox.take(); letter !== undefined; letter = seat.mailbox.take()) {
      if ('own' in letter) letter.own.reject(error);
      else {
        this.counters.refusedFailed += 1;
        seat.turnedAway.remove(letter.delivery.place ?? 0);
        this.#refuse(seat.ref, letter.delivery, parked(seat.ref, seat.lastError));
      }
    }
    this.#options.onEvent?.({ type: 'failed', ref: formatRef(seat.ref), error });
  }

  #releaseWaiting(seat: Seat): void {
    for (let letter = seat.mailbox.take(); letter !== undefined; letter = seat.mailbox.take()) {
      if ('delivery' in letter) letter.delivery.release();
      else letter.own.reject(new StatewattError('actors.stopped', 'unavailable', `${formatRef(seat.ref)} has stopped`));
    }
  }

  /** Its commands stay in the queue for a node that can read it; a caller whose time is up hears why. */
  #releaseNewer(seat: Seat, error: StatewattError): void {
    for (let letter = seat.mailbox.take(); letter !== undefined; letter = seat.mailbox.take()) {
      if ('own' in letter) letter.own.reject(error);
      else if (letter.delivery.awaited && this.#now() > (letter.delivery.deadline ?? Infinity)) {
        this.#refuse(seat.ref, letter.delivery, error);
      } else letter.delivery.release(NEWER_RETRY_MS);
    }
  }

  /** Answers; a command that nobody waits for goes to the dead letters, so that somebody can hear of it. */
  #refuse(ref: Ref, delivery: Delivery, error: StatewattError): void {
    if (delivery.awaited) {
      delivery.answer(refusal(error));
      delivery.settle();
      return;
    }
    const letter: DeadLetter = {
      ref: formatRef(ref),
      event: delivery.event,
      error: error.toJSON(),
      state: null,
      seq: 0,
      at: this.#now(),
      node: this.#options.node,
      commandId: delivery.commandId,
      ...(delivery.traceparent === undefined ? {} : { traceparent: delivery.traceparent }),
    };
    this.#options.journal.park(ref, letter).then(
      () => delivery.settle(),
      () => delivery.release(BUSY_RETRY_MS), // The bus is away: it stays in the queue.
    );
  }

  #known(ref: Ref): Seat {
    const seat = this.#seats.get(formatRef(ref));
    if (seat === undefined) throw notActive(ref);
    return seat;
  }

  #state(seat: Seat): ActorState {
    const snapshot = knownState(seat)?.snapshot;
    return {
      ...this.#facts(seat),
      chartState: snapshot === undefined ? null : stateName(snapshot),
      context: snapshot?.context as unknown,
      live: seat.activation?.inspect(),
    };
  }

  #inside(seat: Seat): ActorInside {
    return {
      ...this.#state(seat),
      transitions: [...(seat.activation?.transitions ?? [])],
      timers: knownState(seat)?.timers.facts() ?? [],
    };
  }

  #facts(seat: Seat): ActorFacts {
    const { activation, ref } = seat;
    const state = activation?.state;
    const family = familyOf(seat);
    const name = seat.failed ? 'failed' : state === undefined ? 'starting' : stateName(state.snapshot);
    return {
      ref: formatRef(ref),
      kind: ref.kind,
      id: ref.id,
      state: name,
      node: this.#options.node,
      partition: partitionOf(ref),
      mailbox: seat.mailbox.length,
      commands: seat.commands,
      restarts: seat.restarts,
      seq: knownState(seat)?.seq ?? 0,
      activatedAt: activation?.activatedAt ?? 0,
      lastError: seat.lastError,
      ...(family.parent === null ? {} : { parent: family.parent }),
      ...(family.children.length === 0 ? {} : { children: family.children.map((child) => child.ref) }),
    };
  }
}
