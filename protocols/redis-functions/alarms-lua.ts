import { ALARM_LEVELS } from '../../site/alarms.js';

const LEVELS = ALARM_LEVELS.map((level) => `${level} = true`).join(', ');

/** Alarms: read from what nodes keep in `alarmsrv:…`, and from what has been accepted and is not done yet. */
export const ALARMS_LUA = `
local ALARM = 'alarmsrv:alarm:'
local ALARMS = 'alarmsrv:alarms'
local LEVELS = { ${LEVELS} }
local LEVEL_NAMES = '${ALARM_LEVELS.join(', ')}'
local STATUSES = { active = 'Active', acknowledged = 'Acknowledged', resolved = 'Resolved' }

-- Members of the alarm's JSON: those that stay, those that change, and its level, status and source; nil: there is none.
local function alarm_parts(id)
  local stored = redis.call('HMGET', ALARM .. id, 'fixed', 'state', 'level', 'status', 'source')
  local pending = redis.call('HMGET', PENDING .. 'alarm:' .. id, 'fixed', 'state', 'level', 'status', 'source')
  for i = 1, 5 do stored[i] = pending[i] or stored[i] end
  if not stored[1] then return nil end
  return stored
end

local function alarm_text(parts)
  return '{' .. parts[1] .. ',' .. parts[2] .. '}'
end

local function state_text(state)
  local members = {}
  local order = { 'status', 'updated_at', 'acknowledged_by', 'acknowledged_at', 'resolved_at', 'notes' }
  for _, name in ipairs(order) do
    local value = state[name]
    members[#members + 1] = quote(name) .. ':' .. (value == nil and 'null' or cjson.encode(value))
  end
  return table.concat(members, ',')
end

-- id, JSON [, request id], or JSON alone: raises an alarm.
writing('store_alarm', function(keys, args)
  local all = given(keys, args)
  if #all > 0 and string.find(all[1], '^%s*{') then table.insert(all, 1, false) end
  local text = all[2]
  local alarm, wrong = object_of(text, {
    title = 'string', description = 'string', level = 'string', source = 'string', metadata = 'table', id = 'string',
  })
  if not alarm then return wrong end
  local id = all[1] or alarm.id
  if id then
    local checked, refusal = id_of(id, 'alarm id', 128)
    if not checked then return refusal end
  end
  for _, name in ipairs({ 'title', 'source' }) do
    local value = alarm[name] or ''
    if #value == 0 or #value > 256 then return invalid(name .. ' ' .. show(value), '1 to 256 characters') end
  end
  if not LEVELS[alarm.level or ''] then return invalid('level ' .. show(alarm.level), LEVEL_NAMES) end
  if #(alarm.description or '') > 2000 then return invalid('a longer description', '2000 characters') end
  -- The entry's own name, where the caller gives none.
  local name = id or 'r-' .. redis.sha1hex(text .. table.concat(redis.call('TIME'), '.') .. redis.call('XLEN', COMMANDS))
  local request, answer = accept('store_alarm', name, text, all[3], '"alarm_id":' .. quote(name) .. ',')
  if not request or redis.call('EXISTS', ALARM .. name) == 1 then return answer end
  local now = now_text()
  -- As it was given, where it can be cut out: encoded again, an empty list would be an object.
  local metadata = alarm.metadata and string.match(text, '"metadata"%s*:%s*(%b{})') or '{}'
  if not pcall(cjson.decode, metadata) then metadata = cjson.encode(alarm.metadata) end
  local fixed = '"id":' .. quote(name) .. ',"title":' .. quote(alarm.title) .. ',"description":'
    .. quote(alarm.description or '') .. ',"level":' .. quote(alarm.level) .. ',"source":' .. quote(alarm.source)
    .. ',"metadata":' .. metadata .. ',"created_at":' .. quote(now)
  expect('alarm', name, request, 'fixed', fixed, 'state', state_text({ status = 'Active', updated_at = now }),
    'level', alarm.level, 'status', 'Active', 'source', alarm.source)
  return answer
end)

reading('alarm_get', function(keys, args)
  local id = given(keys, args)[1] or ''
  local parts = alarm_parts(id)
  return parts and alarm_text(parts) or not_found('alarm', id)
end)

-- A change of an alarm that is there.
local function change_alarm(name, keys, args, change)
  local all = given(keys, args)
  local id, refusal = id_of(all[1], 'alarm id', 128)
  if not id then return refusal end
  local by, notes = all[2] or '', all[3] or ''
  if #by > 128 then return invalid(#by .. ' characters of a name', 'at most 128') end
  if #notes > 2000 then return invalid(#notes .. ' characters of notes', 'at most 2000') end
  local parts = alarm_parts(id)
  if not parts then return not_found('alarm', id) end
  local body = '{"by":' .. quote(by) .. ',"notes":' .. quote(notes) .. '}'
  local request, answer = accept(name, id, body, all[4], '"alarm_id":' .. quote(id) .. ',')
  if not request or not change then return answer end
  local state = cjson.decode('{' .. parts[2] .. '}')
  state.updated_at = now_text()
  if notes ~= '' then state.notes = notes end
  change(state, by)
  expect('alarm', id, request, 'fixed', parts[1], 'state', state_text(state), 'level', parts[3], 'status', state.status,
    'source', parts[5])
  return answer
end

-- id [, by, notes, request id]
writing('acknowledge_alarm', function(keys, args)
  return change_alarm('acknowledge_alarm', keys, args, function(state, by)
    if state.status ~= 'Active' then return end
    state.status = 'Acknowledged'
    state.acknowledged_by = by == '' and 'redis' or by
    state.acknowledged_at = state.updated_at
  end)
end)

local function resolve(state)
  if state.status == 'Resolved' then return end
  state.status = 'Resolved'
  state.resolved_at = state.updated_at
end

-- id [, by, notes, request id]
writing('resolve_alarm', function(keys, args)
  return change_alarm('resolve_alarm', keys, args, resolve)
end)

-- id [, by, notes, request id]: what happened stays in the journal, so it is resolved and not forgotten.
writing('delete_alarm', function(keys, args)
  return change_alarm('delete_alarm', keys, args, resolve)
end)

-- [JSON: status, level, source, offset, limit]: newest first. offset counts alarms looked at; at most 2000 a call.
reading('query_alarms', function(keys, args)
  local all = given(keys, args)
  local query, wrong = object_of(all[1] or '{}', {
    status = 'string', level = 'string', source = 'string', offset = 'number', limit = 'number',
  })
  if not query then return wrong end
  local status
  if query.status then
    status = STATUSES[string.lower(query.status)]
    if not status then return invalid('status ' .. show(query.status), 'Active, Acknowledged, Resolved') end
  end
  if query.level and not LEVELS[query.level] then return invalid('level ' .. show(query.level), LEVEL_NAMES) end
  local offset = math.max(0, math.floor(query.offset or 0))
  local limit = math.max(0, math.min(1000, math.floor(query.limit or 100)))
  local texts, seen = {}, {}
  local function take(id)
    local parts = not seen[id] and alarm_parts(id)
    seen[id] = true
    if not parts or (status and parts[4] ~= status) or (query.level and parts[3] ~= query.level)
      or (query.source and parts[5] ~= query.source) then return end
    texts[#texts + 1] = alarm_text(parts)
  end
  if offset == 0 then
    for _, id in ipairs(redis.call('SMEMBERS', PENDING .. 'alarm')) do
      if #texts >= limit then break end
      take(id)
    end
  end
  local from = status and ALARMS .. ':' .. status or ALARMS
  local last, at, ended = offset + 2000, offset, false
  while #texts < limit and at < last and not ended do
    local ids = redis.call('ZREVRANGE', from, at, math.min(at + 99, last - 1))
    ended = #ids == 0
    for _, id in ipairs(ids) do
      if #texts >= limit then break end
      at = at + 1
      take(id)
    end
  end
  local following = at < redis.call('ZCARD', from) and tostring(at) or 'null'
  return '{"total":' .. #texts .. ',"data":[' .. table.concat(texts, ',') .. '],"next_offset":' .. following .. '}'
end)
`;
