import Type from 'typebox';
import type { StatewattClient } from '../../../actors/client/client.js';
import {
  DryRunRuleSchema,
  EvaluateRuleSchema,
  NewRuleSchema,
  RULE_COMMANDS,
  RuleChangesSchema,
  RuleExecutionsQuerySchema,
  RuleIdSchema,
  RulesQuerySchema,
} from '../../../actors/client/rules.js';
import { configures, operates, reads } from '../access/needs.js';
import type { HttpApp } from '../app.js';
import { errorAnswers, NoBody, RuleDryRun, RuleExecution, RuleExecutions, RulesPage, RuleView } from '../schemas.js';

const RuleParams = Type.Object({ id: RuleIdSchema });
const Evaluation = Type.Union([EvaluateRuleSchema, Type.Null()]);

/** Rules: definitions, what they have done, and the commands of operators. */
export function ruleRoutes(app: HttpApp, client: StatewattClient): void {
  const tags = ['rules'];
  app.get(
    '/rules',
    {
      config: reads,
      schema: {
        operationId: 'listRules',
        summary: 'Rules, ascending by id, page by page',
        tags,
        querystring: RulesQuerySchema,
        response: { 200: RulesPage, ...errorAnswers },
      },
    },
    (request) => client.rules.list(request.query),
  );

  app.post(
    '/rules',
    {
      config: configures,
      schema: {
        operationId: 'createRule',
        summary: 'Make a rule; answers once it is durable',
        tags,
        body: NewRuleSchema,
        response: { 201: RuleView, ...errorAnswers },
      },
    },
    async (request, reply) => reply.code(201).send(await client.rules.create(request.body)),
  );

  app.get(
    '/rules/:id',
    {
      config: reads,
      schema: {
        operationId: 'getRule',
        summary: 'One rule, with its state and what its condition was seen with',
        tags,
        params: RuleParams,
        response: { 200: RuleView, ...errorAnswers },
      },
    },
    (request) => client.rules.get(request.params.id),
  );

  app.put(
    '/rules/:id',
    {
      config: configures,
      schema: {
        operationId: 'updateRule',
        summary: 'Change a rule that does not stand in the site file; what is left out stays',
        tags,
        params: RuleParams,
        body: RuleChangesSchema,
        response: { 200: RuleView, ...errorAnswers },
      },
    },
    (request) => client.rules.update(request.params.id, request.body),
  );

  app.delete(
    '/rules/:id',
    {
      config: configures,
      schema: {
        operationId: 'removeRule',
        summary: 'Remove a rule that does not stand in the site file',
        tags,
        params: RuleParams,
        response: { 204: Type.Null(), ...errorAnswers },
      },
    },
    async (request, reply) => {
      await client.rules.remove(request.params.id);
      return reply.code(204).send(null);
    },
  );

  for (const command of RULE_COMMANDS) {
    app.post(
      `/rules/:id/${command}`,
      {
        config: operates,
        schema: {
          operationId: `${command}Rule`,
          summary: `${command === 'enable' ? 'Enable' : 'Disable'} a rule; answers it once that is durable`,
          tags,
          params: RuleParams,
          body: NoBody,
          response: { 200: RuleView, ...errorAnswers },
        },
      },
      (request) => client.rules.command(request.params.id, command),
    );
  }

  app.post(
    '/rules/:id/evaluate',
    {
      config: operates,
      schema: {
        operationId: 'evaluateRule',
        summary: 'Evaluate a rule now, with the newest values; it fires when its condition is true',
        tags,
        params: RuleParams,
        body: Evaluation,
        response: { 200: RuleExecution, ...errorAnswers },
      },
    },
    (request) => client.rules.evaluate(request.params.id, request.body ?? {}),
  );

  app.post(
    '/rules/:id/execute',
    {
      config: operates,
      schema: {
        operationId: 'executeRule',
        summary: 'Take the actions of a rule’s firing now, whatever its condition is',
        tags,
        params: RuleParams,
        body: Evaluation,
        response: { 200: RuleExecution, ...errorAnswers },
      },
    },
    (request) => client.rules.execute(request.params.id, request.body ?? {}),
  );

  app.get(
    '/rules/:id/dry-run',
    {
      config: reads,
      schema: {
        operationId: 'dryRunRule',
        summary: 'What a rule would have done with the values that history has; nothing is done',
        tags,
        params: RuleParams,
        querystring: DryRunRuleSchema,
        response: { 200: RuleDryRun, ...errorAnswers },
      },
    },
    (request) => client.rules.dryRun(request.params.id, request.query),
  );

  app.get(
    '/rules/:id/executions',
    {
      config: reads,
      schema: {
        operationId: 'listRuleExecutions',
        summary: 'What a rule has done: when, why, and what became of each action, newest first',
        tags,
        params: RuleParams,
        querystring: RuleExecutionsQuerySchema,
        response: { 200: RuleExecutions, ...errorAnswers },
      },
    },
    (request) => client.rules.executions(request.params.id, request.query),
  );
}
