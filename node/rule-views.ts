import { RULE_STATES, type RuleExecution, type RuleView } from '../actors/client/rules.js';
import type { RuleLive } from '../actors/rule/worker.js';
import type { ActorState } from '../actors/runtime/host.js';
import type { RuleContext } from '../machines/rule.js';
import { defineRule } from '../site/rules/build.js';
import type { Execution, Rule } from '../site/rules/rule.js';

/** What the actor of a rule that there is knows. */
export type DefinedRule = RuleContext & { readonly rule: Rule };

export function isDefined(context: unknown): context is DefinedRule {
  return ((context as RuleContext | undefined)?.rule ?? null) !== null;
}

/** A rule as callers see it. */
export function viewRule(context: DefinedRule, actor: Pick<ActorState, 'state' | 'live'>): RuleView {
  const { rule, source, since, condition, values, firings, executed, loop, stoppedBecause } = context;
  const state = RULE_STATES.find((known) => known === actor.state) ?? 'starting';
  return {
    ...defineRule(rule),
    enabled: state !== 'disabled',
    ref: `rule/${rule.id}`,
    source: source ?? 'caller',
    state,
    since,
    value: condition,
    values: { ...values },
    firedAt: firings.at(-1) ?? null,
    executions: executed,
    problem: stoppedBecause ?? (actor.live as RuleLive | undefined)?.problem ?? null,
    loop,
    createdAt: context.createdAt,
    updatedAt: context.updatedAt,
  };
}

/** An execution as callers see it. */
export function viewExecution({ request: _request, steps, values, ...facts }: Execution): RuleExecution {
  return { ...facts, triggered: facts.condition === true, values: { ...values }, steps: [...steps] };
}
