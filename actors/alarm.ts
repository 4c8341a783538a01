import Type from 'typebox';
import { StatewattError } from '../errors/error.js';
import { alarmMachine } from '../machines/alarm.js';
import { ALARM_LEVELS, type AlarmRecord, type AlarmState } from '../site/alarms.js';
import { defineKind, type Turn } from './runtime/kind.js';
import { ref, type ActorRef } from './runtime/system.js';

/** Longest delay, escalation and shelving: a week. */
const MAX_MS = 7 * 86_400_000;

const by = Type.String({ minLength: 1, maxLength: 128 });
const text = Type.Optional(Type.String({ maxLength: 2_000 }));
const delay = Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_MS }));

const Raise = Type.Object({
  by,
  source: Type.String({ minLength: 1, maxLength: 256 }),
  ruleId: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
  level: Type.Unsafe<(typeof ALARM_LEVELS)[number]>({ type: 'string', enum: [...ALARM_LEVELS] }),
  title: Type.String({ minLength: 1, maxLength: 256 }),
  description: text,
  classification: Type.Optional(Type.String({ maxLength: 64 })),
  group: Type.Optional(Type.String({ maxLength: 128 })),
  metadata: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  value: Type.Optional(Type.Number()),
  onDelayMs: delay,
  offDelayMs: delay,
  escalateAfterMs: delay,
  escalations: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  limit: Type.Optional(
    Type.Object({
      value: Type.Number(),
      direction: Type.Unsafe<'high' | 'low'>({ type: 'string', enum: ['high', 'low'] }),
      deadband: Type.Number({ minimum: 0 }),
    }),
  ),
});
const Plain = Type.Object({ by });
const Reasoned = Type.Object({ by, reason: text });
const Noted = Type.Object({ by, note: text });

/**
 * The kind `alarm`: one alarm of ISA-18.2 (machines/alarm.ts), for as long as there is its source. Every command answers
 * the alarm's record. A raise of an alarm that is raised, a clear of one that is clear and the like change nothing and
 * answer the same; what the alarm's state does not allow is refused (`alarms.state`).
 *
 * Each change stands in the journal with the whole record (see announcedBy): so lists and notifications are made from the
 * journal alone.
 */
export function createAlarmKind() {
  return defineKind({
    kind: 'alarm',
    version: 1,
    machine: alarmMachine,
    input: (id) => ({ id }),
    commands: (command) => ({
      raise: command(Raise, answer),
      clear: command(Type.Object({ by, value: Type.Optional(Type.Number()), reason: text }), answer),
      acknowledge: command(Noted, answer),
      resolve: command(Noted, answer),
      shelve: command(
        Type.Object({ by, forMs: Type.Integer({ minimum: 1_000, maximum: MAX_MS }), reason: text }),
        answer,
      ),
      unshelve: command(Plain, answer),
      suppress: command(Reasoned, answer),
      unsuppress: command(Plain, answer),
      outOfService: command(Reasoned, answer),
      returnToService: command(Plain, answer),
      note: command(Type.Object({ by, text: Type.String({ minLength: 1, maxLength: 2_000 }) }), answer),
    }),
    effects: { announce: () => undefined },
    policy: { snapshotEvery: 50, mailboxCapacity: 100 },
  });
}

export type AlarmKind = ReturnType<typeof createAlarmKind>;

/** The actor of an alarm. @throws `actors.invalid_ref` */
export function alarmRef(kind: AlarmKind, id: string): ActorRef<AlarmKind> {
  return ref(kind, id);
}

/** States in which a command that changed nothing has nothing left to do. */
const FULFILLED: Readonly<Record<string, readonly AlarmState[]>> = {
  acknowledge: ['acknowledged'],
  resolve: ['normal'],
  unshelve: ['normal', 'unacknowledged', 'acknowledged', 'returned'],
  suppress: ['suppressed'],
  unsuppress: ['normal', 'unacknowledged', 'acknowledged', 'returned'],
  outOfService: ['outOfService'],
  returnToService: ['normal', 'unacknowledged', 'acknowledged', 'returned'],
};

function answer({ command, snapshot, changed }: Turn<typeof alarmMachine, unknown>): AlarmRecord {
  const { alarm } = snapshot.context;
  const { type } = command as { type: string };
  if (alarm.revision === 0) throw unknownAlarm(alarm.id);
  if (changed || (FULFILLED[type]?.includes(alarm.state) ?? true)) return alarm;
  throw new StatewattError(
    'alarms.state',
    'conflict',
    `the alarm ${alarm.id} (${alarm.title}) is ${alarm.state}; ${type} does nothing there`,
    { details: { state: alarm.state } },
  );
}

/** There is no alarm of this id. */
export function unknownAlarm(id: string): StatewattError {
  return new StatewattError('alarms.not_found', 'not_found', `there is no alarm ${id}`);
}
