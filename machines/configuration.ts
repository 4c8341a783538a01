import { and, assign, setup } from 'xstate';
import type { ConfigurationCause } from '../site/config/versions/cause.js';

/** One configuration in the journal of configurations. */
export interface ConfigurationEntry {
  /** From 1, rising by one. */
  readonly number: number;
  /** ms since the Unix epoch. */
  readonly at: number;
  readonly cause: ConfigurationCause;
  /** Who: a caller’s name, or `file` for an edit of the files. */
  readonly by: string;
  /** That it was seen on. */
  readonly node: string;
  /** SHA-256 of the files, hex. */
  readonly hash: string;
  readonly files: number;
  readonly bytes: number;
  /** Pieces in which its text is kept; 0: it is not, as there was no room. */
  readonly pieces: number;
  /** Secrets that stand in its files themselves and are not kept; with any it cannot be put back. */
  readonly secrets: number;
  /** What changed, in a few words. */
  readonly summary: string;
  /** Of a rollback: the entry that was put back. */
  readonly of: number | null;
}

/** A configuration as it is told by a node that has it in force. */
export type NewConfiguration = Omit<ConfigurationEntry, 'number' | 'at' | 'of'>;

/** A rollback whose files are being written. */
export interface Rollback {
  readonly number: number;
  readonly hash: string;
  readonly by: string;
  readonly at: number;
}

export interface ConfigurationContext {
  /** Number of the newest entry; 0: there is none. */
  readonly last: number;
  /** Of the entry that is in force; null: none yet. */
  readonly inForce: number | null;
  /** Ascending; the oldest go. */
  readonly entries: readonly ConfigurationEntry[];
  readonly rollback: Rollback | null;
}

export type ConfigurationEvent =
  | { type: 'record'; configuration: NewConfiguration; keep: number; at: number }
  | { type: 'rollBack'; number: number; by: string; at: number }
  | { type: 'rollbackFailed'; number: number; at: number };

type Of<Type> = Extract<ConfigurationEvent, { type: Type }>;

/** A configuration with the hash of a rollback counts as put back by it for so long; a node is started again within it. */
const ROLLBACK_MS = 600_000;

/** The files of one rollback are written before those of the next are. */
const WRITING_MS = 60_000;

export interface ForgetParams {
  /** Hashes of configurations that no entry has any more. */
  readonly hashes: readonly string[];
}

/**
 * The journal of the site’s configurations. What is in force already, and is told again by another node or a further
 * start, is no new entry.
 */
export const configurationMachine = setup({
  types: { context: {} as ConfigurationContext, events: {} as ConfigurationEvent },
  guards: {
    isNew: ({ context, event }) => {
      const { configuration } = event as Of<'record'>;
      const { hash, cause } = configuration;
      if (cause === 'kept') return context.entries.at(-1)?.hash !== hash;
      return entryInForce(context)?.hash !== hash;
    },
    drops: ({ context, event }) => dropped(context, event as Of<'record'>).length > 0,
    mayBegin: ({ context, event }) => {
      const { number, at } = event as Of<'rollBack'>;
      return entryOf(context, number) !== undefined && !isWriting(context, at);
    },
    isUnderWay: ({ context, event }) => context.rollback?.number === (event as Of<'rollbackFailed'>).number,
  },
  actions: {
    add: assign(({ context, event }) => {
      const { configuration, keep, at } = event as Of<'record'>;
      const number = context.last + 1;
      const { rollback } = context;
      const isRollback =
        configuration.cause !== 'kept' && rollback?.hash === configuration.hash && at - rollback.at < ROLLBACK_MS;
      const entry: ConfigurationEntry = {
        ...{ number, at },
        ...configuration,
        ...(isRollback ? { cause: 'rollback', by: rollback.by, of: rollback.number } : { of: null }),
      };
      const inForce = configuration.cause === 'kept' ? context.inForce : number;
      const entries = [...context.entries, entry];
      return {
        last: number,
        inForce,
        // That in force stays, however many have been kept since.
        entries: entries.filter((each, index) => each.number === inForce || index >= entries.length - keep),
        rollback: isRollback ? null : rollback,
      };
    }),
    begin: assign(({ context, event }) => {
      const { number, by, at } = event as Of<'rollBack'>;
      return { rollback: { number, by, at, hash: entryOf(context, number)?.hash ?? '' } };
    }),
    end: assign({ rollback: null }),
    forget: (_, _params: ForgetParams) => undefined,
  },
}).createMachine({
  id: 'configuration',
  context: { last: 0, inForce: null, entries: [], rollback: null },
  initial: 'open',
  states: {
    open: {
      on: {
        record: [
          {
            guard: and(['isNew', 'drops']),
            actions: [{ type: 'forget', params: ({ context, event }) => ({ hashes: dropped(context, event) }) }, 'add'],
          },
          { guard: 'isNew', actions: 'add' },
        ],
        rollBack: { guard: 'mayBegin', actions: 'begin' },
        rollbackFailed: { guard: 'isUnderWay', actions: 'end' },
      },
    },
  },
});

function isWriting({ rollback }: ConfigurationContext, at: number): boolean {
  return rollback !== null && at - rollback.at < WRITING_MS;
}

export function entryOf({ entries }: ConfigurationContext, number: number): ConfigurationEntry | undefined {
  return entries.find((entry) => entry.number === number);
}

export function entryInForce(context: ConfigurationContext): ConfigurationEntry | undefined {
  return context.inForce === null ? undefined : entryOf(context, context.inForce);
}

/** What goes when one more comes. */
function dropped(context: ConfigurationContext, { configuration, keep }: Of<'record'>): string[] {
  const inForce = configuration.cause === 'kept' ? context.inForce : null;
  const stay = context.entries.filter(
    ({ number }, index) => number === inForce || index > context.entries.length - keep,
  );
  const kept = new Set([configuration.hash, ...stay.map(({ hash }) => hash)]);
  return [...new Set(context.entries.map(({ hash }) => hash))].filter((hash) => !kept.has(hash));
}
