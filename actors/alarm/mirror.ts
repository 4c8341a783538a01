import type { RealtimeStore } from '../../protocols/realtime/store.js';
import type { AlarmRecord } from '../../site/alarms.js';

const RETRY_MS = 1_000;
/** Alarms that are written at once. */
const BATCH = 2_000;

/** What the mirror shows: every alarm that is known. */
export interface MirroredAlarms {
  all(): Iterable<AlarmRecord>;
  has(id: string): boolean;
}

/**
 * Keeps the alarms that readers of the realtime store see up to date. Each node shows what it has just answered; the one
 * that is told to shows all, as the journal tells of them. What changes while the store is away is written once, as it
 * is then.
 */
export class AlarmMirror {
  readonly #store: RealtimeStore;
  readonly #alarms: MirroredAlarms;
  #showsAll = false;
  #waiting = new Map<string, AlarmRecord>();
  /** Resolves when what waits now is written, or could not be. */
  #written: { promise: Promise<void>; resolve: () => void } | undefined;
  /** What nobody knows is to be taken away. */
  #toRetain = false;
  #writing: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(store: RealtimeStore, alarms: MirroredAlarms) {
    this.#store = store;
    this.#alarms = alarms;
  }

  /** Whether this node shows all alarms. */
  showAll(on: boolean): void {
    if (on === this.#showsAll) return;
    this.#showsAll = on;
    this.refresh();
  }

  /** Everything is to be shown anew: every alarm is known now, or the store has come back. */
  refresh(): void {
    if (!this.#showsAll) return;
    for (const alarm of this.#alarms.all()) this.#waiting.set(alarm.id, alarm);
    this.#toRetain = true;
    this.#wake();
  }

  /** An alarm has changed. */
  changed(alarm: AlarmRecord): void {
    if (!this.#showsAll) return;
    this.#waiting.set(alarm.id, alarm);
    this.#wake();
  }

  /** Resolves when readers see the alarm, or while the store is away at once. Never rejects. */
  show(alarm: AlarmRecord): Promise<void> {
    this.#waiting.set(alarm.id, alarm);
    this.#wake();
    if (this.#retry !== undefined || this.#closed || !this.#store.health().up) return Promise.resolve();
    this.#written ??= deferred();
    return this.#written.promise;
  }

  async close(): Promise<void> {
    clearTimeout(this.#retry);
    await this.#writing;
    this.#closed = true;
    clearTimeout(this.#retry);
  }

  /** Who waits waits no longer. */
  #release(): void {
    this.#written?.resolve();
    this.#written = undefined;
  }

  #wake(): void {
    if (this.#closed || this.#retry !== undefined) return;
    if (this.#isBehind()) this.#writing ??= this.#write();
  }

  #isBehind(): boolean {
    return this.#waiting.size > 0 || this.#toRetain;
  }

  async #write(): Promise<void> {
    try {
      while (this.#isBehind() && (await this.#writeOnce()));
    } finally {
      this.#writing = undefined; // At once: what changes next wakes it again.
    }
  }

  /** False when the store is away. */
  async #writeOnce(): Promise<boolean> {
    await new Promise((resolve) => setImmediate(resolve)); // Lets what comes at the same time join.
    const batch = this.#waiting;
    const written = this.#written;
    const retain = this.#toRetain;
    this.#waiting = new Map();
    this.#written = undefined;
    this.#toRetain = false;
    const alarms = [...batch.values()];
    try {
      for (let at = 0; at < alarms.length; at += BATCH) await this.#store.setAlarms(alarms.slice(at, at + BATCH));
      if (retain) await this.#store.retainAlarms((id) => this.#alarms.has(id));
    } catch {
      // The store is away; its health says so.
      for (const [id, alarm] of batch) if (!this.#waiting.has(id)) this.#waiting.set(id, alarm);
      this.#toRetain ||= retain;
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        this.#wake();
      }, RETRY_MS);
      this.#retry.unref();
      this.#release();
      return false;
    } finally {
      written?.resolve();
    }
    return true;
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
