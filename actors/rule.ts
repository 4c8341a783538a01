import Type from 'typebox';
import type { Bus } from '../bus/connection.js';
import { StatewattError } from '../errors/error.js';
import { ruleMachine, type RuleContext } from '../machines/rule.js';
import type { Publication, WebhookCall } from '../machines/rule/executions.js';
import type { Execution, Rule } from '../site/rules/rule.js';
import { migrateFrom1, migrateFrom2, upcastFrom1, upcastFrom2 } from './rule/evolution.js';
import { RuleWorker, type RuleParts } from './rule/worker.js';
import { defineKind, PENDING, type Turn } from './runtime/kind.js';
import type { EffectPolicy } from './runtime/outbox/effect.js';
import { ref, type ActorRef } from './runtime/system.js';
import { httpSink } from './sinks/http.js';
import { natsSink } from './sinks/nats.js';

/** Checked where it came in: by the site's configuration, or by the node that a caller asked. */
const rule = Type.Unsafe<Rule>({ type: 'object', required: ['id', 'expression', 'actions'] });
const loop = Type.Union([Type.String(), Type.Null()]);
const Configuration = Type.Object({ revision: Type.String({ minLength: 1 }), rule, loop });
const Removal = Type.Object({
  source: Type.Unsafe<'site' | 'caller'>({ type: 'string', enum: ['site', 'caller'] }),
});
/** `request` names the evaluation; it is found by it in the executions. */
const Evaluation = Type.Object({ request: Type.String({ minLength: 1, maxLength: 128 }) });

/**
 * The kind `rule`: one rule, always on. Its condition is evaluated on the node that owns its partition, on every frame
 * of the channels that it reads (see ConditionWatch); hold time and cooldown are durable timers; its actions are taken
 * one after the other, and again after a crash, each under one key for ever. Webhooks and publications are durable
 * effects: the outbox carries them out, and nothing waits for them.
 *
 * @param delivery how long the outbox tries
 */
export function createRuleKind(parts: RuleParts, bus: Bus, delivery: Partial<EffectPolicy> = {}) {
  const toState = Type.Object({});
  return defineKind({
    kind: 'rule',
    version: 3,
    upcast: { 1: upcastFrom1, 2: upcastFrom2 },
    migrate: { 1: migrateFrom1, 2: migrateFrom2 },
    machine: ruleMachine,
    commands: (command) => ({
      configure: command(Configuration, stateOf),
      create: command(Type.Object({ rule }), answerCreate),
      update: command(Type.Object({ rule }), answerChange),
      remove: command(Removal, answerRemoval),
      relate: command(Type.Object({ loop }), stateOf),
      enable: command(toState, stateOf),
      disable: command(toState, stateOf),
      evaluate: command(Evaluation, answerEvaluation),
      execute: command(Evaluation, answerEvaluation),
    }),
    resource: (host) => new RuleWorker(host.ref.id, host, parts),
    effects: {
      watch: ({ resource, params }) => resource.watch(params.rule, params.upTo),
      unwatch: ({ resource }) => resource.unwatch(),
      evaluateNow: ({ resource, params }) => resource.evaluateNow(params.request),
      takeNext: ({ resource, params }) => resource.take(params.order),
      callWebhook: httpSink({
        url: ({ url }: WebhookCall) => url,
        body: ({ message }: WebhookCall) => message,
        policy: delivery,
      }),
      publishMessage: natsSink({
        bus,
        core: true,
        subject: ({ subject }: Publication) => subject,
        body: ({ message }: Publication) => message,
        policy: delivery,
      }),
    },
    policy: { alwaysOn: true, snapshotEvery: 50, mailboxCapacity: 300 },
  });
}

export type RuleKind = ReturnType<typeof createRuleKind>;

/** The actor of a rule. @throws `actors.invalid_ref` */
export function ruleRef(kind: RuleKind, id: string): ActorRef<RuleKind> {
  return ref(kind, id);
}

type RuleTurn<C> = Turn<typeof ruleMachine, C>;

function stateOf({ snapshot }: RuleTurn<unknown>): string {
  return snapshot.value;
}

function answerCreate({ changed, command, snapshot }: RuleTurn<{ rule: Rule }>): RuleContext {
  if (changed) return snapshot.context;
  throw new StatewattError('rules.exists', 'conflict', `there is a rule ${command.rule.id} already`);
}

function answerChange({ changed, snapshot }: RuleTurn<unknown>): RuleContext {
  if (changed) return snapshot.context;
  const { rule, source }: RuleContext = snapshot.context;
  if (rule === null || source === null) {
    throw new StatewattError('rules.not_found', 'not_found', 'there is no such rule');
  }
  throw new StatewattError(
    'rules.configured',
    'conflict',
    `the rule ${rule.id} stands in the site file; change it there`,
  );
}

/** When its alarms have been cleared, too. */
function answerRemoval(turn: RuleTurn<unknown>): RuleContext | typeof PENDING {
  const context = answerChange(turn);
  return context.rule === null && context.withdrawals.length > 0 ? PENDING : context;
}

function answerEvaluation({ command, snapshot, changed }: RuleTurn<{ request: string }>): Execution | typeof PENDING {
  const { executions, stoppedBecause }: RuleContext = snapshot.context;
  const found = executions.find(({ request }) => request === command.request);
  if (found !== undefined) return found;
  const off = snapshot.value === 'disabled' || snapshot.value === 'stopped';
  if (changed && !off) return PENDING;
  const why = stoppedBecause === null ? '' : `: ${stoppedBecause}`;
  throw new StatewattError('rules.not_enabled', 'conflict', `the rule is ${snapshot.value}${why}; enable it first`);
}
