import { alarmRef, type AlarmKind } from '../actors/alarm.js';
import { channelRef, type ChannelKind } from '../actors/channel.js';
import { evaluateOnce, type NewestValues } from '../actors/rule/evaluate-once.js';
import type { ActionRun } from '../actors/rule/worker.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import { StatewattError } from '../errors/error.js';
import { alarmId } from '../site/alarm-id.js';
import { parsePointAddress, type PointAddress } from '../site/points.js';
import type { RuleAction } from '../site/rules/rule.js';

type Of<Type> = Extract<RuleAction, { type: Type }>;

/** What rules act with. */
export interface RuleActionParts extends NewestValues {
  readonly system: () => ActorSystem;
  readonly channelKind: ChannelKind;
  readonly alarmKind: AlarmKind;
}

const WRITE_DEADLINE_MS = 5_000;
const ALARM_DEADLINE_MS = 5_000;

/**
 * Takes one action of a rule whose outcome is waited for; its key makes a repetition harmless.
 *
 * @throws StatewattError; `rules.interlocked`: it is a write that is not permitted now
 */
export async function takeRuleAction(run: ActionRun, parts: RuleActionParts): Promise<void> {
  const { action } = run;
  switch (action.type) {
    case 'write':
      return write(action, run, parts);
    case 'webhook':
    case 'publish':
      throw new StatewattError('rules.action_failed', 'internal', `a ${action.type} is carried out by the outbox`);
    case 'raiseAlarm':
      return raiseAlarm(action, run, parts);
    case 'clearAlarm':
      return clearAlarm(action, run, parts);
  }
}

/** The channel remembers the key as the command's id: asked again, it answers the first result and does not write. */
async function write(action: Of<'write'>, { key }: ActionRun, parts: RuleActionParts): Promise<void> {
  const { system, channelKind } = parts;
  const { channel, kind, id } = parsePointAddress(action.point) as PointAddress; // The configuration has checked it.
  if (kind !== 'C' && kind !== 'A') return;
  if (action.interlock !== undefined) await requireTrue(action.interlock, action.point, parts);
  await system().ask(
    channelRef(channelKind, channel),
    { type: 'write', writeId: key, kind, id, value: action.value },
    { commandId: key, deadline: WRITE_DEADLINE_MS },
  );
}

/** What cannot be known does not permit anything. */
async function requireTrue(interlock: string, point: string, parts: RuleActionParts): Promise<void> {
  const { value, newest } = await evaluateOnce(interlock, parts);
  if (value === 1) return;
  const seen = newest.map(([address, found]) => `${address} = ${found ?? 'unknown'}`).join(', ');
  throw new StatewattError(
    'rules.interlocked',
    'conflict',
    `${point} was not written: its interlock "${interlock}" is ${value === 0 ? 'false' : 'unknown'}${seen === '' ? '' : `; ${seen}`}`,
    { details: { interlock, values: Object.fromEntries(newest) } },
  );
}

/** One alarm for each source of a rule: raised again, it stays as it is. */
async function raiseAlarm(
  { alarm }: Of<'raiseAlarm'>,
  { rule, key, values }: ActionRun,
  { system, alarmKind }: RuleActionParts,
): Promise<void> {
  const to = alarmRef(alarmKind, alarmId(alarm.source, rule.id));
  const command = { type: 'raise', by: `rule:${rule.id}`, ruleId: rule.id, ...alarm, metadata: { values } } as const;
  await system().ask(to, command, { commandId: key, deadline: ALARM_DEADLINE_MS });
}

async function clearAlarm(
  { source, ruleId }: Of<'clearAlarm'>,
  { rule, key }: ActionRun,
  { system, alarmKind }: RuleActionParts,
): Promise<void> {
  const to = alarmRef(alarmKind, alarmId(source, ruleId ?? rule.id));
  await system().ask(to, { type: 'clear', by: `rule:${rule.id}` }, { commandId: key, deadline: ALARM_DEADLINE_MS });
}
