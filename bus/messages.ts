import type { ErrorBody } from '../errors/error.js';

/** An event as it travels: its type, and whatever the kind's schema says. */
export interface EventBody {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** What an accepted event causes outside the actor; `ref#seq.n` is its idempotency key (n = index here). */
export interface EffectRecord {
  readonly type: string;
  readonly params: unknown;
  /** Run from the journal, whatever becomes of the activation; otherwise by the activation, once, after the commit. */
  readonly durable?: true;
}

/** One entry of an actor's journal: an accepted event with its effects. */
export interface JournalEntry {
  readonly event: EventBody;
  readonly effects: readonly EffectRecord[];
  /** When it was accepted, ms since the Unix epoch; the machine saw this as `event.at`. */
  readonly at: number;
  /** Version of the machine that accepted it. */
  readonly machine: number;
  /** Journal sequence of the actor's entry before this one; 0 = none. */
  readonly previous?: number;
  /** Id of the command, when it was one; a redelivery is recognised by it. */
  readonly commandId?: string;
  /** Key of the timer whose firing it is. */
  readonly timer?: string;
  readonly traceparent: string;
  readonly correlationId?: string;
  readonly node: string;
  /** Number of the ownership under which it was written: it never falls. Absent where actors are not shared. */
  readonly ownership?: number;
}

/** A timer that an actor has set: an event that it is to get later. */
export interface TimerRecord {
  /** `seq-n`: journal sequence of the entry that set it, and the index of its record there. Names it for ever. */
  readonly key: string;
  /** What the machine cancels it by; null: nothing cancels it. */
  readonly id: string | null;
  readonly event: EventBody;
  /** Ms since the Unix epoch. */
  readonly due: number;
}

/** An actor's state as of a journal sequence. */
export interface SnapshotRecord {
  /** Journal sequence (of the stream) of the last entry that it includes. */
  readonly seq: number;
  /** Of the actor's newest journaled activation; absent when it has none. */
  readonly epoch?: number;
  /** Its parent and children; absent when it has neither. */
  readonly family?: FamilyRecord;
  /** Version of the machine that made it. */
  readonly machine: number;
  /** XState's persisted snapshot. */
  readonly state: unknown;
  /** Ids of the last accepted commands, oldest first. */
  readonly recentCommands: readonly string[];
  /** Timers that wait; none when it is missing. */
  readonly timers?: readonly TimerRecord[];
  readonly at: number;
}

/** An actor's place among those that supervise and are supervised. */
export interface FamilyRecord {
  /** Ref of the actor that supervises it; null: its partition's supervisor does. */
  readonly parent: string | null;
  /** Its parent has stopped it for good; it takes commands again when it is spawned again. */
  readonly stopped: boolean;
  /** In the order of their start. */
  readonly children: readonly ChildRecord[];
  /** Its children crashed too often, nobody dealt with it, and all were halted: its next start starts them again. */
  readonly gaveUp: boolean;
  /** Times of its children's last crashes, ms since the Unix epoch, oldest first. */
  readonly crashes: readonly number[];
}

/** A supervised actor, as its parent knows it. */
export interface ChildRecord {
  readonly ref: string;
  readonly restart: 'permanent' | 'temporary';
  /** Halted after too many crashes. */
  readonly down: boolean;
  /** How often its parent has started it again. */
  readonly restarts: number;
}

/** An event that its actor could not process, or a durable effect of one that it did; with what is needed to understand and repeat it. */
export interface DeadLetter {
  readonly ref: string;
  readonly event: EventBody;
  /** The event is too big for a letter: only its type is there. */
  readonly eventOmitted?: true;
  readonly error: ErrorBody;
  /** The actor's state when it failed. */
  readonly state: unknown;
  readonly seq: number;
  readonly commandId?: string;
  readonly traceparent?: string;
  readonly at: number;
  readonly node: string;
  /** What could not be carried out; `event` is what caused it, and was accepted. */
  readonly effect?: DeadEffect;
}

/** A durable effect that was given up. */
export interface DeadEffect {
  readonly type: string;
  readonly params: unknown;
  /** Its idempotency key, `ref#seq.n`. */
  readonly key: string;
  readonly attempts: number;
}

/** An actor's answer to a command. */
export type AnswerBody =
  { readonly ok: true; readonly reply: unknown } | { readonly ok: false; readonly error: ErrorBody };
