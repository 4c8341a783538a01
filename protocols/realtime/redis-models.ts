import type { Redis } from 'ioredis';
import { isState } from '../../site/points.js';
import { isWritable } from '../../site/models/model.js';
import type { DefinedModel, ModelAge, StoredModel, StoredModelValue } from './store.js';

/**
 * KEYS[1]: `modsrv:model:<id>`. ARGV[1]: JSON `{mode, id, created, changes, template, model, points, writable,
 * measurement, action, quality}`, the last three flat lists of fields and texts. Modes: `all`, `definition` (values
 * stay), `gone`. What is older than what is there is left out; so is a definition that is there already. What remains
 * of a model that is gone keeps late writers from bringing it back. Returns 1 when it was taken.
 */
export const MODEL_SCRIPT = `
local key, about = KEYS[1], KEYS[1] .. ':about'
local given = cjson.decode(ARGV[1])
local stored = redis.call('HMGET', about, 'created', 'changes', 'template')
if stored[1] and given.created <= tonumber(stored[1]) then
  local changes = tonumber(stored[2])
  if given.changes < changes or (given.mode == 'definition' and given.changes == changes) then return 0 end
end
if stored[3] then redis.call('SREM', 'modsrv:models:by_template:' .. stored[3], given.id) end
redis.call('DEL', key, about, key .. ':points', key .. ':writable')
if given.mode ~= 'definition' then
  redis.call('DEL', key .. ':measurement', key .. ':action', key .. ':quality')
end
redis.call('HSET', about, 'created', given.created, 'changes', given.changes)
if given.mode == 'gone' then
  redis.call('SREM', 'modsrv:models', given.id)
  redis.call('EXPIRE', about, 3600)
  return 1
end
local function fill(command, name, list)
  for first = 1, #list, 2000 do
    redis.call(command, key .. name, unpack(list, first, math.min(first + 1999, #list)))
  end
end
redis.call('SET', key, given.model)
redis.call('SET', key .. ':points', given.points)
redis.call('HSET', about, 'template', given.template)
redis.call('SADD', 'modsrv:models', given.id)
redis.call('SADD', 'modsrv:models:by_template:' .. given.template, given.id)
fill('SADD', ':writable', given.writable)
if given.mode == 'all' then
  fill('HSET', ':measurement', given.measurement)
  fill('HSET', ':action', given.action)
  fill('HSET', ':quality', given.quality)
end
return 1
`;

/** A Redis client that knows the script. */
export type ModelRedis = Redis & { statewattModel(key: string, given: string): Promise<number> };

/**
 * Writes what has changed of a model, with VoltageEMS's keys, in one step:
 *
 * - `modsrv:model:<id>`: the model as JSON (`model_id`, `name`, `template_id`, `parameters` …), `…:points` its points,
 *   `…:writable` the names of those that can be written
 * - `modsrv:model:<id>:measurement` (T, S) and `…:action` (C, A): hashes, field = point's name; numbers with 6 decimals,
 *   states as integers; `__updated` = s since the Unix epoch of the newest value
 * - `modsrv:model:<id>:quality`: qualities other than good, by point
 * - `modsrv:models`, `modsrv:models:by_template:<template>`: ids
 */
export async function writeModel(redis: ModelRedis, model: StoredModel): Promise<void> {
  const { id, values } = model;
  if (model.definition === undefined) return writeValues(redis, id, values);
  if (model.definition === null) {
    await redis.statewattModel(keyOf(id), JSON.stringify({ mode: 'gone', id, ...versionOf(model.age) }));
    return;
  }
  const [measurement, action] = fieldsByHash(values);
  const quality = values.filter(isNotGood).flatMap(({ point, quality }) => [point, quality]);
  const given = { mode: 'all', ...definitionOf(model), measurement, action, quality };
  await redis.statewattModel(keyOf(id), JSON.stringify(given));
}

/** Writes the definition unless it is there already. */
export async function showModel(redis: ModelRedis, model: DefinedModel): Promise<void> {
  await redis.statewattModel(keyOf(model.id), JSON.stringify({ mode: 'definition', ...definitionOf(model) }));
}

/** Models that are looked at, and taken away, at once. */
const SWEEP_WIDTH = 64;

/**
 * Takes away what is left of models that are gone. What `isGone` is told of was read before it was asked, so a model that
 * is made meanwhile is a newer one, and stays.
 */
export async function sweepModels(redis: ModelRedis, isGone: (id: string) => Promise<boolean>): Promise<number> {
  const shown = (await redis.smembers('modsrv:models')).values();
  let swept = 0;
  const worker = async (): Promise<void> => {
    for (const id of shown) {
      const [created, changes] = await redis.hmget(`${keyOf(id)}:about`, 'created', 'changes');
      if (!(await isGone(id))) continue;
      const version = { created: Number(created ?? 0), changes: Number(changes ?? 0) };
      await redis.statewattModel(keyOf(id), JSON.stringify({ mode: 'gone', id, ...version }));
      swept += 1;
    }
  };
  await Promise.all(Array.from({ length: SWEEP_WIDTH }, worker));
  return swept;
}

async function writeValues(redis: Redis, id: string, values: readonly StoredModelValue[]): Promise<void> {
  const write = redis.multi();
  const [measurement, action] = fieldsByHash(values);
  if (measurement.length > 0) write.hset(`${keyOf(id)}:measurement`, ...measurement);
  if (action.length > 0) write.hset(`${keyOf(id)}:action`, ...action);
  const good = values.filter((value) => !isNotGood(value)).map(({ point }) => point);
  const others = values.filter(isNotGood).flatMap(({ point, quality }) => [point, quality]);
  if (good.length > 0) write.hdel(`${keyOf(id)}:quality`, ...good);
  if (others.length > 0) write.hset(`${keyOf(id)}:quality`, ...others);
  const answers = await write.exec();
  const refused = answers?.find(([error]) => error !== null)?.[0];
  if (refused) throw refused;
}

function definitionOf({ id, definition, age, points }: DefinedModel) {
  const { name, template, parameters, parent, points: mapping } = definition;
  const writable = points.filter(isWritable).map((point) => point.name);
  return {
    id,
    ...versionOf(age),
    template,
    model: JSON.stringify({ model_id: id, name, template_id: template, parameters, parent, mapping }),
    points: JSON.stringify(points),
    writable,
  };
}

function versionOf({ createdAt, changes }: ModelAge) {
  return { created: createdAt, changes };
}

function keyOf(id: string): string {
  return `modsrv:model:${id}`;
}

function isNotGood({ quality }: StoredModelValue): boolean {
  return quality !== 'good';
}

/** Fields and texts of `:measurement`, and of `:action`. */
function fieldsByHash(values: readonly StoredModelValue[]): [string[], string[]] {
  const isAction = ({ kind }: StoredModelValue) => kind === 'C' || kind === 'A';
  return [fieldsOf(values.filter((value) => !isAction(value))), fieldsOf(values.filter(isAction))];
}

function fieldsOf(values: readonly StoredModelValue[]): string[] {
  const fields: string[] = [];
  let updated = 0;
  for (const { point, kind, value, time } of values) {
    if (value === null) continue;
    fields.push(point, typeof value === 'string' || isState(kind) ? String(value) : value.toFixed(6));
    updated = Math.max(updated, time ?? 0);
  }
  if (fields.length > 0) fields.push('__updated', String(Math.floor(updated / 1000)));
  return fields;
}
