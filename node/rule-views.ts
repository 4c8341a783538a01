import { RULE_STATES, type RuleExecution, type RuleView } from '../actors/client/rules.js';
import { newestExecution, toRulesrv, toRulesrvExecution } from '../actors/client/rulesrv.js';
import type { RuleLive } from '../actors/rule/worker.js';
import type { ActorState } from '../actors/runtime/host.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import type { Bus } from '../bus/connection.js';
import { STREAM } from '../bus/streams.js';
import { subjects, type Ref } from '../bus/subjects.js';
import { codecs } from '../bus/topics.js';
import { whileConnected } from '../bus/while-connected.js';
import type { RuleContext } from '../machines/rule.js';
import type { StoredRule } from '../protocols/realtime/store.js';
import { defineRule } from '../site/rules/build.js';
import type { Execution, Rule } from '../site/rules/rule.js';
import { crashOf, type ViewedActor } from './crash-of.js';

/** What the actor of a rule that there is knows. */
export type DefinedRule = RuleContext & { readonly rule: Rule };

export function isDefined(context: unknown): context is DefinedRule {
  return ((context as RuleContext | undefined)?.rule ?? null) !== null;
}

/** A rule as callers see it. */
export function viewRule(context: DefinedRule, actor: ViewedActor): RuleView {
  const { rule, source, since, condition, values, firings, executed, loop, stoppedBecause } = context;
  const state = RULE_STATES.find((known) => known === actor.state) ?? 'starting';
  return {
    ...defineRule(rule),
    enabled: actor.chartState !== 'disabled',
    ref: `rule/${rule.id}`,
    source: source ?? 'caller',
    state,
    since,
    value: condition,
    values: { ...values },
    firedAt: firings.at(-1) ?? null,
    executions: executed,
    problem: crashOf(actor) ?? stoppedBecause ?? (actor.live as RuleLive | undefined)?.problem ?? null,
    loop,
    createdAt: context.createdAt,
    updatedAt: context.updatedAt,
  };
}

/** An execution as callers see it. */
export function viewExecution({ request: _request, steps, values, ...facts }: Execution): RuleExecution {
  return { ...facts, triggered: facts.condition === true, values: { ...values }, steps: [...steps] };
}

/**
 * A rule as readers of Redis are to see it; undefined when it is not there now, and was not removed either: it is on its
 * way to another node, or could not be read from its journal.
 */
export async function readRule(bus: Bus, system: Pick<ActorSystem, 'look'>, ref: Ref): Promise<StoredRule | undefined> {
  const actor = await system.look(ref);
  if (actor !== undefined) return actor.context === undefined ? undefined : storeRule(ref.id, actor);
  const [entry, snapshot] = await whileConnected(bus, () =>
    Promise.all([
      bus.manager.direct.getMessage(STREAM.journal, { last_by_subj: subjects.journal(ref) }),
      bus.manager.direct.getMessage(STREAM.snapshots, { last_by_subj: subjects.snapshot(ref) }),
    ]),
  );
  const gone = { id: ref.id, rule: null, execution: null };
  if (entry !== null) {
    const { event, at } = codecs.journal.decode(entry.data);
    if (event.type === 'remove') return { ...gone, revision: entry.seq, at };
  }
  if (snapshot === null) return undefined;
  // Behind the removal there may be more: it was brought to life again, as at each start, or has cleared its alarms.
  const { seq, at, state } = codecs.snapshot.decode(snapshot.data);
  const { context } = state as { context?: unknown };
  return seq >= (entry?.seq ?? 0) && !isDefined(context) ? { ...gone, revision: seq, at } : undefined;
}

function storeRule(id: string, actor: ViewedActor & Pick<ActorState, 'seq' | 'context'>): StoredRule {
  const { seq: revision, context } = actor;
  if (!isDefined(context)) {
    const { updatedAt = 0 } = (context ?? {}) as Partial<RuleContext>;
    return { id, revision, at: updatedAt, rule: null, execution: null };
  }
  const newest = newestExecution([...context.executions].reverse());
  return {
    id,
    revision,
    at: Math.max(context.updatedAt, context.since, context.executions.at(-1)?.at ?? 0),
    rule: toRulesrv(viewRule(context, actor)),
    execution: newest === undefined ? null : toRulesrvExecution(id, viewExecution(newest)),
  };
}
