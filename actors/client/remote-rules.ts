import { randomUUID } from 'node:crypto';
import type { Asker } from './remote-ask.js';
import { ruleEndpoints } from './rule-endpoints.js';
import type {
  DryRunRule,
  EvaluateRule,
  NewRule,
  RuleChanges,
  RuleCommandName,
  RuleDryRun,
  RuleExecution,
  RuleExecutions,
  RuleExecutionsQuery,
  RulesClient,
  RulesPage,
  RulesQuery,
  RuleView,
} from './rules.js';

/** It looks at values for 20 s at most. */
const DRY_RUN_TIMEOUT_MS = 30_000;

/** The rules of a site that runs elsewhere, over its NATS services. */
export class RemoteRules implements RulesClient {
  readonly #asker: Asker;

  constructor(asker: Asker) {
    this.#asker = asker;
  }

  list(query: RulesQuery): Promise<RulesPage> {
    return this.#asker.ask(ruleEndpoints.rulesList, query);
  }

  get(id: string): Promise<RuleView> {
    return this.#asker.ask(ruleEndpoints.rulesGet, { id });
  }

  /** With an id of its own, so that a request that got no answer can be told from one that was not done. */
  create(rule: NewRule): Promise<RuleView> {
    return this.#asker.ask(ruleEndpoints.rulesCreate, { ...rule, id: rule.id ?? randomUUID() });
  }

  update(id: string, changes: RuleChanges): Promise<RuleView> {
    return this.#asker.ask(ruleEndpoints.rulesUpdate, { id, changes });
  }

  async remove(id: string): Promise<void> {
    await this.#asker.ask(ruleEndpoints.rulesRemove, { id });
  }

  command(id: string, command: RuleCommandName): Promise<RuleView> {
    return this.#asker.ask(ruleEndpoints.rulesCommand, { id, command });
  }

  evaluate(id: string, request: EvaluateRule): Promise<RuleExecution> {
    return this.#asker.ask(ruleEndpoints.rulesEvaluate, { id, ...request });
  }

  execute(id: string, request: EvaluateRule): Promise<RuleExecution> {
    return this.#asker.ask(ruleEndpoints.rulesExecute, { id, ...request });
  }

  executions(id: string, query: RuleExecutionsQuery): Promise<RuleExecutions> {
    return this.#asker.ask(ruleEndpoints.rulesExecutions, { id, ...query });
  }

  dryRun(id: string, span: DryRunRule): Promise<RuleDryRun> {
    return this.#asker.ask(ruleEndpoints.rulesDryRun, { id, ...span }, DRY_RUN_TIMEOUT_MS);
  }
}
