import {
  createActor,
  initialTransition,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type ExecutableActionObject,
  type Snapshot,
} from 'xstate';
import type {
  EffectRecord,
  EventBody,
  FamilyRecord,
  JournalEntry,
  SnapshotRecord,
  TimerRecord,
} from '../../bus/messages.js';
import { migrateState, upcastEvent } from './evolution.js';
import type { Kind } from './kind.js';
import { pureTransition } from './pure-transition.js';
import { bypassesChart } from './supervision/control.js';
import { ALONE, familyAfter } from './supervision/family.js';
import { PendingTimers } from './timers/pending.js';
import { SET_TIMER, timerRecord } from './timers/records.js';
import { upcastTimer, upcastTimers } from './timers/upcast.js';

/** Accepted commands whose ids an actor remembers, to answer a repeated one with the first result. */
const REMEMBERED_COMMANDS = 256;

/** What one event does: the next state, and the effects of getting there. */
export interface Step {
  readonly snapshot: AnyMachineSnapshot;
  readonly effects: readonly EffectRecord[];
  readonly changed: boolean;
  /** The time that the machine saw, ms since the Unix epoch. */
  readonly at: number;
}

/** An actor's durable state: what replaying its journal gives. Pure but for its own fields. */
export class ActorState {
  snapshot: AnyMachineSnapshot;
  /** Journal sequence of the last entry; 0 before the first. */
  seq = 0;
  /** Of the newest activation that began with a journaled `activated`; 0 before the first. */
  epoch = 0;
  /** Entries since the last snapshot was saved. */
  unsaved = 0;
  /** Timers that it has set. */
  readonly timers: PendingTimers;
  /** Its parent and its children. */
  family: FamilyRecord = ALONE;
  readonly #recent = new Set<string>();
  /** Timers of the initial state: they run from the first entry on, for before it there is no actor. */
  readonly #initialTimers: readonly EffectRecord[];

  constructor(
    snapshot: AnyMachineSnapshot,
    initialTimers: readonly EffectRecord[],
    timers: readonly TimerRecord[] | undefined,
  ) {
    this.snapshot = snapshot;
    this.#initialTimers = initialTimers;
    this.timers = new PendingTimers(timers);
  }

  /** From nothing, or from a snapshot and the entries after it. Effects are not run again. */
  static restore(
    kind: Kind,
    id: string,
    stored: SnapshotRecord | undefined,
    entries: readonly { seq: number; entry: JournalEntry }[],
  ): ActorState {
    const state = stored === undefined ? initial(kind, id) : fromSnapshot(kind, stored);
    if (stored !== undefined) {
      state.seq = stored.seq;
      state.epoch = stored.epoch ?? 0;
      state.family = stored.family ?? ALONE;
      for (const commandId of stored.recentCommands) state.#recent.add(commandId);
    }
    for (const { seq, entry } of entries) {
      const { effects, at } = entry;
      const aside = bypassesChart(entry.event.type);
      const event = aside ? entry.event : upcastEvent(kind, entry);
      const step = aside ? state.aside(effects, at) : takeStep(kind, state.snapshot, event, at);
      // What was to be done to children stands in the journal, whatever the machine says today; so do its timers.
      state.accept({ ...step, effects }, seq, entry.commandId, event);
      state.timers.apply({ seq, at, effects: upcastTimers(kind, entry), timer: entry.timer });
    }
    return state;
  }

  /** What the event would do now. `fired`: key of the timer whose firing it is. @throws as `takeStep` does */
  step(kind: Kind, event: EventBody, at: number, fired?: string): Step {
    const step = takeStep(kind, this.snapshot, event, at);
    if (!step.changed) return step;
    const all = this.seq === 0 ? [...this.#initialTimers, ...step.effects] : step.effects;
    const effects = this.timers.withoutVain(all, fired);
    return { ...step, effects, changed: step.snapshot !== this.snapshot || effects.length > 0 };
  }

  /** An entry that the machine does not see, but the runtime. */
  aside(effects: readonly EffectRecord[], at: number): Step {
    const all = this.seq === 0 ? [...this.#initialTimers, ...effects] : effects;
    return { snapshot: this.snapshot, effects: all, changed: true, at };
  }

  accept(step: Step, seq: number, commandId: string | undefined, event: EventBody): void {
    this.snapshot = step.snapshot;
    this.family = familyAfter(this.family, event, step.effects, step.at);
    if (event.type === 'activated' && typeof event.epoch === 'number') this.epoch = event.epoch;
    this.seq = seq;
    this.unsaved += 1;
    if (commandId === undefined) return;
    this.#recent.add(commandId);
    if (this.#recent.size > REMEMBERED_COMMANDS) {
      const oldest = this.#recent.values().next();
      if (oldest.done !== true) this.#recent.delete(oldest.value);
    }
  }

  /** Whether a command with this id was accepted already. */
  knows(commandId: string | undefined): boolean {
    return commandId !== undefined && this.#recent.has(commandId);
  }

  toSnapshot(kind: Kind, at: number): SnapshotRecord {
    return {
      seq: this.seq,
      epoch: this.epoch,
      ...(this.family === ALONE ? {} : { family: this.family }),
      machine: kind.version,
      state: kind.machine.getPersistedSnapshot(this.snapshot),
      recentCommands: [...this.#recent],
      ...(this.timers.size === 0 ? {} : { timers: this.timers.all() }),
      at,
    };
  }
}

/**
 * The state of an actor that has no journal yet. Actions of entering the initial state are not effects: nothing was
 * accepted. Only its timers are kept.
 */
function initial(kind: Kind, id: string): ActorState {
  const [snapshot, actions] = initialTransition(kind.machine, kind.input(id));
  const timers = actions
    .filter(({ type }) => type === SET_TIMER)
    .flatMap((action) => timerRecord(kind.kind, action) ?? []);
  return new ActorState(snapshot as AnyMachineSnapshot, timers, undefined);
}

function fromSnapshot(kind: Kind, stored: SnapshotRecord): ActorState {
  const timers = stored.timers?.map((timer) => ({ ...timer, ...upcastTimer(kind, timer, stored.machine) }));
  return new ActorState(revive(kind.machine, migrateState(kind, stored)), [], timers);
}

function revive(machine: AnyStateMachine, persisted: unknown): AnyMachineSnapshot {
  // An actor that is never started: only its restored snapshot is wanted.
  return createActor(machine, { snapshot: persisted as Snapshot<unknown> }).getSnapshot() as AnyMachineSnapshot;
}

/**
 * Runs one event through the machine, purely. `at` (ms since the Unix epoch) is all the time that the machine sees.
 *
 * @throws whatever a guard or an assignment throws: the event is poison
 */
export function takeStep(kind: Kind, before: AnyMachineSnapshot, event: EventBody, at: number): Step {
  const [snapshot, actions] = pureTransition(kind.machine, before, { ...event, at });
  if (snapshot.status === 'error') throw snapshot.error;
  const effects: EffectRecord[] = [];
  for (const action of actions) {
    const record = action.type.startsWith('xstate.') ? timerRecord(kind.kind, action) : effectRecord(kind, action);
    if (record !== undefined) effects.push(record);
  }
  return { snapshot, effects, changed: snapshot !== before || effects.length > 0, at };
}

function effectRecord(kind: Kind, { type, params }: ExecutableActionObject): EffectRecord {
  const record = { type, params: params ?? null };
  return kind.durable[type] === undefined ? record : { ...record, durable: true };
}

/** A state's value on one line: `online`, or `link.up & shelving.off` for parallel regions. */
export function stateName(snapshot: AnyMachineSnapshot): string {
  const name = (value: unknown): string => {
    if (typeof value === 'string') return value;
    return Object.entries(value as Record<string, unknown>)
      .map(([region, inner]) => `${region}.${name(inner)}`)
      .join(' & ');
  };
  return name(snapshot.value);
}
