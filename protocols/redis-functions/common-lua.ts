/** Requests that may wait to be taken; one more is refused. */
export const MAX_WAITING = 10_000;

/** What all functions share. Lua 5.1 inside Redis; a function may touch keys that it makes up, so not in a cluster. */
export const COMMON_LUA = `
local COMMANDS = 'statewatt:commands'
local RESULT = 'statewatt:result:'
local PENDING = 'statewatt:pending:'
local MAX_WAITING = ${MAX_WAITING}
local DAY = 86400

local function invalid(found, allowed)
  return redis.error_reply('INVALID found ' .. found .. ', allowed ' .. allowed)
end

local function not_found(what, id)
  return redis.error_reply('NOTFOUND there is no ' .. what .. ' ' .. string.sub(id, 1, 128))
end

-- What is given, in its order: clients differ in what they call keys.
local function given(keys, args)
  local all = {}
  for _, key in ipairs(keys) do all[#all + 1] = key end
  for _, arg in ipairs(args) do all[#all + 1] = arg end
  return all
end

local function quote(text)
  return cjson.encode(text)
end

local function show(value)
  if type(value) == 'string' then return quote(string.sub(value, 1, 60)) end
  if value == nil then return 'nothing' end
  if value == cjson.null then return 'null' end
  return type(value) == 'table' and 'an object' or tostring(value)
end

-- The id, or nil and the refusal.
local function id_of(id, what, longest)
  if type(id) == 'string' and #id <= longest and string.find(id, '^[%w_-]+$') then return id end
  return nil, invalid('the ' .. what .. ' ' .. show(id), '1 to ' .. longest .. ' of A-Z a-z 0-9 _ -')
end

-- JSON of an object whose members are of these types: { name = 'string', … }; nil and the refusal otherwise.
local function object_of(text, types)
  if type(text) ~= 'string' then return nil, invalid('nothing', 'a JSON object') end
  local ok, value = pcall(cjson.decode, text)
  if not ok or type(value) ~= 'table' or not string.find(text, '^%s*{') then
    return nil, invalid(show(text), 'a JSON object')
  end
  for name, found in pairs(value) do
    local wanted = types[name]
    if wanted == nil then
      local names = {}
      for known in pairs(types) do names[#names + 1] = known end
      table.sort(names)
      return nil, invalid('the member ' .. show(name), table.concat(names, ', '))
    end
    if wanted == 'nullable' then
      if type(found) ~= 'string' and found ~= cjson.null then
        return nil, invalid(name .. ' ' .. show(found), 'text or null')
      end
    elseif wanted ~= 'any' and type(found) ~= wanted then
      local word = wanted == 'table' and 'an object' or wanted == 'string' and 'text' or 'a ' .. wanted
      return nil, invalid(name .. ' ' .. show(found), word)
    end
  end
  return value
end

-- Puts a request into the stream; answers its id and what the caller gets, or nil and the refusal. A second request with
-- an id that was given gets the first one's answer.
local function accept(name, subject, body, id, also)
  if id ~= nil then
    if #id == 0 or #id > 128 or not string.find(id, '^[%w_.:-]+$') then
      return nil, invalid('the request id ' .. show(id), '1 to 128 of A-Z a-z 0-9 _ . : -')
    end
    local known = redis.call('GET', RESULT .. id)
    if known then return nil, known end
  end
  if redis.call('XLEN', COMMANDS) >= MAX_WAITING then
    return nil, redis.error_reply('OVERLOADED ' .. MAX_WAITING .. ' requests wait already; try again later')
  end
  local entry = redis.call('XADD', COMMANDS, '*', 'name', name, 'subject', subject, 'body', body, 'id', id or '')
  id = id or 'redis-' .. entry
  local answer = '{"id":' .. quote(id) .. ',' .. (also or '') .. '"status":"accepted"}'
  redis.call('SET', RESULT .. id, answer, 'EX', DAY)
  return id, answer
end

-- Notes what a request that was accepted will have done, until it is done or refused.
local function expect(kind, subject, id, ...)
  local key = PENDING .. kind .. ':' .. subject
  redis.call('DEL', key)
  redis.call('HSET', key, 'request', id, ...)
  redis.call('EXPIRE', key, DAY)
  redis.call('SADD', PENDING .. kind, subject)
end

-- UTC, ISO 8601. Days to a civil date: the era of 400 years, the year of it, the day of that, from 1 March on.
local function now_text()
  local time = redis.call('TIME')
  local seconds = tonumber(time[1])
  local days = math.floor(seconds / 86400) + 719468
  local era = math.floor(days / 146097)
  local day = days - era * 146097
  local year = math.floor((day - math.floor(day / 1460) + math.floor(day / 36524) - math.floor(day / 146096)) / 365)
  local rest = day - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local part = math.floor((5 * rest + 2) / 153)
  local month = part < 10 and part + 3 or part - 9
  local of_day = seconds % 86400
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ',
    year + era * 400 + (month <= 2 and 1 or 0), month, rest - math.floor((153 * part + 2) / 5) + 1,
    math.floor(of_day / 3600), math.floor(of_day / 60) % 60, of_day % 60, math.floor(tonumber(time[2]) / 1000))
end

local function reading(name, callback)
  redis.register_function({ function_name = name, callback = callback, flags = { 'no-writes' } })
end

local function writing(name, callback)
  redis.register_function({ function_name = name, callback = callback })
end

-- What became of a request: its id.
reading('statewatt_result', function(keys, args)
  local id = given(keys, args)[1] or ''
  return redis.call('GET', RESULT .. id) or not_found('request', id)
end)
`;
