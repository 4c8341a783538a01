import { StatewattError } from '../../errors/error.js';
import { ruleMachine, type RuleEvent } from '../../machines/rule.js';
import type {
  DryRunRule,
  EvaluateRule,
  NewRule,
  RuleChanges,
  RuleCommandName,
  RuleDryRun,
  RuleExecution,
  RuleExecutions,
  RulesClient,
  RulesPage,
  RulesQuery,
  RuleView,
} from '../../actors/client/rules.js';
import type { WithoutTime } from '../../actors/runtime/kind.js';
import { isDefined, viewExecution, viewRule } from '../../node/rule-views.js';
import { ANY_POINT } from '../../site/expressions/index.js';
import { buildRule, defineRule } from '../../site/rules/build.js';
import { RULE_DEFAULTS, type RuleDefinition } from '../../site/rules/definition.js';
import type { Rule } from '../../site/rules/rule.js';
import { collect } from '../../actors/models/hub.js';
import { SimulatedActor } from './simulated-actor.js';

/** What the condition of every rule is seen with. */
const VALUES = { 'comsrv:1001:T:1': 85.75 };

/** Rules in memory behind the public client, run by the real state chart. The first one, `hot`, stands in the site file. */
export class FakeRules implements RulesClient {
  /** What conditions are from now on. */
  condition: boolean | null = true;
  readonly #actors = new Map<string, SimulatedActor<typeof ruleMachine>>();
  readonly #time: number;

  constructor(time: number) {
    this.#time = time;
    const hot = { id: 'hot', name: 'Too hot', condition: 'comsrv:1001:T:1 > 80', priority: 1 } as const;
    const rule = build({ ...RULE_DEFAULTS, ...hot, actions: [{ type: 'alarm', level: 'Major' }] });
    this.#send('hot', { type: 'configure', revision: '1', rule, loop: null });
  }

  async list({ state, source, text }: RulesQuery): Promise<RulesPage> {
    const all = await Promise.all([...this.#actors.keys()].map((id) => this.get(id).catch(() => undefined)));
    const rules = all.filter(
      (rule) =>
        rule !== undefined &&
        (state === undefined || rule.state === state) &&
        (source === undefined || rule.source === source) &&
        (text === undefined || rule.name.includes(text)),
    );
    return { rules: rules as RuleView[], nextCursor: null };
  }

  async get(id: string): Promise<RuleView> {
    const { snapshot } = this.#find(id);
    if (!isDefined(snapshot.context)) throw notFound(id);
    return viewRule(snapshot.context, {
      state: snapshot.value,
      chartState: snapshot.value,
      live: undefined,
      lastError: null,
    });
  }

  async create({ id = 'made', name = id, ...rest }: NewRule): Promise<RuleView> {
    const rule = build({ ...RULE_DEFAULTS, id, name, ...rest });
    if (!this.#send(id, { type: 'create', rule })) {
      throw new StatewattError('rules.exists', 'conflict', `there is a rule ${id} already`);
    }
    return this.get(id);
  }

  async update(id: string, changes: RuleChanges): Promise<RuleView> {
    const { context } = this.#find(id).snapshot;
    if (!isDefined(context)) throw notFound(id);
    if (!this.#send(id, { type: 'update', rule: build({ ...defineRule(context.rule), ...changes }) }))
      throw configured(id);
    return this.get(id);
  }

  async remove(id: string): Promise<void> {
    await this.get(id);
    if (!this.#send(id, { type: 'remove', source: 'caller' })) throw configured(id);
  }

  async command(id: string, command: RuleCommandName): Promise<RuleView> {
    await this.get(id);
    this.#send(id, { type: command });
    return this.get(id);
  }

  async evaluate(id: string, { commandId = 'q' }: EvaluateRule): Promise<RuleExecution> {
    const { state } = await this.get(id);
    if (state === 'disabled') throw new StatewattError('rules.not_enabled', 'conflict', `the rule is ${state}`);
    this.#send(id, { type: 'evaluated', request: commandId, value: this.condition, values: VALUES });
    const execution = this.#find(id).snapshot.context.executions.at(-1);
    if (execution === undefined) throw notFound(id);
    return viewExecution(execution);
  }

  async execute(id: string, { commandId = 'by-hand' }: EvaluateRule): Promise<RuleExecution> {
    const { snapshot } = this.#find(id);
    if (snapshot.value === 'disabled') {
      throw new StatewattError('rules.not_enabled', 'conflict', 'the rule is disabled; enable it first');
    }
    this.#send(id, { type: 'execute', request: commandId });
    return (await this.executions(id)).executions[0] as RuleExecution;
  }

  async executions(id: string): Promise<RuleExecutions> {
    const { executions } = this.#find(id).snapshot.context;
    return { executions: executions.map(viewExecution).reverse(), nextCursor: null };
  }

  async dryRun(id: string, { to = this.#time, from = to - 3_600_000 }: DryRunRule): Promise<RuleDryRun> {
    await this.get(id);
    const firings = [{ at: to - 60_000, returnedAt: to - 30_000, values: VALUES }];
    return { from, to, fired: 1, firings, samples: 3_600, complete: true, reached: to };
  }

  #find(id: string): SimulatedActor<typeof ruleMachine> {
    const actor = this.#actors.get(id);
    if (actor === undefined) throw notFound(id);
    return actor;
  }

  #send(id: string, event: WithoutTime<RuleEvent>): boolean {
    const actor = this.#actors.get(id) ?? new SimulatedActor(ruleMachine, undefined, this.#time);
    this.#actors.set(id, actor);
    return actor.send(event);
  }
}

function build(definition: RuleDefinition): Rule {
  const problems: string[] = [];
  const rule = buildRule(
    definition,
    { points: ANY_POINT, channels: [], models: [], otherModels: true },
    collect(problems),
  );
  if (rule !== undefined) return rule;
  throw new StatewattError('rules.invalid', 'invalid', problems.join('; '));
}

function configured(id: string): StatewattError {
  return new StatewattError('rules.configured', 'conflict', `the rule ${id} stands in site.yaml; change it there`);
}

function notFound(id: string): StatewattError {
  return new StatewattError('rules.not_found', 'not_found', `there is no rule ${id}`);
}
