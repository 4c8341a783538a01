/** Something on its way between two parts of the model. */
export interface Parcel {
  readonly what: string;
  /** The process that it goes to; undefined: the servers or a caller. */
  readonly to?: Process;
  /** The process that it comes from. */
  readonly from?: Process;
  arrive(): void;
  /** It never arrives; what then happens at its sender's (a timeout) happens at once. */
  lose(): void;
  /** The server says no instead, for those that may be refused. */
  refuse?(): void;
}

/** What the network needs to know of a process. */
export interface Process {
  readonly name: string;
  dead: boolean;
  /** It does not run: nothing reaches it, what it sent before arrives. */
  paused: boolean;
  /** Nothing reaches it and nothing of it arrives. */
  cut: boolean;
}

/** All that is on its way. What arrives next is the caller's choice, so every interleaving can be had. */
export class Network {
  readonly #parcels: Parcel[] = [];
  readonly #log: (line: string) => void;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  send(parcel: Parcel): void {
    if (parcel.from?.dead !== true) this.#parcels.push(parcel);
  }

  /** Lets the parcel `which` (of those that can move, oldest first, modulo their number) arrive, be lost or refused. */
  handle(which: number, how: 'arrive' | 'lose' | 'refuse'): boolean {
    const free = this.#parcels.filter(movable);
    const parcel = free[which % Math.max(1, free.length)];
    if (parcel === undefined) return false;
    this.#parcels.splice(this.#parcels.indexOf(parcel), 1);
    const refused = how === 'refuse' && parcel.refuse !== undefined;
    this.#log(`${refused ? 'refused' : how === 'lose' ? 'lost' : 'arrives'}: ${parcel.what}`);
    if (refused) parcel.refuse?.();
    else if (how === 'lose') parcel.lose();
    else parcel.arrive();
    return true;
  }

  /** Those on their way to a process die with it; those that it sent arrive all the same. */
  forget(process: Process): void {
    const left = this.#parcels.filter((parcel) => parcel.to !== process);
    this.#parcels.splice(0, Infinity, ...left);
  }
}

function movable({ to, from }: Parcel): boolean {
  return to?.paused !== true && to?.cut !== true && from?.cut !== true;
}
