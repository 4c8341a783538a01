import Type from 'typebox';
import { StatewattError } from '../errors/error.js';
import { meterMachine } from '../machines/meter.js';
import { decide } from '../machines/meter/decide.js';
import { meterRecord, type MeterContext, type SubmitEvent } from '../machines/meter/record.js';
import type { MeterRecord, ReadingVerdict } from '../site/metering/readings.js';
import { meterActorId, meterIdOf } from './meter/meter-id.js';
import { defineKind, type Turn } from './runtime/kind.js';
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
  unit: Type.Unsafe<'kWh' | 'Wh'>({ type: 'string', enum: ['kWh', 'Wh'] }),
  rollover: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
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

const Settle = Type.Object({ sequence: count, by: text });

/**
 * The kind `meter`: one meter, and which of its readings count (machines/meter.ts). Each accepted reading stands in the
 * journal once, in the effect `accepted` (or `released`) of an entry; whoever mints, counts or shows readings takes them from
 * there, in the order of the stream.
 */
export function createMeterKind() {
  return defineKind({
    kind: 'meter',
    version: 1,
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
          byChannel: Type.Optional(Type.Boolean()),
          limits: Limits,
          readings: Type.Array(Reading, { minItems: 1, maxItems: MAX_READINGS_OF_COMMAND }),
          /** When it was received: by it, refusals are explained that change nothing. */
          receivedAt: count,
        }),
        answerSubmit,
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
  if ('publicKey' in command && record.source !== null) {
    throw new StatewattError(
      'meters.no_key',
      'conflict',
      `the meter ${record.id} has no key: the channel ${record.source.channel} reads it`,
    );
  }
  return record;
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
  return decide(context, { ...command, type: 'submit', at: command.receivedAt }).verdicts;
}

/** There is no meter of this id. */
export function unknownMeter(id: string): StatewattError {
  return new StatewattError('meters.not_found', 'not_found', `there is no meter ${id}`);
}

function revokedMeter(id: string): StatewattError {
  return new StatewattError('meters.revoked', 'conflict', `the meter ${id} is revoked; nothing of it changes any more`);
}
