import type {
  RuleCommandName,
  RuleDryRun,
  RuleExecution,
  RuleExecutions,
  RulesPage,
  RulesQuery,
  RuleView,
} from '../../../actors/client/rules.js';
import type { HttpApi } from './api.js';

/** What the page of rules needs of the server. */
export interface RulesApi {
  list(query: RulesQuery): Promise<RulesPage>;
  get(id: string): Promise<RuleView>;
  /** The newest first. */
  executions(id: string): Promise<RuleExecutions>;
  command(id: string, command: RuleCommandName): Promise<RuleView>;
  evaluate(id: string, commandId: string): Promise<RuleExecution>;
  /** Of the last week. */
  dryRun(id: string): Promise<RuleDryRun>;
}

const BASE = '/api/v1/rules';
/** A dry run ends by itself after 20 s, an evaluation waits for devices. */
const LONG_MS = 65_000;

export class HttpRulesApi implements RulesApi {
  readonly #http: Pick<HttpApi, 'ask'>;

  constructor(http: Pick<HttpApi, 'ask'>) {
    this.#http = http;
  }

  async list(query: RulesQuery): Promise<RulesPage> {
    const asked = new URLSearchParams(
      Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
    );
    return (await this.#http.ask(`${BASE}?${asked.toString()}`)) as RulesPage;
  }

  async get(id: string): Promise<RuleView> {
    return (await this.#http.ask(`${BASE}/${encodeURIComponent(id)}`)) as RuleView;
  }

  async executions(id: string): Promise<RuleExecutions> {
    return (await this.#http.ask(`${BASE}/${encodeURIComponent(id)}/executions`)) as RuleExecutions;
  }

  async command(id: string, command: RuleCommandName): Promise<RuleView> {
    return (await this.#http.ask(`${BASE}/${encodeURIComponent(id)}/${command}`, { post: {} })) as RuleView;
  }

  async evaluate(id: string, commandId: string): Promise<RuleExecution> {
    const options = { post: { commandId }, timeoutMs: LONG_MS };
    return (await this.#http.ask(`${BASE}/${encodeURIComponent(id)}/evaluate`, options)) as RuleExecution;
  }

  async dryRun(id: string): Promise<RuleDryRun> {
    return (await this.#http.ask(`${BASE}/${encodeURIComponent(id)}/dry-run`, { timeoutMs: LONG_MS })) as RuleDryRun;
  }
}
