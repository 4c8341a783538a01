import { alarmRef, type AlarmKind } from '../actors/alarm.js';
import { channelRef, type ChannelKind } from '../actors/channel.js';
import type { ActionRun } from '../actors/rule/worker.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import type { Bus } from '../bus/connection.js';
import { encodeHeaders } from '../bus/headers.js';
import { whileConnected } from '../bus/while-connected.js';
import { errorMessage, StatewattError } from '../errors/error.js';
import { alarmId } from '../site/alarm-id.js';
import { parsePointAddress, type PointAddress } from '../site/points.js';
import type { RuleAction } from '../site/rules/rule.js';

type Of<Type> = Extract<RuleAction, { type: Type }>;

/** What rules act with. */
export interface RuleActionParts {
  readonly system: () => ActorSystem;
  readonly channelKind: ChannelKind;
  readonly alarmKind: AlarmKind;
  readonly bus: Bus;
}

/** Of what rules publish. */
const MESSAGE_SCHEMA = 1;
const WRITE_DEADLINE_MS = 5_000;
const ALARM_DEADLINE_MS = 5_000;
const WEBHOOK_TIMEOUT_MS = 10_000;

/** Takes one action of a rule; its key makes a repetition harmless. @throws StatewattError */
export async function takeRuleAction(run: ActionRun, parts: RuleActionParts): Promise<void> {
  const { action } = run;
  switch (action.type) {
    case 'write':
      return write(action, run, parts);
    case 'webhook':
      return callWebhook(action, run);
    case 'publish':
      return publish(action, run, parts.bus);
    case 'raiseAlarm':
      return raiseAlarm(action, run, parts);
    case 'clearAlarm':
      return clearAlarm(action, run, parts);
  }
}

/** The channel remembers the key as the command's id: asked again, it answers the first result and does not write. */
async function write(action: Of<'write'>, { key }: ActionRun, { system, channelKind }: RuleActionParts): Promise<void> {
  const { channel, kind, id } = parsePointAddress(action.point) as PointAddress; // The configuration has checked it.
  if (kind !== 'C' && kind !== 'A') return;
  await system().ask(
    channelRef(channelKind, channel),
    { type: 'write', writeId: key, kind, id, value: action.value },
    { commandId: key, deadline: WRITE_DEADLINE_MS },
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
  { source }: Of<'clearAlarm'>,
  { rule, key }: ActionRun,
  { system, alarmKind }: RuleActionParts,
): Promise<void> {
  const to = alarmRef(alarmKind, alarmId(source, rule.id));
  await system().ask(to, { type: 'clear', by: `rule:${rule.id}` }, { commandId: key, deadline: ALARM_DEADLINE_MS });
}

async function callWebhook(action: Of<'webhook'>, run: ActionRun): Promise<void> {
  const signal = AbortSignal.any([run.signal, AbortSignal.timeout(WEBHOOK_TIMEOUT_MS)]);
  let status: number;
  try {
    const headers = { 'content-type': 'application/json', 'idempotency-key': run.key };
    const response = await fetch(action.url, { method: 'POST', headers, body: messageOf(run, action.body), signal });
    ({ status } = response);
    await response.body?.cancel();
  } catch (error) {
    throw new StatewattError(
      'rules.webhook_failed',
      'unavailable',
      `the webhook was not reached: ${errorMessage(error)}`,
      {
        cause: error,
      },
    );
  }
  if (status < 300) return;
  const later = status >= 500 || status === 429 || status === 408;
  throw new StatewattError('rules.webhook_failed', later ? 'unavailable' : 'invalid', `the webhook answered ${status}`);
}

/** The flush answers only after the server has the message. */
async function publish(action: Of<'publish'>, run: ActionRun, bus: Bus): Promise<void> {
  await whileConnected(bus, async () => {
    const headers = encodeHeaders({ schema: MESSAGE_SCHEMA, dedupId: run.key });
    bus.nats.publish(action.subject, messageOf(run, action.body), { headers });
    await bus.nats.flush();
  });
}

/** What receivers get: JSON. */
function messageOf({ rule, key, at, values }: ActionRun, body: unknown): string {
  return JSON.stringify({ rule: rule.id, name: rule.name, key, at, values, ...(body === undefined ? {} : { body }) });
}
