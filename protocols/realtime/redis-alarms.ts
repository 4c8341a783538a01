import type { Redis } from 'ioredis';
import { toAlarmsrv } from '../../site/alarm-view.js';
import type { AlarmRecord } from '../../site/alarms.js';

/** Alarms that are done with stay so many; those raised longest ago go first. */
const KEPT_RESOLVED = 10_000;
/** Clocks of two nodes may differ by so much; what is older for more was written by another journal. */
const CLOCKS_MS = 60_000;
/** Alarms that one call brings. */
const BATCH = 500;

/**
 * ARGV[1]: JSON `[{id, revision, at, raised, status, level, source, fixed, state}, …]`. `fixed` and `state` are the
 * members of the alarm's JSON that never change, and those that do; an alarm is `{fixed,state}`. One whose revision is
 * not newer is left out.
 */
const ALARMS_SCRIPT = `
for _, alarm in ipairs(cjson.decode(ARGV[1])) do
  local key = 'alarmsrv:alarm:' .. alarm.id
  local stored = redis.call('HMGET', key, 'revision', 'at', 'status')
  if not stored[1] or alarm.revision > tonumber(stored[1]) or alarm.at > tonumber(stored[2]) + ${CLOCKS_MS} then
    if stored[3] and stored[3] ~= alarm.status then redis.call('ZREM', 'alarmsrv:alarms:' .. stored[3], alarm.id) end
    redis.call('HSET', key, 'revision', alarm.revision, 'at', alarm.at, 'status', alarm.status, 'level', alarm.level,
      'source', alarm.source, 'fixed', alarm.fixed, 'state', alarm.state)
    redis.call('ZADD', 'alarmsrv:alarms', alarm.raised, alarm.id)
    redis.call('ZADD', 'alarmsrv:alarms:' .. alarm.status, alarm.raised, alarm.id)
  end
end
local over = redis.call('ZCARD', 'alarmsrv:alarms:Resolved') - ${KEPT_RESOLVED}
if over > 0 then
  local popped = redis.call('ZPOPMIN', 'alarmsrv:alarms:Resolved', over)
  for i = 1, #popped, 2 do
    redis.call('ZREM', 'alarmsrv:alarms', popped[i])
    redis.call('DEL', 'alarmsrv:alarm:' .. popped[i])
  end
end
return 1
`;

/** ARGV: time (ms), then ids. Removes those that have not changed since that time. */
const RETIRE_SCRIPT = `
for i = 2, #ARGV do
  local key = 'alarmsrv:alarm:' .. ARGV[i]
  local stored = redis.call('HMGET', key, 'at', 'status')
  if not stored[1] or tonumber(stored[1]) < tonumber(ARGV[1]) then
    if stored[2] then redis.call('ZREM', 'alarmsrv:alarms:' .. stored[2], ARGV[i]) end
    redis.call('ZREM', 'alarmsrv:alarms', ARGV[i])
    redis.call('DEL', key)
  end
end
return 1
`;

/** What of a Redis client is needed. */
export type AlarmRedis = Redis & {
  statewattAlarms(alarms: string): Promise<number>;
  statewattRetireAlarms(before: number, ...ids: string[]): Promise<number>;
};

export const ALARM_SCRIPTS = { statewattAlarms: ALARMS_SCRIPT, statewattRetireAlarms: RETIRE_SCRIPT } as const;

/**
 * Writes alarms, with `alarmsrv:alarm:<id>` a hash for each, `alarmsrv:alarms` all ids by the time (ms) that they were
 * raised, and `alarmsrv:alarms:Active|Acknowledged|Resolved` those of one status.
 */
export async function writeAlarms(redis: AlarmRedis, alarms: readonly AlarmRecord[]): Promise<void> {
  // One whose condition did not outlast its on delay was never raised.
  const shown = alarms.filter(({ state, occurrences }) => state !== 'normal' || occurrences > 0);
  for (let at = 0; at < shown.length; at += BATCH) {
    await redis.statewattAlarms(JSON.stringify(shown.slice(at, at + BATCH).map(toStored)));
  }
}

/** Removes what nobody knows, unless it is as new as what may not have been heard of yet. */
export async function retainAlarms(redis: AlarmRedis, isKnown: (id: string) => boolean): Promise<void> {
  const before = Date.now() - CLOCKS_MS;
  let cursor = '0';
  do {
    const [next, found] = await redis.zscan('alarmsrv:alarms', cursor, 'COUNT', BATCH);
    const unknown = found.filter((id, index) => index % 2 === 0 && !isKnown(id));
    if (unknown.length > 0) await redis.statewattRetireAlarms(before, ...unknown);
    cursor = next;
  } while (cursor !== '0');
}

function toStored(alarm: AlarmRecord) {
  const { id, title, description, level, source, metadata, created_at, status, ...state } = toAlarmsrv(alarm);
  return {
    id,
    revision: alarm.revision,
    at: alarm.change.at,
    raised: alarm.raisedAt ?? alarm.since,
    status,
    level,
    source,
    fixed: members({ id, title, description, level, source, metadata, created_at }),
    state: members({ status, ...state }),
  };
}

/** The members of a JSON object, without its braces. */
function members(value: object): string {
  return JSON.stringify(value).slice(1, -1);
}
