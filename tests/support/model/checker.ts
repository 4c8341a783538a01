import { SET_TIMER } from '../../../actors/runtime/timers/records.js';
import type { AnswerBody, JournalEntry } from '../../../bus/messages.js';
import { formatRef, type Ref } from '../../../bus/subjects.js';
import { EMPTY, fold, type Ledger } from './ledger.js';

/** A promise that a history broke. */
export class Violation extends Error {}

/** What happened to one actor, as the journal has it. */
interface History {
  readonly entries: { readonly seq: number; readonly entry: JournalEntry }[];
  /** The ledger after so many entries. */
  readonly ledgers: Ledger[];
  readonly commands: Map<string, number>;
  /** Keys of the timers that have fired. */
  readonly fired: Set<string>;
}

interface EffectRun {
  readonly node: string;
}

/**
 * Watches a history as it happens and throws a Violation at the first broken promise. Knows the journal by what landed
 * in it, not by what the runtime says of it.
 */
export class Checker {
  readonly #histories = new Map<string, History>();
  readonly #effects = new Map<string, EffectRun>();
  /** Length of each actor's history that callers have been told of. */
  readonly #told = new Map<string, number>();
  /** A command reached a process that owned its actor once: the age of what it reads is not promised then. */
  strayed = false;
  #violation: Violation | undefined;

  /** Throws what was found since, in callbacks that may not throw. */
  verify(): void {
    if (this.#violation !== undefined) throw this.#violation;
  }

  landed(ref: Ref, seq: number, entry: JournalEntry, expected: number): void {
    const history = this.#history(ref);
    const last = history.entries.at(-1)?.seq ?? 0;
    if (last !== expected)
      this.#fail(`${formatRef(ref)}: entry ${seq} was made behind ${expected}, and stands behind ${last}`);
    const before = history.entries.at(-1)?.entry.ownership ?? 0;
    if ((entry.ownership ?? 0) < before)
      this.#fail(`${formatRef(ref)}: entry ${seq} is of ownership ${entry.ownership}, behind one of ${before}`);
    if (entry.commandId !== undefined) {
      const twin = history.commands.get(entry.commandId);
      if (twin !== undefined) this.#fail(`${formatRef(ref)}: ${entry.commandId} was accepted at ${twin} and at ${seq}`);
      history.commands.set(entry.commandId, seq);
    }
    if (entry.timer !== undefined) {
      if (history.fired.has(entry.timer)) this.#fail(`${formatRef(ref)}: the timer ${entry.timer} fired twice`);
      history.fired.add(entry.timer);
    }
    history.entries.push({ seq, entry });
    history.ledgers.push(fold(this.ledger(ref), entry.event));
  }

  /** What a process answers must be what the journal says, now or before, with the command in it if it changes anything. */
  said(ref: Ref, command: { commandId: string; changes: boolean; floor: number }, body: AnswerBody): void {
    if (!body.ok) return;
    const history = this.#history(ref);
    const reply = body.reply as Ledger;
    const what = `${formatRef(ref)}: the answer to ${command.commandId}`;
    const ledger = reply.count === 0 ? EMPTY : history.ledgers[reply.count - 1];
    if (ledger === undefined || ledger.digest !== reply.digest) {
      this.#fail(`${what} is ${JSON.stringify(reply)}, and the journal never said so`);
      return;
    }
    if (command.changes) {
      const seq = history.commands.get(command.commandId);
      if (seq === undefined) this.#fail(`${what} is yes, and it is not in the journal`);
      else if (seq > (history.entries[reply.count - 1]?.seq ?? 0)) this.#fail(`${what} is of a time before it`);
    }
    if (!this.strayed && reply.count < command.floor) {
      this.#fail(`${what} is of ${reply.count} entries; ${command.floor} had been told of when it was asked`);
    }
  }

  heard(ref: Ref, body: AnswerBody): void {
    if (body.ok) this.#told.set(formatRef(ref), Math.max(this.told(ref), (body.reply as Ledger).count));
  }

  told(ref: Ref): number {
    return this.#told.get(formatRef(ref)) ?? 0;
  }

  /** A command that nobody waits for was taken out of the queue: it must be in the journal or among the dead letters. */
  settled(ref: Ref, commandId: string, dead: boolean): void {
    if (dead || this.#history(ref).commands.has(commandId)) return;
    this.#fail(`${formatRef(ref)}: ${commandId} was acknowledged and stands nowhere`);
  }

  ran(key: string, n: number, node: string): void {
    const twin = this.#effects.get(key);
    if (twin !== undefined) this.#fail(`the effect ${key} ran at ${twin.node} and at ${node}`);
    this.#effects.set(key, { node });
    const [name = '', at = ''] = key.split('#');
    const found = this.#histories.get(name)?.entries.find(({ seq }) => seq === Number.parseInt(at, 10));
    if (found === undefined) this.#fail(`the effect ${key} ran, and its entry is not in the journal`);
    else if (found.entry.event.n !== n) this.#fail(`the effect ${key} ran for another entry than the one at ${at}`);
  }

  /** A process's state of an actor must be the fold of the journal up to where it says it is. */
  state(ref: Ref, node: string, { context, seq }: { context: unknown; seq: number }): void {
    const history = this.#history(ref);
    const at = history.entries.findIndex((stored) => stored.seq === seq);
    const ledger = seq === 0 ? EMPTY : history.ledgers[at];
    const shown = context as Ledger;
    if (ledger?.count === shown.count && ledger.digest === shown.digest) return;
    this.#fail(
      `${formatRef(ref)} at ${node} is ${JSON.stringify(context)} as of ${seq}; the journal: ${JSON.stringify(ledger)}`,
    );
  }

  /** At the end, on the owner: nothing is missing. */
  current(ref: Ref, node: string, seq: number): void {
    const last = this.#history(ref).entries.at(-1)?.seq ?? 0;
    if (seq !== last) this.#fail(`${formatRef(ref)} at ${node} is as of ${seq}, and the journal ends with ${last}`);
  }

  /** The history as it was written down while it happened is the one that is stored. */
  stored(ref: Ref, entries: readonly { seq: number; entry: JournalEntry }[]): void {
    const seen = this.#history(ref).entries.map(({ seq, entry }) => `${seq} ${entry.commandId ?? entry.event.type}`);
    const found = entries.map(({ seq, entry }) => `${seq} ${entry.commandId ?? entry.event.type}`);
    if (seen.join() !== found.join())
      this.#fail(`${formatRef(ref)}: stored is ${found.join()}, written was ${seen.join()}`);
  }

  /** Effects of entries whose process and activation lived on have run. */
  effectsRan(excused: (ref: string, entry: JournalEntry) => boolean): void {
    for (const [name, { entries }] of this.#histories) {
      for (const { seq, entry } of entries) {
        if (excused(name, entry)) continue;
        entry.effects.forEach(({ type }, index) => {
          if (type === SET_TIMER) return;
          const key = `${name}#${seq}.${index}`;
          if (!this.#effects.has(key)) this.#fail(`the effect ${key} of ${entry.node} never ran`);
        });
      }
    }
  }

  /** At the end: each timer that was set has fired. */
  timersFired(): void {
    for (const [name, { entries, fired }] of this.#histories) {
      for (const { seq, entry } of entries) {
        entry.effects.forEach(({ type }, index) => {
          if (type === SET_TIMER && !fired.has(`${seq}-${index}`)) this.#fail(`${name}: ${seq}-${index} never fired`);
        });
      }
    }
  }

  unanswered(what: string): void {
    this.#fail(`with all faults over, ${what}`);
  }

  ledger(ref: Ref): Ledger {
    return this.#history(ref).ledgers.at(-1) ?? EMPTY;
  }

  #history(ref: Ref): History {
    const name = formatRef(ref);
    let history = this.#histories.get(name);
    if (history === undefined) {
      history = { entries: [], ledgers: [], commands: new Map(), fired: new Set() };
      this.#histories.set(name, history);
    }
    return history;
  }

  #fail(why: string): void {
    this.#violation ??= new Violation(why);
  }
}
