import Type from 'typebox';
import { makeRef } from '../bus/subjects.js';
import { StatewattError } from '../errors/error.js';
import { meterMachine, type FeedOrder } from '../machines/meter.js';
import { countName, decisionAbout } from '../machines/meter/count.js';
import { decide } from '../machines/meter/decide.js';
import { find } from '../machines/meter/window.js';
import { meterRecord, type CountEvent, type MeterContext, type SubmitEvent } from '../machines/meter/record.js';
import type { MeterRecord, ReadingVerdict } from '../site/metering/readings.js';
import { ENERGY_UNITS, type EnergyUnit } from '../site/metering/register.js';
import { meterActorId, meterIdOf } from './meter/meter-id.js';
import type { PersistedState } from './runtime/evolution.js';
import { defineKind, type Turn } from './runtime/kind.js';
import { durable } from './runtime/outbox/effect.js';
import { ref, type ActorRef } from './runtime/system.js';

/** Readings of one command: what its journal entry has room for. */
export const MAX_READINGS_OF_COMMAND = 500;

const text = Type.String({ minLength: 1, maxLength: 256 });
const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
/** Decimal text of a whole number that 64 bits hold. */
const units = Type.String({ pattern: '^(0|[1-9][0-9]{0,19})$' });
const base58 = Type.String({ pattern: '^[1-9A-HJ-NP-Za-km-z]{32,44}$' });

const Source = Type.Object({
  channel: Type.Integer({ minimum: 1 }),
  point: Type.Integer({ minimum: 1 }),
  unit: Type.Unsafe<EnergyUnit>({ type: 'string', enum: [...ENERGY_UNITS] }),
  rollover: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  intervalSecs: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
});

const Limits = Type.Object({
  maxEnergy: units,
  maxAgeMs: count,
  futureSkewMs: count,
  rate: Type.Object({ ratio: text, decimals: Type.Integer({ minimum: 0, maximum: 18 }) }),
  anomaly: Type.Object({ deviations: Type.Number({ minimum: 0 }), minReadings: count }),
});

const Reading = Type.Object({
  sequence: count,
  start: count,
  end: count,
  energy: units,
  wallet: Type.Optional(base58),
  key: Type.Optional(base58),
  signature: Type.Optional(Type.String({ maxLength: 88 })),
});

/** The kind of the actors that read channels for meters; told by name, as they ask the meters. */
export const METER_FEED = 'meter-feed';

/** Who is to read a counter learns of it, however long that takes. */
const tellFeed = durable<FeedOrder>(
  ({ params: { meter, source, bySite }, tell }) =>
    tell(makeRef(METER_FEED, meterActorId(meter)), { type: 'follow', source, bySite }),
  { attempts: Number.MAX_SAFE_INTEGER },
);

/** Version 1 had no counters. */
function migrateFrom1(state: PersistedState): PersistedState {
  return { ...state, context: { ...state.context, register: null } };
}

const Settle = Type.Object({ sequence: count, by: text });

/**
 * The kind `meter`: one meter, and which of its readings count (machines/meter.ts). Each accepted reading stands in the
 * journal once, in the effect `accepted` (or `released`) of an entry; whoever mints, counts or shows readings takes them from
 * there, in the order of the stream.
 */
export function createMeterKind() {
  return defineKind({
    kind: 'meter',
    version: 2,
    migrate: { 1: migrateFrom1 },
    machine: meterMachine,
    input: (id) => ({ id: meterIdOf(id) }),
    commands: (command) => ({
      register: command(
        Type.Object({
          publicKey: Type.Union([base58, Type.Null()]),
          source: Type.Union([Source, Type.Null()]),
          wallet: base58,
          user: text,
        }),
        answerRegister,
      ),
      rotate: command(Type.Object({ publicKey: base58, by: Type.Optional(text) }), answerChange),
      reassign: command(Type.Object({ wallet: base58, user: text, by: Type.Optional(text) }), answerChange),
      revoke: command(Type.Object({ by: text, reason: text }), answerRevoke),
      submit: command(
        Type.Object({
          submission: text,
          limits: Limits,
          readings: Type.Array(Reading, { minItems: 1, maxItems: MAX_READINGS_OF_COMMAND }),
          /** When it was received: by it, refusals are explained that change nothing. */
          receivedAt: count,
        }),
        answerSubmit,
      ),
      /** As the site file has it, whatever it was before. */
      configure: command(Type.Object({ source: Source, wallet: base58, user: text }), answerConfigure),
      /** The site file has it no more: nothing reads it. */
      detach: command(Type.Object({}), ({ snapshot }) => recordOf(snapshot.context)),
      /** What the counter of its channel showed at a boundary. */
      count: command(
        Type.Object({
          end: count,
          register: units,
          estimated: Type.Optional(Type.Boolean()),
          limits: Limits,
          receivedAt: count,
        }),
        answerCount,
      ),
      /** Another counter has taken the place of its channel's. */
      replace: command(Type.Object({ from: units, to: units, seen: count }), ({ snapshot }) =>
        recordOf(snapshot.context),
      ),
      release: command(Settle, answerSettle),
      refuse: command(Settle, answerSettle),
      /** Changes nothing: what the meter is. */
      describe: command(Type.Object({}), ({ snapshot }) => recordOf(snapshot.context)),
      /** Changes nothing: the readings that wait for a person, oldest first. */
      listHeld: command(Type.Object({}), ({ snapshot }) => {
        recordOf(snapshot.context);
        return snapshot.context.held;
      }),
    }),
    effects: {
      accepted: () => undefined,
      held: () => undefined,
      released: () => undefined,
      refused: () => undefined,
      announce: () => undefined,
      feed: tellFeed,
    },
    policy: { snapshotEvery: 100, mailboxCapacity: 200, journalDays: undefined },
  });
}

export type MeterKind = ReturnType<typeof createMeterKind>;

/** The actor of a meter; the id is the meter's. */
export function meterRef(kind: MeterKind, id: string): ActorRef<MeterKind> {
  return ref(kind, meterActorId(id));
}

type MeterTurn<C> = Turn<typeof meterMachine, C>;

/** @throws `meters.not_found` */
function recordOf(context: MeterContext): MeterRecord {
  const record = meterRecord(context);
  if (record === undefined) throw unknownMeter(context.id);
  return record;
}

function answerRegister({
  changed,
  command,
  snapshot,
}: MeterTurn<Pick<MeterRecord, 'publicKey' | 'source' | 'wallet' | 'user'>>): MeterRecord {
  const record = recordOf(snapshot.context);
  if (changed) return record;
  const same =
    record.state === 'active' &&
    record.publicKey === command.publicKey &&
    record.wallet === command.wallet &&
    record.user === command.user &&
    JSON.stringify(record.source) === JSON.stringify(command.source);
  if (same) return record;
  throw new StatewattError(
    'meters.conflict',
    'conflict',
    `the meter ${record.id} is registered already${record.state === 'revoked' ? ', and revoked' : ', with another key, source, wallet or user'}`,
    { details: { state: record.state } },
  );
}

function answerChange({ changed, command, snapshot }: MeterTurn<object>): MeterRecord {
  const record = recordOf(snapshot.context);
  if (changed) return record;
  if (record.state === 'revoked') throw revokedMeter(record.id);
  if (snapshot.context.registration?.bySite === true) {
    throw new StatewattError(
      'meters.configured',
      'conflict',
      `the meter ${record.id} stands in the site file; change it there`,
    );
  }
  if ('publicKey' in command && record.source !== null) {
    throw new StatewattError(
      'meters.no_key',
      'conflict',
      `the meter ${record.id} has no key: the channel ${record.source.channel} reads it`,
    );
  }
  return record;
}

function answerConfigure({ snapshot }: MeterTurn<unknown>): MeterRecord {
  const record = recordOf(snapshot.context);
  if (record.state === 'revoked') throw revokedMeter(record.id);
  if (record.publicKey !== null) {
    throw new StatewattError(
      'meters.conflict',
      'conflict',
      `the meter ${record.id} is registered with a key; no channel reads it`,
    );
  }
  return record;
}

/** What became of a value of a meter's counter. */
export interface CountAnswer {
  readonly meter: MeterRecord;
  /** Of the reading that ends at the boundary; null: there is none. */
  readonly verdict: ReadingVerdict | null;
  /** Its energy, µWh; null: none that was accepted or held. */
  readonly energy: string | null;
}

function answerCount({
  command,
  changed,
  snapshot,
}: MeterTurn<Omit<CountEvent, 'type' | 'at'> & { receivedAt: number }>): CountAnswer {
  const { context } = snapshot;
  const meter = recordOf(context);
  if (context.answered?.submission === countName(command.end)) {
    const energy = find(context.recent, command.end)?.energy ?? null;
    return { meter, verdict: context.answered.verdicts[0] ?? null, energy };
  }
  if (changed || meter.state === 'revoked') return { meter, verdict: null, energy: null };
  // Nothing was taken: the chart says again why.
  const decision = decisionAbout(context, { ...command, type: 'count', at: command.receivedAt });
  return { meter, verdict: decision?.verdicts[0] ?? null, energy: null };
}

function answerRevoke({ snapshot }: MeterTurn<unknown>): MeterRecord {
  return recordOf(snapshot.context);
}

function answerSettle({ changed, command, snapshot }: MeterTurn<{ sequence: number }>): MeterRecord {
  const record = recordOf(snapshot.context);
  if (changed) return record;
  throw new StatewattError(
    'readings.not_held',
    'conflict',
    `no reading ${command.sequence} of the meter ${record.id} waits for a person`,
  );
}

function answerSubmit(
  turn: MeterTurn<Omit<SubmitEvent, 'type' | 'at'> & { receivedAt: number }>,
): readonly ReadingVerdict[] {
  const { command, snapshot } = turn;
  const { context } = snapshot;
  if (context.answered?.submission === command.submission) return context.answered.verdicts;
  // Nothing was taken, or it was taken before: the chart says again what it said.
  return decide(context, { ...command, at: command.receivedAt }).verdicts;
}

/** There is no meter of this id. */
export function unknownMeter(id: string): StatewattError {
  return new StatewattError('meters.not_found', 'not_found', `there is no meter ${id}`);
}

function revokedMeter(id: string): StatewattError {
  return new StatewattError('meters.revoked', 'conflict', `the meter ${id} is revoked; nothing of it changes any more`);
}
