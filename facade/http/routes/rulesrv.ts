import Type from 'typebox';
import type { StatewattClient } from '../../../actors/client/client.js';
import { RULE_COMMANDS, RuleActionSchema, RuleIdSchema, type RuleView } from '../../../actors/client/rules.js';
import {
  changesFromRulesrv,
  fromRulesrv,
  newestExecution,
  RulesrvChangesSchema,
  RulesrvRuleSchema,
  toRulesrv,
  toRulesrvExecution,
} from '../../../actors/client/rulesrv.js';
import { StatewattError } from '../../../errors/error.js';
import { configures, operates, reads } from '../access/needs.js';
import type { HttpApp } from '../app.js';
import { NoBody } from '../schemas.js';
import { compileValidator, requestError } from '../validation.js';

const RuleParams = Type.Object({ id: RuleIdSchema });

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
    return all.map(toRulesrv);
  });

  app.post('/rules', { config: configures, schema: { ...schema, body: RulesrvRuleSchema } }, async ({ body }, reply) =>
    reply.code(201).send(toRulesrv(await client.rules.create(fromRulesrv(body, checkAction)))),
  );

  app.get('/rules/:id', { config: reads, schema: one }, async ({ params }) =>
    toRulesrv(await client.rules.get(params.id)),
  );

  app.put('/rules/:id', { config: configures, schema: { ...one, body: RulesrvChangesSchema } }, async (request) =>
    toRulesrv(await client.rules.update(request.params.id, changesFromRulesrv(request.body, checkAction))),
  );

  app.delete('/rules/:id', { config: removes, schema: one }, async ({ params }) => {
    await client.rules.remove(params.id);
    return { id: params.id };
  });

  for (const command of RULE_COMMANDS) {
    app.post(`/rules/:id/${command}`, { config: commands, schema: { ...one, body: NoBody } }, async ({ params }) =>
      toRulesrv(await client.rules.command(params.id, command)),
    );
  }

  app.post('/rules/:id/evaluate', { config: commands, schema: { ...one, body: NoBody } }, async ({ params }) =>
    toRulesrvExecution(params.id, await client.rules.evaluate(params.id, {})),
  );

  app.post('/rules/:id/execute', { config: commands, schema: { ...one, body: NoBody } }, async ({ params }) =>
    toRulesrvExecution(params.id, await client.rules.execute(params.id, {})),
  );

  app.get('/rules/:id/executions', { config: reads, schema: one }, async ({ params }) => {
    const { executions } = await client.rules.executions(params.id, {});
    return executions.map((execution) => toRulesrvExecution(params.id, execution));
  });

  app.get('/rules/:id/execution', { config: reads, schema: one }, async ({ params }) => {
    const { executions } = await client.rules.executions(params.id, {});
    const newest = newestExecution(executions);
    if (newest !== undefined) return toRulesrvExecution(params.id, newest);
    throw new StatewattError('rules.not_executed', 'not_found', `the rule ${params.id} was not executed so far`);
  });
}

/** @throws `http.invalid_request` */
function checkAction(action: unknown, index: number): void {
  if (isAction(action) === true) return;
  throw requestError('http.invalid_request', isAction.errors ?? [], `body.actions[${index}].parameters`);
}
