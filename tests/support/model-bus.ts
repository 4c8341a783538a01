import sinon from 'sinon';
import { EVERYWHERE } from '../../actors/runtime/actor-tenure.js';
import { ActorHost } from '../../actors/runtime/host.js';
import type { Kind } from '../../actors/runtime/kind.js';
import type { AnswerBody, EventBody } from '../../bus/messages.js';
import { formatRef, makeRef, type Ref } from '../../bus/subjects.js';
import { MemoryJournal } from './memory-journal.js';
import { Checker, Violation } from './model/checker.js';
import { ledgerKind } from './model/ledger.js';
import { Link, type Mutant } from './model/link.js';
import { Network } from './model/network.js';
import { ModelTimers } from './model/timers.js';
import { Queue, type Node, type QueuedCommand } from './model/queue.js';

export const PLACES = 3;
export const ACTORS: readonly Ref[] = [makeRef('ledger', 'a'), makeRef('ledger', 'b'), makeRef('meter', 'c')];
export const SENDERS = 3;

/** One thing that somebody or something does; numbers are taken modulo what there is. */
export type Step = { readonly run?: number; readonly pick?: number } & (
  | { readonly do: 'ask'; readonly sender: number; readonly actor: number; readonly op: Op }
  | { readonly do: 'tell'; readonly actor: number; readonly op: Op }
  | { readonly do: 'own' | 'pause' | 'go on' | 'cut' | 'join' | 'stop' | 'passivate'; readonly place: number }
  /** Dies after `acts` more acts to the outside (answers, acknowledgements, effects). */
  | { readonly do: 'crash'; readonly place: number; readonly acts: number }
  | { readonly do: 'kill'; readonly place: number; readonly actor: number }
  | { readonly do: 'lose' | 'refuse' | 'fire' }
  | { readonly do: 'stray'; readonly command: number; readonly place: number }
  | { readonly do: 'wait'; readonly ms: number }
  /** Redelivery of all that was not acknowledged in time. */
  | { readonly do: 'expire' }
  /** The journal compares no more ids of what it has. */
  | { readonly do: 'forget ids' }
);

export type Op = 'add' | 'order' | 'remind' | 'look' | 'explode';

/** A line that says what a step does, for counterexamples. */
export function describeStep({ run = 0, pick = 0, ...step }: Step): string {
  const what = Object.values(step).join(' ');
  return `${what}${run > 0 ? `; then ${run} arrive` : ''}${pick > 0 ? ` (by ${pick})` : ''}`;
}

interface Asked {
  readonly command: Omit<QueuedCommand, 'floor' | 'settled'>;
}

interface Seated extends Node {
  readonly link: Link;
  /** The newest ownership that it has had. */
  believes: number;
  /** Actors whose activation was crashed on purpose: what it had accepted may be without its effects. */
  readonly killed: Set<string>;
}

/**
 * Some processes with an ActorHost each, over one journal and one command queue in memory, and everything that can go
 * wrong between them. Nothing in it happens by itself: time, and what arrives when, are the steps' choice, so that a
 * history can be had again.
 */
export class ModelBus {
  readonly trace: string[] = [];
  readonly #mutant: Mutant | undefined;
  readonly #store = new MemoryJournal();
  readonly #network = new Network((line) => this.trace.push(`  ${line}`));
  readonly #checker = new Checker();
  readonly #queue: Queue;
  readonly #timers: ModelTimers;
  readonly #clock = sinon.useFakeTimers({ now: 1_000_000, toFake: ['setTimeout', 'clearTimeout'] });
  readonly #places: Seated[] = [];
  readonly #all: Seated[] = [];
  readonly #asked = new Map<number, Asked>();
  #epoch = 0;
  #numbers = 0;

  constructor(mutant?: Mutant) {
    this.#mutant = mutant;
    this.#timers = new ModelTimers(this.#network, mutant === 'keeps no timer');
    this.#queue = new Queue({
      network: this.#network,
      onSaid: (command, body) => this.#said(command, body),
      onHeard: (command, body) => this.#heard(command, body),
      onSettled: (command) => this.#settled(command),
    });
    for (let place = 0; place < PLACES; place++) this.#join(place);
  }

  /** Runs the steps, then ends all faults and asks for what is still due. @throws Violation */
  async history(steps: readonly Step[]): Promise<void> {
    try {
      this.#own(0);
      for (const step of steps) {
        this.trace.push(describeStep(step));
        this.#do(step);
        await quiet();
        this.#check();
        for (let each = 0; each < (step.run ?? 0); each++) if (!(await this.#arrive(step.pick ?? 0))) break;
      }
      await this.#recover();
    } finally {
      this.#clock.restore();
    }
  }

  #do(step: Step): void {
    switch (step.do) {
      case 'ask':
        this.#ask(step.sender, ACTORS[step.actor % ACTORS.length] as Ref, step.op);
        break;
      case 'tell':
        this.#put({ ...this.#command(ACTORS[step.actor % ACTORS.length] as Ref, step.op), awaited: false });
        break;
      case 'own':
        this.#own(step.place);
        break;
      case 'pause':
        this.#at(step.place).paused = true;
        break;
      case 'cut':
        this.#at(step.place).cut = true;
        break;
      case 'go on':
        this.#goOn(this.#at(step.place));
        break;
      case 'join':
        if (this.#at(step.place).dead) this.#join(step.place);
        break;
      case 'crash':
        this.#at(step.place).acts = step.acts;
        if (step.acts === 0) this.#die(this.#at(step.place));
        break;
      case 'stop':
        this.#stop(step.place);
        break;
      case 'passivate':
        if (!this.#at(step.place).paused) void this.#at(step.place).host.passivateIdle();
        break;
      case 'fire':
        this.#fire(step.pick ?? 0);
        break;
      case 'kill':
        this.#kill(this.#at(step.place), ACTORS[step.actor % ACTORS.length] as Ref);
        break;
      case 'lose':
      case 'refuse':
        this.#network.handle(step.pick ?? 0, step.do);
        break;
      case 'stray': {
        const { commands } = this.#queue;
        const command = commands[step.command % Math.max(1, commands.length)];
        this.#checker.strayed = true;
        if (command !== undefined) this.#queue.stray(command, this.#at(step.place));
        break;
      }
      case 'wait':
        this.#clock.tick(step.ms);
        break;
      case 'expire':
        this.#queue.expire();
        break;
      case 'forget ids':
        this.#store.forgetIds();
        break;
    }
  }

  /** A sender has one command at a time; while it has no answer it sends that again, with the same id. */
  #ask(sender: number, ref: Ref, op: Op): void {
    const asked = this.#asked.get(sender) ?? { command: this.#command(ref, op) };
    this.#asked.set(sender, asked);
    this.#put(asked.command);
  }

  #command(ref: Ref, op: Op): Asked['command'] {
    const n = ++this.#numbers;
    const event: EventBody = op === 'add' || op === 'order' || op === 'remind' ? { type: op, n } : { type: op };
    return { ref, event, commandId: `c${n}`, awaited: true };
  }

  #put(command: Asked['command']): void {
    this.#queue.put({ ...command, floor: this.#checker.told(command.ref), settled: false });
  }

  #fire(which: number): void {
    const fired = this.#timers.fire(which);
    if (fired === undefined) return;
    const { ref, timer } = fired;
    const commandId = `${formatRef(ref)}@${timer.key}`;
    this.#queue.put({ ref, event: timer.event, commandId, awaited: false, timer: timer.key, floor: 0, settled: false });
  }

  /** The table says that the partition is this place's; it learns of it, and the owner before too, when word arrives. */
  #own(place: number): void {
    const epoch = ++this.#epoch;
    const node = this.#at(place);
    const word = (what: string, to: Seated, change: () => Promise<void>): void =>
      this.#network.send({
        what: `${to.name} ${what} ${epoch}`,
        to,
        arrive: () => void (to.changes = to.changes.then(() => (to.dead ? undefined : change()))),
        lose: () => word(what, to, change), // It watches the table, and sees its newest state some time.
      });
    for (const other of this.#places) {
      if (other !== node && other.epoch > 0)
        word('hears that it lost its ownership to', other, () => this.#release(other, epoch));
    }
    word('hears of its ownership', node, async () => {
      await this.#release(node, epoch);
      if (!this.#queue.open(node, epoch)) return;
      node.epoch = epoch;
      node.believes = epoch;
      for (const ref of ACTORS) {
        // Like the runtime: what cannot be brought to life now comes to life by a command.
        if (ref.kind === 'meter') await node.host.activate(ref).catch(() => undefined);
      }
    });
  }

  async #release(node: Seated, epoch: number): Promise<void> {
    if (node.epoch === 0 || node.epoch >= epoch) return;
    node.epoch = 0;
    await node.host.retireAll(() => true);
  }

  #join(place: number): void {
    const name = `n${place}.${this.#all.length}`;
    const ordered = (key: string, n: number): boolean => {
      let lives = false;
      node.act(() => {
        lives = true;
        this.#checker.ran(key, n, name);
      });
      return lives;
    };
    const kinds: Kind[] = [ledgerKind('ledger', false, ordered), ledgerKind('meter', true, ordered)];
    const state = { name, dead: false, paused: false, cut: false, epoch: 0, acts: Infinity };
    const node: Seated = Object.assign(state, {
      changes: Promise.resolve(),
      believes: 0,
      killed: new Set<string>(),
      link: undefined as unknown as Link,
      host: undefined as unknown as ActorHost,
      act: (what: () => void): void => {
        if (node.dead) return;
        if (node.acts-- <= 0) this.#die(node);
        else what();
      },
    });
    const link = new Link({
      process: node,
      network: this.#network,
      store: this.#store,
      mutant: this.#mutant,
      onLanded: (ref, seq, entry, expected) => this.#checker.landed(ref, seq, entry, expected),
      runEffects: (ref, entry, seq) =>
        entry.effects.forEach((effect, index) => {
          if (effect.type !== 'order') return;
          ordered(`${formatRef(ref)}#${seq}.${index}`, (effect.params as { n: number }).n);
        }),
    });
    const host = new ActorHost({
      journal: link,
      timers: this.#timers.of(node),
      kinds,
      node: name,
      now: () => this.#clock.now,
      random: () => 0.5,
      // A process that knows nothing of its loss: the journal alone must hold it back.
      tenure: { ...EVERYWHERE, claim: () => Promise.resolve(node.believes) },
    });
    Object.assign(node, { link, host });
    this.#places[place] = node;
    this.#all.push(node);
  }

  #die(node: Seated): void {
    this.trace.push(`  ${node.name} is dead`);
    node.dead = true;
    this.#network.forget(node);
  }

  #goOn(node: Seated): void {
    node.paused = false;
    node.cut = false;
  }

  /** An orderly end, whose patience with a journal that does not answer is over at once. */
  #stop(place: number): void {
    const node = this.#at(place);
    if (node.dead) return;
    node.epoch = 0;
    node.link.closed = true;
    void node.host.stop().then(() => this.#die(node));
  }

  #kill(node: Seated, ref: Ref): void {
    if (node.host.snapshot(ref) === undefined || node.dead || node.paused) return;
    node.killed.add(formatRef(ref));
    node.host.kill(ref);
  }

  #said(command: QueuedCommand, body: AnswerBody): void {
    const { commandId, floor, ref } = command;
    this.#checker.said(ref, { commandId, changes: changes(command.event), floor }, body);
  }

  #heard({ commandId, ref }: QueuedCommand, body: AnswerBody): void {
    for (const [sender, asked] of this.#asked) {
      if (asked.command.commandId !== commandId) continue;
      if (!body.ok && body.error.category !== 'invalid') return; // Asked again.
      this.#asked.delete(sender);
      this.#checker.heard(ref, body);
    }
  }

  #settled(command: QueuedCommand): void {
    if (command.awaited || command.timer !== undefined || command.event.type === 'look') return;
    const dead = this.#store.dead.some((letter) => letter.commandId === command.commandId);
    this.#checker.settled(command.ref, command.commandId, dead);
  }

  async #arrive(pick: number): Promise<boolean> {
    if (!this.#network.handle(pick, 'arrive')) return false;
    await quiet();
    this.#check();
    return true;
  }

  #check(): void {
    this.#checker.verify();
    for (const node of this.#places) {
      if (node.dead) continue;
      for (const ref of ACTORS) {
        const state = node.host.snapshot(ref);
        if (state !== undefined) this.#checker.state(ref, node.name, state);
      }
    }
    this.#checker.verify();
  }

  /** Every fault is over; a fresh owner must bring everything to its end. */
  async #recover(): Promise<void> {
    this.trace.push('all faults end');
    for (const node of this.#places) {
      this.#goOn(node);
      node.acts = Infinity;
    }
    await this.#arriveAll();
    const place = Math.max(
      0,
      this.#places.findIndex((node) => !node.dead && !node.link.closed),
    );
    if (this.#at(place).dead || this.#at(place).link.closed) this.#join(place);
    this.#own(place);
    await this.#arriveAll();
    for (let round = 0; round < 20 && (this.#due().length > 0 || this.#timers.size > 0); round++) {
      for (let each = this.#timers.size; each > 0; each--) this.#fire(0);
      for (const { command } of this.#asked.values()) this.#put(command);
      this.#queue.expire();
      this.#clock.tick(100);
      await quiet();
      await this.#arriveAll();
    }
    const due = this.#due();
    if (due.length > 0) this.#checker.unanswered(`nothing becomes of ${due.join(', ')}`);
    this.#finish(this.#at(place));
  }

  #finish(owner: Seated): void {
    for (const ref of ACTORS) {
      this.#checker.stored(ref, this.#store.entries(ref));
      const state = owner.host.snapshot(ref);
      if (state !== undefined) this.#checker.current(ref, owner.name, state.seq);
    }
    this.#checker.timersFired();
    this.#checker.effectsRan((ref, { node: name }) => {
      const writer = this.#all.find((node) => node.name === name);
      return writer === undefined || writer.dead || writer.link.closed || writer.killed.has(ref);
    });
    this.#checker.verify();
  }

  #due(): string[] {
    const asked = [...this.#asked.values()].map(({ command }) => command.commandId);
    const queued = this.#queue.commands.filter(({ settled }) => !settled).map(({ commandId }) => commandId);
    return [...new Set([...asked, ...queued])];
  }

  async #arriveAll(): Promise<void> {
    for (let each = 0; await this.#arrive(0); each++) {
      if (each > 5_000) throw new Violation('it never comes to rest');
    }
  }

  #at(place: number): Seated {
    return this.#places[place % PLACES] as Seated;
  }
}

function changes(event: EventBody): boolean {
  return event.type === 'add' || event.type === 'order' || event.type === 'remind';
}

/** Until everything that follows from what happened has happened. */
function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
