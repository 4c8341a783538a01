import { randomUUID } from 'node:crypto';
import { pageOf } from '../actors/client/page.js';
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
} from '../actors/client/rules.js';
import { collect } from '../actors/models/hub.js';
import { ruleRef, type RuleKind } from '../actors/rule.js';
import type { ActorState } from '../actors/runtime/host.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import { StatewattError } from '../errors/error.js';
import type { HistoryStore } from '../protocols/clickhouse/types.js';
import { buildRule, defineRule } from '../site/rules/build.js';
import { RULE_DEFAULTS, type RuleDefinition } from '../site/rules/definition.js';
import type { Rule } from '../site/rules/rule.js';
import { modelsNamedIn, type CallersModels } from './callers-models.js';
import { refuseUnread } from './crash-of.js';
import { dryRun } from './rule-dry-run.js';
import { relateRules, writesOf } from './rule-loops.js';
import { isDefined, viewExecution, viewRule, type DefinedRule } from './rule-views.js';
import type { SiteHolder } from './site-holder.js';

export interface LocalRulesParts {
  readonly system: ActorSystem;
  readonly kind: RuleKind;
  readonly holder: SiteHolder;
  readonly history: Pick<HistoryStore, 'query'>;
  readonly models: Pick<CallersModels, 'during'>;
  /** Of the site file, for people. */
  readonly sitePath: string;
  /** Readers outside are to see the rule as it is now. */
  readonly show?: (id: string) => Promise<void>;
}

const DEFAULT_EXECUTIONS = 50;

/** The rules of a site as a node answers them; each is asked of its actor. */
export class LocalRules implements RulesClient {
  readonly #parts: LocalRulesParts;

  constructor(parts: LocalRulesParts) {
    this.#parts = parts;
  }

  async list({ state, source, text, limit, cursor }: RulesQuery): Promise<RulesPage> {
    const wanted = text?.toLowerCase();
    const views = (await this.#parts.system.list('rule')).flatMap((actor) =>
      isDefined(actor.context) ? [viewRule(actor.context, actor)] : [],
    );
    const found = views.filter(
      (rule) =>
        (state === undefined || rule.state === state) &&
        (source === undefined || rule.source === source) &&
        (wanted === undefined || `${rule.id}\n${rule.name}\n${rule.description}`.toLowerCase().includes(wanted)),
    );
    const page = { ...(limit === undefined ? {} : { limit }), ...(cursor === undefined ? {} : { cursor }) };
    const { items, nextCursor } = pageOf(found, page, ({ id }) => id, String);
    return { rules: items, nextCursor };
  }

  async get(id: string): Promise<RuleView> {
    const { context, actor } = await this.#look(id);
    return viewRule(context, actor);
  }

  async create({ id = randomUUID(), name = id, ...rest }: NewRule): Promise<RuleView> {
    const rule = await this.#build({ ...RULE_DEFAULTS, id, name, ...rest });
    await this.#parts.system.ask(this.#ref(id), { type: 'create', rule });
    return this.#afterChange(id, this.#acts(rule));
  }

  async update(id: string, changes: RuleChanges): Promise<RuleView> {
    const { context, actor } = await this.#look(id);
    this.#refuseConfigured(context);
    const enabled = actor.chartState !== 'disabled'; // Also while it is being restarted.
    const rule = await this.#build({ ...defineRule(context.rule), enabled, ...changes });
    await this.#parts.system.ask(this.#ref(id), { type: 'update', rule });
    return this.#afterChange(id, this.#acts(rule) || this.#acts(context.rule));
  }

  /** Makes a rule, or another one of what a caller has made. `commandId` makes a repetition change nothing. */
  async put(id: string, { name = id, ...rest }: NewRule, commandId: string): Promise<RuleView> {
    const { system } = this.#parts;
    const rule = await this.#build({ ...RULE_DEFAULTS, ...rest, id, name });
    const known = await system.look(this.#ref(id));
    const before = known !== undefined && isDefined(known.context) ? known.context : undefined;
    if (before !== undefined) this.#refuseConfigured(before);
    const type = before === undefined ? 'create' : 'update';
    await system.ask(this.#ref(id), { type, rule }, { commandId });
    return this.#afterChange(id, this.#acts(rule) || (before !== undefined && this.#acts(before.rule)));
  }

  async remove(id: string, commandId: string = randomUUID()): Promise<void> {
    const { context } = await this.#look(id);
    this.#refuseConfigured(context);
    await this.#parts.system.ask(this.#ref(id), { type: 'remove', source: 'caller' }, { commandId });
    if (this.#acts(context.rule)) await this.#relate();
    await this.#parts.show?.(id);
  }

  async command(id: string, command: RuleCommandName): Promise<RuleView> {
    await this.#look(id);
    await this.#parts.system.ask(this.#ref(id), { type: command });
    return this.#afterChange(id, false);
  }

  async evaluate(id: string, { commandId = randomUUID() }: EvaluateRule): Promise<RuleExecution> {
    await this.#look(id);
    const execution = await this.#parts.system.ask(this.#ref(id), { type: 'evaluate', request: commandId });
    await this.#parts.show?.(id);
    return viewExecution(execution);
  }

  async execute(id: string, { commandId = randomUUID() }: EvaluateRule): Promise<RuleExecution> {
    await this.#look(id);
    const execution = await this.#parts.system.ask(this.#ref(id), { type: 'execute', request: commandId });
    await this.#parts.show?.(id);
    return viewExecution(execution);
  }

  async executions(id: string, { limit = DEFAULT_EXECUTIONS, cursor }: RuleExecutionsQuery): Promise<RuleExecutions> {
    const { context } = await this.#look(id);
    const before = cursor === undefined ? Infinity : toNumber(cursor);
    const older = context.executions.filter(({ number }) => number < before).reverse();
    const last = older[limit - 1];
    return {
      executions: older.slice(0, limit).map(viewExecution),
      nextCursor: last === undefined || older.length === limit ? null : String(last.number),
    };
  }

  async dryRun(id: string, span: DryRunRule): Promise<RuleDryRun> {
    const { context } = await this.#look(id);
    const { holder, history, models } = this.#parts;
    return models.during(modelsNamedIn(context.rule), () =>
      dryRun(context.rule, span, { history, points: holder.points, timeZone: holder.site.timeZone }),
    );
  }

  async #afterChange(id: string, mayLoop: boolean): Promise<RuleView> {
    if (mayLoop) await this.#relate();
    await this.#parts.show?.(id);
    return this.get(id);
  }

  /** Whether it may set a rule off. */
  #acts(rule: Rule): boolean {
    const { site, otherModel } = this.#parts.holder;
    return writesOf(rule, { ...site, otherModel }).length > 0;
  }

  #relate(): Promise<void> {
    const { system, kind, holder, models } = this.#parts;
    return relateRules(system, kind, holder, models);
  }

  /** @throws `rules.invalid` with all that is wrong */
  async #build(definition: RuleDefinition): Promise<Rule> {
    const problems: string[] = [];
    const rule = await this.#parts.models.during(modelsNamedIn(definition), () => {
      const { site, points, otherModel } = this.#parts.holder;
      const parts = { points, channels: site.channels, models: site.models, otherModels: true, otherModel };
      return buildRule(definition, parts, collect(problems));
    });
    if (rule !== undefined) return rule;
    const message = `the rule ${definition.id} cannot be made: ${problems.join('; ')}`;
    throw new StatewattError('rules.invalid', 'invalid', message, { details: { problems } });
  }

  #refuseConfigured({ source, rule }: DefinedRule): void {
    if (source !== 'site') return;
    const { sitePath } = this.#parts;
    throw new StatewattError(
      'rules.configured',
      'conflict',
      `the rule ${rule.id} stands in ${sitePath}; change it there`,
      { details: { file: sitePath } },
    );
  }

  async #look(id: string): Promise<{ context: DefinedRule; actor: ActorState }> {
    const actor = await this.#parts.system.look(this.#ref(id));
    if (actor !== undefined) refuseUnread(actor);
    if (actor !== undefined && isDefined(actor.context)) return { context: actor.context, actor };
    throw new StatewattError('rules.not_found', 'not_found', `there is no rule ${id}`);
  }

  #ref(id: string) {
    return ruleRef(this.#parts.kind, id);
  }
}

function toNumber(cursor: string): number {
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new StatewattError(
    'rules.invalid_cursor',
    'invalid',
    `"${cursor.slice(0, 100)}" is no cursor; pass on the nextCursor of the page before.`,
  );
}
