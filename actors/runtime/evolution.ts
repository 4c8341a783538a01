import { StatewattError } from '../../errors/error.js';
import type { EventBody, JournalEntry, SnapshotRecord } from '../../bus/messages.js';
import type { Ref } from '../../bus/subjects.js';
import { formatRef } from '../../bus/subjects.js';
import type { Loaded } from './journal.js';

/** XState's persisted snapshot, as it lies in SNAPSHOTS. */
export interface PersistedState {
  readonly status: string;
  readonly value: unknown;
  readonly context: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** How a kind reads what its older machines wrote. Each step leads from one version to the next; both are pure. */
export interface Evolution {
  /**
   * From an event of version n, as journaled, to the same event of version n + 1. A version without a step changed no
   * event that was there before.
   */
  readonly upcast?: Readonly<Record<number, (event: EventBody) => EventBody>>;
  /**
   * From a persisted state of version n to one of version n + 1. Without an unbroken way to the present version an older
   * snapshot is left aside and the journal replayed from its beginning.
   */
  readonly migrate?: Readonly<Record<number, (state: PersistedState) => PersistedState>>;
}

/** What of a kind says how it has evolved. */
export interface Evolved extends Evolution {
  readonly version: number;
}

/** What is stored was written by a newer machine than this node has. Code `actors.newer_version`. */
export class NewerVersionError extends StatewattError {
  constructor(ref: Ref, found: number, known: number) {
    super(
      'actors.newer_version',
      'unavailable',
      `${formatRef(ref)} was written by version ${found} of its kind; this node has version ${known}`,
      { details: { found, known }, retryAfterMs: 1_000 },
    );
  }
}

/** @throws `kind.version`: the version is no positive integer, or a step leads from a version that never was before it */
export function checkEvolution(kind: string, { version, upcast, migrate }: Evolved): void {
  const wrong = (what: string) => new StatewattError('kind.version', 'invalid', `kind "${kind}": ${what}`);
  if (!Number.isInteger(version) || version < 1) throw wrong(`version is ${version}; it must be an integer from 1 on`);
  for (const [name, steps] of Object.entries({ upcast: upcast ?? {}, migrate: migrate ?? {} })) {
    const odd = Object.keys(steps).find((from) => !(Number(from) >= 1 && Number(from) < version));
    if (odd !== undefined) {
      throw wrong(`${name} has a step from version ${odd}; steps lead from 1 to ${version - 1} at most`);
    }
  }
}

/** Whether the snapshot is of the present version or can be made so. A newer one is not left aside: see `refuseNewer`. */
export function isUsable({ version, migrate }: Evolved, stored: SnapshotRecord): boolean {
  for (let from = stored.machine; from < version; from++) if (migrate?.[from] === undefined) return false;
  return true;
}

/** The stored state as the present machine would have persisted it. Call only when `isUsable`. */
export function migrateState({ version, migrate }: Evolved, stored: SnapshotRecord): unknown {
  let state = stored.state as PersistedState;
  for (let from = stored.machine; from < version; from++) state = migrate?.[from]?.(state) ?? state;
  return state;
}

/** The journaled event as the present machine takes it. */
export function upcastEvent({ version, upcast }: Evolved, entry: Pick<JournalEntry, 'event' | 'machine'>): EventBody {
  let event = entry.event;
  if (upcast === undefined) return event;
  for (let from = entry.machine; from < version; from++) event = upcast[from]?.(event) ?? event;
  return event;
}

/** @throws NewerVersionError: this node must leave the actor to one that knows what is stored of it */
export function refuseNewer({ version }: Evolved, ref: Ref, { snapshot, entries }: Loaded): void {
  let newest = snapshot?.machine ?? 0;
  for (const { entry } of entries) newest = Math.max(newest, entry.machine);
  if (newest > version) throw new NewerVersionError(ref, newest, version);
}

/**
 * Every entry names the one before it, so a part that is missing is seen, not skipped.
 *
 * @throws `journal.compacted`: entries that are needed were removed; a `migrate` step makes the snapshot usable
 */
export function refuseGap(ref: Ref, { snapshot, entries }: Loaded): void {
  const previous = entries[0]?.entry.previous;
  if (previous === undefined || previous === (snapshot?.seq ?? 0)) return;
  const from = snapshot === undefined ? 'its beginning' : `its snapshot (${snapshot.seq})`;
  throw new StatewattError(
    'journal.compacted',
    'internal',
    `${formatRef(ref)}: the journal no longer reaches back to ${from}; its first entry stands behind ${previous}`,
  );
}
