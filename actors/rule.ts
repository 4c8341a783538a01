import Type from 'typebox';
import { StatewattError } from '../errors/error.js';
import { ruleMachine, type RuleContext } from '../machines/rule.js';
import type { Execution, Rule } from '../site/rules/rule.js';
import { RuleWorker, type RuleParts } from './rule/worker.js';
import { defineKind, PENDING, type Turn } from './runtime/kind.js';
import { ref, type ActorRef } from './runtime/system.js';

const Configuration = Type.Object({
  revision: Type.String({ minLength: 1 }),
  /** Checked where it came in: by the site's configuration. */
  rule: Type.Unsafe<Rule>({ type: 'object', required: ['id', 'expression', 'actions'] }),
  loop: Type.Union([Type.String(), Type.Null()]),
});
/** `request` names the evaluation; it is found by it in the executions. */
const Evaluation = Type.Object({ request: Type.String({ minLength: 1, maxLength: 128 }) });

/**
 * The kind `rule`: one rule, always on. Its condition is evaluated on the node that owns its partition, on every frame
 * of the channels that it reads (see ConditionWatch); hold time and cooldown are durable timers; its actions are taken
 * one after the other, and again after a crash, each under one key for ever.
 */
export function createRuleKind(parts: RuleParts) {
  const toState = Type.Object({});
  return defineKind({
    kind: 'rule',
    version: 1,
    machine: ruleMachine,
    commands: (command) => ({
      configure: command(Configuration, stateOf),
      enable: command(toState, stateOf),
      disable: command(toState, stateOf),
      evaluate: command(Evaluation, answerEvaluation),
    }),
    resource: (host) => new RuleWorker(host.ref.id, host, parts),
    effects: {
      watch: ({ resource, params }) => resource.watch(params.rule),
      unwatch: ({ resource }) => resource.unwatch(),
      evaluateNow: ({ resource, params }) => resource.evaluateNow(params.request),
      takeNext: ({ resource, params }) => resource.take(params.order, params.rule),
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

function answerEvaluation({ command, snapshot, changed }: RuleTurn<{ request: string }>): Execution | typeof PENDING {
  const { executions, stoppedBecause }: RuleContext = snapshot.context;
  const found = executions.find(({ request }) => request === command.request);
  if (found !== undefined) return found;
  if (changed) return PENDING;
  const why = stoppedBecause === null ? '' : `: ${stoppedBecause}`;
  throw new StatewattError('rules.not_enabled', 'conflict', `the rule is ${snapshot.value}${why}; enable it first`);
}
