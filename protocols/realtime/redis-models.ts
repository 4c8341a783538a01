import type { Redis } from 'ioredis';
import { isState } from '../../site/points.js';
import type { StoredModel, StoredModelValue } from './store.js';

const MODELS = 'modsrv:models';

/**
 * Writes what has changed of a model, with VoltageEMS's keys, in one transaction:
 *
 * - `modsrv:model:<id>`: the model as JSON (`model_id`, `name`, `template_id`, `parameters` …), `…:points` its points
 * - `modsrv:model:<id>:measurement` (T, S) and `…:action` (C, A): hashes, field = point's name; numbers with 6 decimals,
 *   states as integers; `__updated` = s since the Unix epoch of the newest value
 * - `modsrv:model:<id>:quality`: qualities other than good, by point
 * - `modsrv:models`, `modsrv:models:by_template:<template>`: ids
 */
export async function writeModel(redis: Redis, model: StoredModel): Promise<void> {
  const key = `modsrv:model:${model.id}`;
  const known = model.definition === undefined ? undefined : await redis.hget(`${key}:about`, 'template');
  const write = redis.multi();
  if (model.definition !== undefined) {
    if (typeof known === 'string') write.srem(byTemplate(known), model.id);
    write.del(key, ...['about', 'points', 'measurement', 'action', 'quality'].map((part) => `${key}:${part}`));
  }
  if (model.definition === null) {
    write.srem(MODELS, model.id);
  } else if (model.definition !== undefined) {
    const { id, name, template, parameters, parent, points } = model.definition;
    write.set(key, JSON.stringify({ model_id: id, name, template_id: template, parameters, parent, mapping: points }));
    write.set(`${key}:points`, JSON.stringify(model.points));
    write.hset(`${key}:about`, { template });
    write.sadd(MODELS, id);
    write.sadd(byTemplate(template), id);
  }
  const measurement = model.values.filter(({ kind }) => kind === 'T' || kind === 'S');
  const action = model.values.filter(({ kind }) => kind === 'C' || kind === 'A');
  for (const [part, values] of [['measurement', measurement] as const, ['action', action] as const]) {
    const fields = fieldsOf(values);
    if (fields !== undefined) write.hset(`${key}:${part}`, fields);
  }
  const qualities = Object.fromEntries(
    model.values.filter(({ quality }) => quality !== 'good').map(({ point, quality }) => [point, quality]),
  );
  const good = model.values.filter(({ quality }) => quality === 'good').map(({ point }) => point);
  if (good.length > 0) write.hdel(`${key}:quality`, ...good);
  if (Object.keys(qualities).length > 0) write.hset(`${key}:quality`, qualities);
  const answers = await write.exec();
  const refused = answers?.find(([error]) => error !== null)?.[0];
  if (refused) throw refused;
}

function byTemplate(template: string): string {
  return `modsrv:models:by_template:${template}`;
}

/** undefined when there is no value. */
function fieldsOf(values: readonly StoredModelValue[]): Record<string, string> | undefined {
  const fields: Record<string, string> = {};
  let updated = 0;
  for (const { point, kind, value, time } of values) {
    if (value === null) continue;
    fields[point] = typeof value === 'string' || isState(kind) ? String(value) : value.toFixed(6);
    updated = Math.max(updated, time ?? 0);
  }
  if (Object.keys(fields).length === 0) return undefined;
  return { ...fields, __updated: String(Math.floor(updated / 1000)) };
}
