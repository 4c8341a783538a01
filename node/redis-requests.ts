import Type, { type Static } from 'typebox';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { alarmRef, type AlarmKind } from '../actors/alarm.js';
import { ModelDefinitionSchema } from '../actors/client/model-schemas.js';
import { RaiseAlarmSchema } from '../actors/client/alarms.js';
import type { Mapping } from '../actors/client/history-mappings.js';
import { RuleActionSchema } from '../actors/client/rules.js';
import { fromRulesrv, RulesrvRuleSchema, toRulesrvExecution } from '../actors/client/rulesrv.js';
import type { RedisCollector } from '../actors/projections/redis-collector.js';
import type { CommandOf } from '../actors/runtime/kind.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import { StatewattError } from '../errors/error.js';
import { FunctionRequests, parseBody, type FunctionRequest } from '../protocols/redis-functions/requests.js';
import type { AlarmRecord } from '../site/alarms.js';
import { toMappingDefinition } from '../site/config/history.js';
import { toMapping } from '../site/config/models.js';
import { MappingFileSchema as StorageFileSchema } from '../site/history/schema.js';
import { MappingFileSchema } from '../site/models/schema.js';
import type { Environment } from '../site/config/index.js';
import type { HistoryMappings } from './history-mappings.js';
import type { LocalRules } from './local-rules.js';
import type { ModelService } from './model-service.js';
import type { NodeLog } from './node.js';
import type { Stages } from './stages.js';
import { OWN_SCHEMAS, validator, type Validator } from '../site/validator.js';

/** What is done about requests that came in by Redis Functions. */
export interface RedisRequestsParts {
  readonly system: ActorSystem;
  readonly alarmKind: AlarmKind;
  readonly models: Pick<ModelService, 'put' | 'remove' | 'write'>;
  readonly rules: Pick<LocalRules, 'put' | 'remove' | 'evaluate' | 'execute'>;
  readonly mappings: Pick<HistoryMappings, 'putMapping' | 'removeMapping'>;
  readonly collector: Pick<RedisCollector, 'collect'> | undefined;
  /** Lists and readers are to have the alarm. */
  readonly showAlarm: (alarm: AlarmRecord) => Promise<unknown>;
}

/** A device is not written later than so long after somebody wanted it. */
const WRITE_WITHIN_MS = 10_000;
/** Who acts when a caller does not say. */
const UNNAMED = 'redis';

const { name, parameters, parent } = ModelDefinitionSchema.properties;
const { title, level, source, description, metadata } = RaiseAlarmSchema.properties;
const closed = { additionalProperties: false } as const;
const ajv = new Ajv2020({ ...OWN_SCHEMAS, allErrors: true, allowUnionTypes: true });

const Model = Type.Object(
  {
    model_id: Type.Optional(Type.String()),
    name: Type.Optional(name),
    template_id: ModelDefinitionSchema.properties.template,
    parameters: Type.Optional(parameters),
    parent: Type.Optional(parent),
    mapping: Type.Optional(Type.Record(Type.String(), MappingFileSchema)),
  },
  closed,
);
const Value = Type.Object({ point: Type.String({ minLength: 1, maxLength: 64 }), value: Type.String() }, closed);
const Alarm = Type.Object({ id: Type.Optional(Type.String()), title, level, source, description, metadata }, closed);
const Change = Type.Object({ by: Type.String({ maxLength: 128 }), notes: Type.String({ maxLength: 2_000 }) }, closed);

const Configuration = Type.Object({ mapping: Type.Union([StorageFileSchema, Type.Null()]) }, closed);
const Collection = Type.Object(
  { channels: Type.Optional(Type.Array(Type.Integer({ minimum: 1, maximum: 0xffff_ffff }), { maxItems: 1_000 })) },
  closed,
);

const isModel = validator(() => ajv.compile<Static<typeof Model>>(Model));
const isValue = validator(() => ajv.compile<Static<typeof Value>>(Value));
const isAlarm = validator(() => ajv.compile<Static<typeof Alarm>>(Alarm));
const isConfiguration = validator(() => ajv.compile<Static<typeof Configuration>>(Configuration));
const isCollection = validator(() => ajv.compile<Static<typeof Collection>>(Collection));
const isRule = validator(() => ajv.compile<Static<typeof RulesrvRuleSchema>>(RulesrvRuleSchema));
const isAction = validator(() => ajv.compile(RuleActionSchema));
const isChange = validator(() => ajv.compile<Static<typeof Change>>(Change));

/**
 * Carries out what the writing functions have accepted: each request is a command to the actor that it is about, with
 * the request's id as the command's.
 */
export class RedisRequests {
  readonly #parts: RedisRequestsParts;

  constructor(parts: RedisRequestsParts) {
    this.#parts = parts;
  }

  /** Answers facts for the caller. @throws what the actor throws; `functions.invalid`, `functions.too_late` */
  async handle(request: FunctionRequest): Promise<Record<string, unknown>> {
    const { id, name, subject, body } = request;
    switch (name) {
      case 'model_upsert': {
        const { template_id: template, model_id: _, mapping = {}, ...rest } = checked(isModel, body);
        const points = Object.fromEntries(Object.entries(mapping).map(([point, to]) => [point, toMapping(to)]));
        await this.#parts.models.put({ id: subject, template, points, ...rest }, id);
        return { model_id: subject };
      }
      case 'model_delete':
        await this.#parts.models.remove(subject, id);
        return { model_id: subject };
      case 'model_set_value':
        return this.#setValue(request);
      case 'store_alarm': {
        const { id: _, ...alarm } = checked(isAlarm, body);
        return this.#alarm(subject, id, { type: 'raise', by: alarm.source.slice(0, 128), ...alarm });
      }
      case 'acknowledge_alarm':
        return this.#alarm(subject, id, { type: 'acknowledge', ...whoAndWhy(body) });
      case 'resolve_alarm':
      case 'delete_alarm':
        return this.#alarm(subject, id, { type: 'resolve', ...whoAndWhy(body) });
      case 'rule_upsert': {
        await this.#parts.rules.put(subject, fromRulesrv(checked(isRule, body), checkAction), id);
        return { rule_id: subject };
      }
      case 'rule_delete':
        await this.#parts.rules.remove(subject, id);
        return { rule_id: subject };
      case 'rule_evaluate':
        return toRulesrvExecution(subject, await this.#parts.rules.evaluate(subject, { commandId: id }));
      case 'rule_execute_actions':
        return toRulesrvExecution(subject, await this.#parts.rules.execute(subject, { commandId: id }));
      case 'hissrv_configure_mapping': {
        const { mapping } = checked(isConfiguration, body);
        if (mapping === null) await this.#parts.mappings.removeMapping(subject, id);
        else await this.#parts.mappings.putMapping(subject, toMappingDefinition(mapping) as Mapping, id);
        return { mapping_id: subject };
      }
      case 'hissrv_collect_data': {
        const { channels } = checked(isCollection, body);
        return { ...(await this.#parts.collector?.collect(request.acceptedAt, channels)) };
      }
      default:
        throw new StatewattError('functions.unknown', 'invalid', `no node of this version does ${name.slice(0, 64)}`);
    }
  }

  async #alarm(alarm: string, commandId: string, command: CommandOf<AlarmKind>): Promise<Record<string, unknown>> {
    const { system, alarmKind, showAlarm } = this.#parts;
    const record: AlarmRecord = await system.ask(alarmRef(alarmKind, alarm), command, { commandId });
    await showAlarm(record);
    return { alarm_id: alarm, alarm_status: record.status };
  }

  async #setValue({ id, subject, body, acceptedAt }: FunctionRequest): Promise<Record<string, unknown>> {
    const { point, value } = checked(isValue, body);
    const deadlineMs = Math.floor(acceptedAt + WRITE_WITHIN_MS - Date.now());
    if (deadlineMs <= 0) {
      const text = `the value was not written within ${WRITE_WITHIN_MS / 1_000} s`;
      throw new StatewattError('functions.too_late', 'conflict', text);
    }
    const request = { model: subject, point, value, commandId: id, deadlineMs: Math.min(deadlineMs, WRITE_WITHIN_MS) };
    const { written, confirmed, answer } = await this.#parts.models.write(request, { fromText: true });
    return { model_id: subject, point, written, confirmed, answer };
  }
}

/** The functions of the Redis that the environment names, if it names one. */
export async function startRedisFunctions(
  stages: Stages,
  { redisUrl, nodeName }: Environment,
  { log, ...parts }: RedisRequestsParts & { readonly log: NodeLog },
): Promise<FunctionRequests | undefined> {
  if (redisUrl === undefined) return undefined;
  const requests = new RedisRequests(parts);
  return stages.start(
    'Redis Functions',
    () =>
      new FunctionRequests({
        url: redisUrl,
        node: nodeName,
        handle: (request) => requests.handle(request),
        onProblem: (problem) => {
          if (problem === null) log.info({ part: 'Redis Functions' }, 'they are there');
          else log.warn({ part: 'Redis Functions' }, problem);
        },
      }),
    (started) => started.stop(),
  );
}

function whoAndWhy(body: string): { by: string; note?: string } {
  const { by, notes } = checked(isChange, body);
  return { by: by === '' ? UNNAMED : by, ...(notes === '' ? {} : { note: notes }) };
}

/** @throws `functions.invalid` */
function checkAction(action: unknown, index: number): void {
  if (!isAction(action)) throw wrong(isAction, `actions[${index}].parameters`);
}

/** @throws `functions.invalid` */
function checked<T>(isRight: Validator<T>, body: string): T {
  const value = parseBody(body);
  if (isRight(value)) return value;
  throw wrong(isRight);
}

function wrong(isRight: Validator, place = ''): StatewattError {
  const problems = (isRight.errors ?? []).map(({ instancePath, message = 'is wrong' }) =>
    `${place}${instancePath.replaceAll('/', '.').slice(place === '' ? 1 : 0)} ${message}`.trim(),
  );
  return new StatewattError('functions.invalid', 'invalid', problems.join('; '), { details: { problems } });
}
