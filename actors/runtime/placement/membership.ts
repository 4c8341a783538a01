import type { Subscription } from '@nats-io/transport-node';
import type { Bus } from '../../../bus/connection.js';
import { subjects } from '../../../bus/subjects.js';
import { parseJson } from '../../../bus/topics.js';
import { lookAt, type Whereabouts } from './neighbour.js';

/** How often a node says that it is there. */
export const BEAT_MS = 100;
/** A node that hears nothing of itself for so long no longer trusts its ownership. */
export const LEASE_MS = 1_000;
/** A node of which nothing was heard for so long is gone. Longer than a lease, so that it has stopped by then. */
export const GONE_MS = 1_100;
/**
 * One whose process is seen running on this machine only waits for its turn, as all do on a machine that is too busy. Its
 * lease is over, so it does nothing; but to take its actors, and to give them back, would make the machine busier.
 */
export const STARVED_MS = 4_000;

/** What a node says of itself with each beat. */
export interface Beat {
  /** Unique for each run of a node. */
  readonly instance: string;
  readonly node: string;
  /** It gives its partitions away and takes no more. */
  readonly draining: boolean;
  /** Its own count, to know a beat again. */
  readonly beat: number;
  /** What it lost by this version of the table, or an earlier one, has ended there. */
  readonly released?: number;
  /** Where its process runs, if others may watch it. */
  readonly process?: Whereabouts;
}

/** A node as the others know it. */
export interface Member extends Beat {
  /** Monotonic ms when it was last heard. */
  readonly heardAt: number;
  /** It runs on this machine, and its process was seen: should that end, there is no lease to wait for. */
  readonly seen: boolean;
  /** It is silent, but its process was lately seen running. */
  readonly starved: boolean;
}

export interface MembershipEvents {
  /** Somebody came, went or drains, or this node has become able to judge. */
  change(): void;
  /** The lease has run out; said before each beat until one has been heard. */
  gap(): void;
  /** This node heard a beat of its own. */
  heardSelf(): void;
  /** A beat was heard or sent. */
  beat(): void;
}

/**
 * Who is there: every node says so ten times a second over core NATS, and hears itself too. What a node hears of
 * itself proves that it can reach the others; the time at which it sent that beat is the start of its lease. Who is not
 * heard any more is gone when its lease has run out, or when its process is seen to have ended on the same machine.
 */
export class Membership {
  readonly #bus: Bus;
  readonly #self: Pick<Beat, 'instance' | 'node' | 'process'>;
  readonly #on: MembershipEvents;
  readonly #members = new Map<string, Member>();
  readonly #sent = new Map<number, number>();
  /** Their processes have ended; what was still on its way from them says nothing. */
  readonly #ended = new Set<string>();
  #subscription: Subscription | undefined;
  #timer: NodeJS.Timeout | undefined;
  #beat = 0;
  #draining = false;
  #released = 0;
  #leasedFrom = -Infinity;
  /** Since when we hear well enough to judge who is gone. */
  #hearingSince = Infinity;
  #known = '';

  constructor(bus: Bus, self: Pick<Beat, 'instance' | 'node' | 'process'>, on: MembershipEvents) {
    this.#bus = bus;
    this.#self = self;
    this.#on = on;
  }

  start(): void {
    this.#subscription = this.#bus.nats.subscribe(subjects.nodes('beat'), {
      callback: (error, message) => {
        if (error === null) this.#heard(parseJson(message.data) as Beat);
      },
    });
    this.#say();
    this.#timer = setInterval(() => this.#say(), BEAT_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#subscription?.unsubscribe();
  }

  /** Asks the others to take over. */
  drain(): void {
    this.#draining = true;
    this.#say();
  }

  /** Says that what this node lost by a version of the table has ended here. */
  release(version: number): void {
    this.#released = Math.max(this.#released, version);
    if (this.#timer !== undefined) this.#say(); // Otherwise it is said with the first beat.
  }

  /** Whether this node has lately heard itself: what it owned then it still owns now. */
  get leased(): boolean {
    return performance.now() - this.#leasedFrom < LEASE_MS;
  }

  /** Whether it has listened long enough to say who is gone. */
  get settled(): boolean {
    return this.leased && performance.now() - this.#hearingSince >= GONE_MS;
  }

  /** Everybody who was heard lately, this node among them. */
  get members(): readonly Member[] {
    const now = performance.now();
    return [...this.#members.values()].filter((member) => isThere(member, now));
  }

  #say(): void {
    const now = performance.now();
    if (!this.leased) {
      this.#hearingSince = Infinity;
      this.#on.gap();
    }
    const beat: Beat = {
      ...this.#self,
      draining: this.#draining,
      beat: ++this.#beat,
      released: this.#released,
    };
    this.#sent.set(beat.beat, now);
    if (this.#sent.size > 32) this.#sent.delete(beat.beat - 32);
    if (this.#bus.status === 'connected') {
      this.#bus.nats.publish(subjects.nodes('beat'), Buffer.from(JSON.stringify(beat)));
    }
    this.#look(now);
    this.#noticeChange();
    this.#on.beat();
  }

  /** Whether those on this machine that were not heard since the last beat still run. */
  #look(now: number): void {
    for (const [instance, member] of this.#members) {
      const { seen, heardAt, process } = member;
      if (!seen || process === undefined || now - heardAt < BEAT_MS) continue;
      const state = lookAt(process);
      if (state !== 'gone') this.#members.set(instance, { ...member, starved: state === 'runs' });
      else {
        this.#ended.add(instance);
        this.#members.delete(instance);
      }
    }
  }

  #heard(beat: Beat): void {
    if (this.#ended.has(beat.instance)) return;
    const now = performance.now();
    const known = this.#members.get(beat.instance);
    const seen = known?.seen ?? this.#isNeighbour(beat);
    this.#members.set(beat.instance, { ...beat, heardAt: now, seen, starved: false });
    if (beat.instance === this.#self.instance) {
      const sentAt = this.#sent.get(beat.beat);
      if (sentAt !== undefined) this.#leasedFrom = Math.max(this.#leasedFrom, sentAt);
      if (this.leased && this.#hearingSince === Infinity) this.#hearingSince = now;
      this.#on.heardSelf();
    }
    this.#noticeChange();
    this.#on.beat();
  }

  /** Only a process that was once seen running can be seen to have ended: some systems hide those of others. */
  #isNeighbour({ process }: Beat): boolean {
    const own = this.#self.process;
    // That our own process runs says nothing of another node in it.
    if (process === undefined || own === undefined || process.pid === own.pid) return false;
    return process.host === own.host && lookAt(process) !== 'gone';
  }

  /** Tells when somebody came, went, drains, or when we have become able to judge. */
  #noticeChange(): void {
    const now = performance.now();
    for (const [instance, member] of this.#members) if (!isThere(member, now)) this.#members.delete(instance);
    const known = JSON.stringify([
      this.settled,
      [...this.#members.values()].map(({ instance, draining }) => [instance, draining]).sort(),
    ]);
    if (known === this.#known) return;
    this.#known = known;
    this.#on.change();
  }
}

function isThere({ heardAt, starved }: Member, now: number): boolean {
  return now - heardAt <= (starved ? STARVED_MS : GONE_MS);
}
