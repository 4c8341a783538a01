import { alarmRef, type AlarmKind } from '../actors/alarm.js';
import { channelRef, type ChannelKind } from '../actors/channel.js';
import { evaluateOnce, type NewestValues, type OneLook } from '../actors/rule/evaluate-once.js';
import type { ActionRun } from '../actors/rule/worker.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import { StatewattError } from '../errors/error.js';
import { alarmId } from '../site/alarm-id.js';
import { holdsValue } from '../site/held-points.js';
import type { ChannelConfig } from '../site/model.js';
import { parseModelAddress } from '../site/models/address.js';
import { isState, parsePointAddress, type PointAddress } from '../site/points.js';
import type { RuleAction } from '../site/rules/rule.js';
import type { ModelService } from './model-service.js';
import { checkedValue } from './write-value.js';

type Of<Type> = Extract<RuleAction, { type: Type }>;

/** What rules act with. */
export interface RuleActionParts extends NewestValues {
  readonly system: () => ActorSystem;
  readonly channelKind: ChannelKind;
  readonly alarmKind: AlarmKind;
  /** The configuration in force. */
  readonly channel: (id: number) => ChannelConfig | undefined;
  /** undefined while the node is starting. */
  readonly models: () => Pick<ModelService, 'write' | 'kindOf'> | undefined;
}

const WRITE_DEADLINE_MS = 5_000;
const ALARM_DEADLINE_MS = 5_000;
const SET_DEADLINE_MS = 5_000;

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
    case 'set':
      return action.model === undefined ? set(action, run, parts) : setModel(action, action.model, run, parts);
    case 'simulate':
      return simulate(action, run, parts);
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
  const ofModel = parseModelAddress(action.point);
  if (ofModel !== undefined) {
    const models = modelsOf(parts);
    if (action.interlock !== undefined) await requireTrue(action.interlock, action.point, parts);
    await models.write({ ...ofModel, value: action.value, commandId: key, deadlineMs: WRITE_DEADLINE_MS });
    return;
  }
  const { channel, kind, id } = parsePointAddress(action.point) as PointAddress; // The configuration has checked it.
  if (kind !== 'C' && kind !== 'A') return;
  if (action.interlock !== undefined) await requireTrue(action.interlock, action.point, parts);
  await system().ask(
    channelRef(channelKind, channel),
    { type: 'write', writeId: key, kind, id, value: action.value },
    { commandId: key, deadline: WRITE_DEADLINE_MS },
  );
}

/** The channel takes it in whatever state it is, and shows it with its next cycle. */
async function set({ point: address, value }: Of<'set'>, { key }: ActionRun, parts: RuleActionParts): Promise<void> {
  const { channel, kind, id } = parsePointAddress(address) as PointAddress; // The configuration has checked it.
  const config = parts.channel(channel);
  const point = config?.points.find((each) => each.kind === kind && each.id === id);
  // The configuration may be another one by now.
  if (config === undefined || point === undefined) {
    throw new StatewattError('points.not_found', 'not_found', `there is no point ${address} any more`);
  }
  if (!holdsValue(config, point)) {
    throw new StatewattError('rules.not_settable', 'conflict', `something else feeds ${address}; it cannot be set`);
  }
  const number = checkedValue(point, address, await valueNow(value, isState(kind) ? 'condition' : 'number', parts));
  if (typeof number !== 'number') return;
  await parts
    .system()
    .ask(
      channelRef(parts.channelKind, channel),
      { type: 'hold', kind, id, value: number },
      { commandId: key, deadline: SET_DEADLINE_MS },
    );
}

/** As a caller's write of the model's point: one without a mapping holds it, another one is written at its channel. */
async function setModel(
  { point, value }: Of<'set'>,
  model: string,
  { key }: ActionRun,
  parts: RuleActionParts,
): Promise<void> {
  const models = modelsOf(parts);
  const result = typeof value === 'string' && isState(await models.kindOf(model, point)) ? 'condition' : 'number';
  const number = await valueNow(value, result, parts);
  await models.write({ model, point, value: number, commandId: key, deadlineMs: SET_DEADLINE_MS });
}

function modelsOf({ models }: RuleActionParts): Pick<ModelService, 'write' | 'kindOf'> {
  const found = models();
  if (found !== undefined) return found;
  throw new StatewattError('rules.starting', 'unavailable', 'the node is starting');
}

async function simulate(
  { channel, command }: Of<'simulate'>,
  { key }: ActionRun,
  { system, channelKind, channel: config }: RuleActionParts,
): Promise<void> {
  if (config(channel)?.protocol !== 'virtual') {
    throw new StatewattError('rules.no_simulation', 'conflict', `channel ${channel} is no virtual channel any more`);
  }
  const type = command === 'start' ? 'restart' : 'stop';
  await system().ask(channelRef(channelKind, channel), { type }, { commandId: key, deadline: SET_DEADLINE_MS });
}

/** @throws `rules.unknown_value`: the expression needs something that nobody knows now */
async function valueNow(
  value: number | string,
  result: 'condition' | 'number',
  parts: RuleActionParts,
): Promise<number> {
  if (typeof value === 'number') return value;
  const look = await evaluateOnce(value, result, parts);
  if (!Number.isNaN(look.value)) return look.value;
  throw new StatewattError('rules.unknown_value', 'conflict', `"${value}" is unknown${seenIn(look)}`, {
    details: { expression: value, values: Object.fromEntries(look.newest) },
  });
}

function seenIn({ newest }: OneLook): string {
  const seen = newest.map(([address, found]) => `${address} = ${found ?? 'unknown'}`).join(', ');
  return seen === '' ? '' : `; ${seen}`;
}

/** What cannot be known does not permit anything. */
async function requireTrue(interlock: string, point: string, parts: RuleActionParts): Promise<void> {
  const look = await evaluateOnce(interlock, 'condition', parts);
  const { value, newest } = look;
  if (value === 1) return;
  throw new StatewattError(
    'rules.interlocked',
    'conflict',
    `${point} was not written: its interlock "${interlock}" is ${value === 0 ? 'false' : 'unknown'}${seenIn(look)}`,
    { details: { interlock, values: Object.fromEntries(newest) } },
  );
}

/** One alarm for each source of a rule: raised again, it stays as it is. */
async function raiseAlarm(
  { alarm }: Of<'raiseAlarm'>,
  { rule, key, values }: ActionRun,
  { system, alarmKind }: RuleActionParts,
): Promise<void> {
  const to = alarmRef(alarmKind, alarmId(alarm.source, rule));
  const command = { type: 'raise', by: `rule:${rule}`, ruleId: rule, ...alarm, metadata: { values } } as const;
  await system().ask(to, command, { commandId: key, deadline: ALARM_DEADLINE_MS });
}

/** An alarm that was never raised is as clear as it can be. */
async function clearAlarm(
  { source, ruleId, reason }: Of<'clearAlarm'>,
  { rule, key }: ActionRun,
  { system, alarmKind }: RuleActionParts,
): Promise<void> {
  const to = alarmRef(alarmKind, alarmId(source, ruleId ?? rule));
  const command = { type: 'clear', by: `rule:${rule}`, ...(reason === undefined ? {} : { reason }) } as const;
  try {
    await system().ask(to, command, { commandId: key, deadline: ALARM_DEADLINE_MS });
  } catch (error) {
    // What a rule withdraws may not have been raised yet.
    if (reason === undefined || !(error instanceof StatewattError) || error.code !== 'alarms.not_found') throw error;
  }
}
