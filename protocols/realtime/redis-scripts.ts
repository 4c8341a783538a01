/**
 * The store's atomic steps, run inside Redis. KEYS[1] is `comsrv:<channel>`; all keys that a script touches begin
 * with it. Lua may not unpack more than some thousand values at once, hence the slices of STEP.
 */
const SHARED = `
local base = KEYS[1]
local KINDS = { ':T', ':S', ':C', ':A' }
local STEP = 2000
`;

/** ARGV: epoch, seq, time, packed points (frame-pack.ts). Returns 1 when applied, 0 when not newer than what is stored. */
export const APPLY_SCRIPT = `${SHARED}
local QUALITIES = { 'stale', 'bad', 'out-of-range' }
local frame = base .. ':frame'
local stored = redis.call('HMGET', frame, 'epoch', 'seq', 'time')
local epoch, seq = tonumber(ARGV[1]), tonumber(ARGV[2])
if stored[1] then
  local stored_epoch = tonumber(stored[1])
  if stored_epoch > epoch or (stored_epoch == epoch and tonumber(stored[2]) >= seq) then return 0 end
end
redis.call('HSET', frame, 'epoch', ARGV[1], 'seq', ARGV[2], 'time', ARGV[3])

local function set_all(key, list)
  for first = 1, #list, STEP do
    redis.call('HSET', key, unpack(list, first, math.min(first + STEP - 1, #list)))
  end
end
local function delete_all(key, column)
  for first = 1, #column, STEP do
    local ids = {}
    for i = first, math.min(first + STEP - 1, #column), 2 do ids[#ids + 1] = column[i] end
    redis.call('HDEL', key, unpack(ids))
  end
end

local columns = cmsgpack.unpack(ARGV[4])
local format = string.format
for kind = 1, 4 do
  local column = columns[kind]
  if #column > 0 then
    local key = base .. KINDS[kind]
    -- Qualities and times are kept only for points that need one, so mostly these hashes are not there.
    if redis.call('EXISTS', key .. ':q') == 1 then delete_all(key .. ':q', column) end
    if redis.call('EXISTS', key .. ':ts') == 1 then delete_all(key .. ':ts', column) end
    if kind == 1 or kind == 4 then
      for i = 2, #column, 2 do column[i] = format('%.6f', column[i]) end
    end
    set_all(key, column)
  end
end

local texts = columns[6]
for i = 1, #texts, 3 do
  local key, id = base .. KINDS[texts[i]], texts[i + 1]
  redis.call('HSET', key, id, texts[i + 2])
  redis.call('SADD', key .. ':text', id)
  redis.call('HDEL', key .. ':q', id)
  redis.call('HDEL', key .. ':ts', id)
end

local irregular = columns[5]
if #irregular == 0 then return 1 end
local qualities, times = { {}, {}, {}, {} }, { {}, {}, {}, {} }
for i = 1, #irregular, 4 do
  local kind, id, quality, time = irregular[i], irregular[i + 1], irregular[i + 2], irregular[i + 3]
  if quality > 0 then
    local list = qualities[kind]
    list[#list + 1] = id
    list[#list + 1] = QUALITIES[quality]
  elseif time < 0 then
    redis.call('HDEL', base .. KINDS[kind] .. ':q', id)
  end
  if time > 0 then
    local list = times[kind]
    list[#list + 1] = id
    list[#list + 1] = time
  elseif time < 0 and stored[3] then
    redis.call('HSETNX', base .. KINDS[kind] .. ':ts', id, stored[3])
  end
end
for kind = 1, 4 do
  set_all(base .. KINDS[kind] .. ':q', qualities[kind])
  set_all(base .. KINDS[kind] .. ':ts', times[kind])
end
return 1
`;

/** Returns the frame's epoch, seq and time, then for each kind: values, qualities and times as flat lists, ids of texts. */
export const READ_CHANNEL_SCRIPT = `${SHARED}
local found = { redis.call('HMGET', base .. ':frame', 'epoch', 'seq', 'time') }
for kind = 1, 4 do
  local key = base .. KINDS[kind]
  found[#found + 1] = redis.call('HGETALL', key)
  found[#found + 1] = redis.call('HGETALL', key .. ':q')
  found[#found + 1] = redis.call('HGETALL', key .. ':ts')
  found[#found + 1] = redis.call('SMEMBERS', key .. ':text')
end
return found
`;

/** ARGV: kind (T …), id. Returns frame's time, value, quality, time, whether it is text. */
export const READ_POINT_SCRIPT = `
local key = KEYS[1] .. ':' .. ARGV[1]
return {
  redis.call('HGET', KEYS[1] .. ':frame', 'time'),
  redis.call('HGET', key, ARGV[2]),
  redis.call('HGET', key .. ':q', ARGV[2]),
  redis.call('HGET', key .. ':ts', ARGV[2]),
  redis.call('SISMEMBER', key .. ':text', ARGV[2]),
}
`;

/**
 * ARGV[1]: JSON `[[{id, row, text}, …] of T, S, C, A]`. Replaces the four tables and drops what is stored of points
 * that are in none.
 */
export const CONFIG_SCRIPT = `${SHARED}
local TABLES = { ':config:telemetry', ':config:signal', ':config:control', ':config:adjustment' }
local tables = cjson.decode(ARGV[1])
for kind = 1, 4 do
  local key = base .. KINDS[kind]
  local known, texts = {}, {}
  redis.call('DEL', base .. TABLES[kind])
  for _, point in ipairs(tables[kind]) do
    redis.call('HSET', base .. TABLES[kind], point.id, point.row)
    known[point.id] = true
    texts[point.id] = point.text
  end
  for _, suffix in ipairs({ '', ':q', ':ts' }) do
    for _, id in ipairs(redis.call('HKEYS', key .. suffix)) do
      if not known[id] then redis.call('HDEL', key .. suffix, id) end
    end
  end
  for _, id in ipairs(redis.call('SMEMBERS', key .. ':text')) do
    if not texts[id] then redis.call('SREM', key .. ':text', id) end
  end
end
return 1
`;
