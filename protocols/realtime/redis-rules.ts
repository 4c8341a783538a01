import type { Redis } from 'ioredis';
import type { StoredRule } from './store.js';

/** Clocks of two nodes may differ by so much; what is older for more was written by another journal. */
const CLOCKS_MS = 60_000;
/** Rules that one call brings. */
const BATCH = 200;
/** What remains of a rule that is gone keeps late writers from bringing it back. */
const GONE_SECONDS = 3_600;

/**
 * ARGV[1]: JSON `[{id, revision, at, rule?, execution?}, …]`; without `rule` it is gone. One whose revision is not newer
 * is left out, but for what lists are made of: a node of a version before has not written that.
 */
const RULES_SCRIPT = `
for _, rule in ipairs(cjson.decode(ARGV[1])) do
  local key = 'rulesrv:rule:' .. rule.id
  local stored = redis.call('HMGET', key, 'revision', 'at')
  local same = stored[1] and rule.revision == tonumber(stored[1])
  if not stored[1] or rule.revision > tonumber(stored[1]) or rule.at > tonumber(stored[2]) + ${CLOCKS_MS} then
    redis.call('DEL', key)
    redis.call('HSET', key, 'revision', rule.revision, 'at', rule.at)
    if rule.rule then
      redis.call('HSET', key, 'rule', rule.rule)
      if rule.execution then redis.call('HSET', key, 'execution', rule.execution) end
      redis.call('SADD', 'rulesrv:rules', rule.id)
    else
      redis.call('SREM', 'rulesrv:rules', rule.id)
      redis.call('EXPIRE', key, ${GONE_SECONDS})
    end
    same = true
  end
  if same and rule.rule then
    redis.call('HSET', 'rulesrv:texts', rule.id, rule.rule)
    redis.call('ZADD', 'rulesrv:in_order', 0, rule.id)
  elseif same then
    redis.call('HDEL', 'rulesrv:texts', rule.id)
    redis.call('ZREM', 'rulesrv:in_order', rule.id)
  end
end
return 1
`;

/** What of a Redis client is needed. */
export type RuleRedis = Redis & { statewattRules(rules: string): Promise<number> };

export const RULE_SCRIPTS = { statewattRules: RULES_SCRIPT } as const;

/**
 * Writes rules: `rulesrv:rule:<id>` is a hash with the JSON of the rule and of its newest execution, `rulesrv:rules` the
 * set of ids. For lists, which are to take one call for many rules: `rulesrv:texts` is a hash with the JSON of each rule,
 * `rulesrv:in_order` a sorted set of ids, all of the same score, so that they are in the order of their bytes.
 */
export async function writeRules(redis: RuleRedis, rules: readonly StoredRule[]): Promise<void> {
  for (let at = 0; at < rules.length; at += BATCH) {
    await redis.statewattRules(JSON.stringify(rules.slice(at, at + BATCH).map(toStored)));
  }
}

/** Removes rules that nobody knows. A rule is known before it is shown, so it is asked last. */
export async function retainRules(redis: RuleRedis, known: () => Promise<readonly string[]>): Promise<void> {
  const [listed, inOrder] = await Promise.all([redis.smembers('rulesrv:rules'), redis.hkeys('rulesrv:texts')]);
  const shown = [...new Set([...listed, ...inOrder])];
  const ids = new Set(await known());
  const unknown = shown.filter((id) => !ids.has(id));
  if (unknown.length === 0) return;
  const remove = redis.multi().srem('rulesrv:rules', ...unknown);
  remove.hdel('rulesrv:texts', ...unknown).zrem('rulesrv:in_order', ...unknown);
  for (const id of unknown) remove.del(`rulesrv:rule:${id}`);
  await remove.exec();
}

function toStored({ id, revision, at, rule, execution }: StoredRule) {
  return {
    ...{ id, revision, at },
    ...(rule === null ? {} : { rule: JSON.stringify(rule) }),
    ...(execution === null ? {} : { execution: JSON.stringify(execution) }),
  };
}
