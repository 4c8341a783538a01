import Type, { type Static } from 'typebox';
import type { StatewattClient } from '../../../actors/client/client.js';
import {
  NewRuleSchema,
  RULE_COMMANDS,
  RuleActionSchema,
  RuleIdSchema,
  type NewRule,
  type RuleExecution,
  type RuleView,
} from '../../../actors/client/rules.js';
import { StatewattError } from '../../../errors/error.js';
import { formatPointAddress, parsePointAddress } from '../../../site/points.js';
import { configures, operates, reads } from '../access/needs.js';
import type { HttpApp } from '../app.js';
import { NoBody } from '../schemas.js';
import { compileValidator, requestError } from '../validation.js';

const closed = { additionalProperties: false } as const;
const { name, description, enabled, priority } = NewRuleSchema.properties;
const RuleParams = Type.Object({ id: RuleIdSchema });

/** VoltageEMS's names of actions, and ours. */
const ACTION_TYPES: Readonly<Record<string, string>> = {
  create_alarm: 'alarm',
  alarm: 'alarm',
  clear_alarm: 'clear_alarm',
  write_point: 'write',
  write: 'write',
  set_point: 'set',
  set: 'set',
  simulate: 'simulate',
  webhook: 'webhook',
  publish: 'publish',
};
const Condition = Type.Object(
  {
    expression: Type.String({ minLength: 1, maxLength: 4_000 }),
    data_sources: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { maxItems: 1_000 })),
  },
  closed,
);
const Action = Type.Object(
  {
    action_type: Type.Unsafe<string>({ type: 'string', enum: Object.keys(ACTION_TYPES) }),
    parameters: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  },
  closed,
);
const Actions = Type.Array(Action, { minItems: 1, maxItems: 50 });
const facts = { name, description, enabled, priority };
const RuleBody = Type.Object(
  { id: Type.Optional(RuleIdSchema), ...facts, condition: Condition, actions: Actions },
  closed,
);
const ChangesBody = Type.Object(
  { ...facts, condition: Type.Optional(Condition), actions: Type.Optional(Actions) },
  closed,
);

/** VoltageEMS's clients send commands without a body, and without its type. */
const commands = { ...operates, bodiless: true } as const;
const removes = { ...configures, bodiless: true } as const;

const isAction = compileValidator({ schema: RuleActionSchema, httpPart: 'body', method: 'POST', url: '/rules' });

/** Rules in the words of VoltageEMS; not in the OpenAPI document, as `/api/v1/rules` says more. */
export function rulesrvRoutes(app: HttpApp, client: StatewattClient): void {
  const schema = { hide: true };
  const one = { ...schema, params: RuleParams };
  app.get('/rules', { config: reads, schema }, async () => {
    const all: RuleView[] = [];
    let cursor: string | null | undefined;
    while (cursor !== null) {
      const page = await client.rules.list(cursor === undefined ? {} : { cursor });
      all.push(...page.rules);
      cursor = page.nextCursor;
    }
    return all.map(toRule);
  });

  app.post('/rules', { config: configures, schema: { ...schema, body: RuleBody } }, async ({ body }, reply) => {
    const { condition, actions, ...rest } = body;
    checkSources(condition);
    const rule = { ...rest, condition: condition.expression, actions: toActions(actions) };
    return reply.code(201).send(toRule(await client.rules.create(rule)));
  });

  app.get('/rules/:id', { config: reads, schema: one }, async ({ params }) =>
    toRule(await client.rules.get(params.id)),
  );

  app.put('/rules/:id', { config: configures, schema: { ...one, body: ChangesBody } }, async ({ params, body }) => {
    const { condition, actions, ...rest } = body;
    if (condition !== undefined) checkSources(condition);
    const changes = {
      ...rest,
      ...(condition === undefined ? {} : { condition: condition.expression }),
      ...(actions === undefined ? {} : { actions: toActions(actions) }),
    };
    return toRule(await client.rules.update(params.id, changes));
  });

  app.delete('/rules/:id', { config: removes, schema: one }, async ({ params }) => {
    await client.rules.remove(params.id);
    return { id: params.id };
  });

  for (const command of RULE_COMMANDS) {
    app.post(`/rules/:id/${command}`, { config: commands, schema: { ...one, body: NoBody } }, async ({ params }) =>
      toRule(await client.rules.command(params.id, command)),
    );
  }

  app.post('/rules/:id/evaluate', { config: commands, schema: { ...one, body: NoBody } }, async ({ params }) =>
    toExecution(params.id, await client.rules.evaluate(params.id, {})),
  );

  app.get('/rules/:id/executions', { config: reads, schema: one }, async ({ params }) => {
    const { executions } = await client.rules.executions(params.id, {});
    return executions.map((execution) => toExecution(params.id, execution));
  });

  /** The newest one that was looked for: what follows the return of a condition is no trigger. */
  app.get('/rules/:id/execution', { config: reads, schema: one }, async ({ params }) => {
    const { executions } = await client.rules.executions(params.id, {});
    const newest = executions.find(({ trigger }) => trigger !== 'returns');
    if (newest !== undefined) return toExecution(params.id, newest);
    throw new StatewattError('rules.not_executed', 'not_found', `the rule ${params.id} was not executed so far`);
  });
}

/** Every source is an address. That the points are there, and that the condition is right, the client says. */
function checkSources({ expression, data_sources: sources }: Static<typeof Condition>): void {
  if (sources === undefined) return;
  const listed = new Set<string>();
  for (const source of sources) {
    const address = parsePointAddress(source);
    if (address === undefined) {
      throw invalidSources(`"${source}" is no point address; allowed: comsrv:<channel>:<T|S|C|A>:<id>`);
    }
    listed.add(formatPointAddress(address));
  }
  const missing = addressesIn(expression).find((address) => !listed.has(address));
  if (missing !== undefined) throw invalidSources(`the expression reads ${missing}, which is not among them`);
}

/** Those that are written as addresses, each once. */
function addressesIn(expression: string): string[] {
  const words = expression.match(/\b(?:comsrv:)?\d+:[TSCA]:\d+\b/g) ?? [];
  const addresses = words.map((word) => parsePointAddress(word)).filter((address) => address !== undefined);
  return [...new Set(addresses.map(formatPointAddress))];
}

function invalidSources(why: string): StatewattError {
  return new StatewattError('rules.invalid_sources', 'invalid', `condition.data_sources: ${why}`);
}

/** @throws `http.invalid_request` */
function toActions(actions: readonly Static<typeof Action>[]): NewRule['actions'] {
  return actions.map(({ action_type: type, parameters = {} }, index) => {
    const action: unknown = { ...parameters, type: ACTION_TYPES[type] };
    if (isAction(action) === true) return action as NewRule['actions'][number];
    throw requestError('http.invalid_request', isAction.errors ?? [], `body.actions[${index}].parameters`);
  });
}

function toRule({ id, name, description, condition, actions, enabled, priority, ...rest }: RuleView) {
  const expression =
    typeof condition === 'string'
      ? condition
      : 'all' in condition
        ? `all(${condition.all.join(', ')})`
        : `any(${condition.any.join(', ')})`;
  return {
    ...{ id, name, description, enabled, priority, state: rest.state },
    condition: { expression, data_sources: [...new Set([...addressesIn(expression), ...Object.keys(rest.values)])] },
    actions: actions.map(({ type, ...parameters }) => ({
      action_type: type === 'alarm' ? 'create_alarm' : type,
      parameters,
    })),
    created_at: new Date(rest.createdAt).toISOString(),
    updated_at: new Date(rest.updatedAt).toISOString(),
  };
}

function toExecution(rule: string, { number, at, triggered, condition, trigger, values, steps }: RuleExecution) {
  return {
    ...{ rule_id: rule, execution_id: number, triggered, executed_at: new Date(at).toISOString(), condition, trigger },
    values,
    actions: steps.map(({ status, error }) => ({ status, ...(error === undefined ? {} : { error: error.message }) })),
  };
}
