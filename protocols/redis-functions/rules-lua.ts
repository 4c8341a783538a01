/** Rules: read from what nodes keep in `rulesrv:…`, and from what has been accepted and is not done yet. */
export const RULES_LUA = `
local RULE = 'rulesrv:rule:'
local RULE_TEXTS = 'rulesrv:texts'
local RULES_IN_ORDER = 'rulesrv:in_order'
local RULES_AT_ONCE = 200
local RULE_MEMBERS = {
  id = 'string', name = 'string', description = 'string', enabled = 'boolean', priority = 'number', condition = 'table',
  actions = 'table',
}

-- A rule as JSON; nil when there is none.
local function rule_text(id)
  local pending = redis.call('HMGET', PENDING .. 'rule:' .. id, 'text', 'gone')
  if pending[1] then return pending[1] end
  if pending[2] then return nil end
  return redis.call('HGET', RULE .. id, 'rule') or nil
end

-- id, JSON [, request id]: makes a rule or replaces it.
writing('rule_upsert', function(keys, args)
  local all = given(keys, args)
  local id, refusal = id_of(all[1], 'rule id', 64)
  if not id then return refusal end
  local text = all[2]
  local rule, wrong = object_of(text, RULE_MEMBERS)
  if not rule then return wrong end
  if rule.id ~= nil and rule.id ~= id then return invalid('id ' .. show(rule.id), quote(id)) end
  if type(rule.condition) ~= 'table' or type(rule.condition.expression) ~= 'string' then
    return invalid('no condition.expression', 'an expression')
  end
  if type(rule.actions) ~= 'table' or #rule.actions == 0 then return invalid('no actions', 'a list of at least one') end
  local request, answer = accept('rule_upsert', id, text, all[3], '"rule_id":' .. quote(id) .. ',')
  if not request then return answer end
  -- As it was given: decoded and encoded again, numbers would lose digits.
  local start = '{'
  if rule.id == nil then start = start .. '"id":' .. quote(id) .. ',' end
  if rule.name == nil then start = start .. '"name":' .. quote(id) .. ',' end
  if rule.description == nil then start = start .. '"description":"",' end
  if rule.enabled == nil then start = start .. '"enabled":true,' end
  if rule.priority == nil then start = start .. '"priority":0,' end
  expect('rule', id, request, 'text', start .. string.match(text, '^%s*{(.*)$'))
  return answer
end)

reading('rule_get', function(keys, args)
  local id = given(keys, args)[1] or ''
  return rule_text(id) or not_found('rule', id)
end)

-- The newest one that somebody asked for, or that the condition has caused.
reading('rule_get_execution', function(keys, args)
  local id = given(keys, args)[1] or ''
  if not rule_text(id) then return not_found('rule', id) end
  return redis.call('HGET', RULE .. id, 'execution') or not_found('execution of the rule', id)
end)

-- [JSON: enabled, offset, limit]: rules in the order of their ids. offset counts rules looked at; at most 2000 a call.
reading('rule_list', function(keys, args)
  local all = given(keys, args)
  local filter, wrong = object_of(all[1] or '{}', { enabled = 'boolean', offset = 'number', limit = 'number' })
  if not filter then return wrong end
  local offset = math.max(0, math.floor(filter.offset or 0))
  local limit = math.max(0, math.min(200, math.floor(filter.limit or 200)))
  local texts = {}
  local function take(text)
    if not text or #texts >= limit then return end
    if filter.enabled ~= nil and cjson.decode(text).enabled ~= filter.enabled then return end
    texts[#texts + 1] = text
  end
  local waiting = redis.call('SMEMBERS', PENDING .. 'rule')
  local waits = {}
  for _, id in ipairs(waiting) do waits[id] = true end
  -- One call for many of them: a call for each takes several times as long.
  local left = filter.enabled == nil and limit or 2000
  local from = offset
  while left > 0 and #texts < limit do
    local ids = redis.call('ZRANGE', RULES_IN_ORDER, from, from + math.min(left, RULES_AT_ONCE) - 1)
    if #ids == 0 then break end
    local stored = redis.call('HMGET', RULE_TEXTS, unpack(ids))
    for i, id in ipairs(ids) do
      if waits[id] then take(rule_text(id)) else take(stored[i]) end
    end
    from = from + #ids
    left = left - #ids
  end
  if offset == 0 then
    for _, id in ipairs(waiting) do
      if not redis.call('ZSCORE', RULES_IN_ORDER, id) then take(rule_text(id)) end
    end
  end
  return '[' .. table.concat(texts, ',') .. ']'
end)

-- A request about a rule that is there: id [, request id].
local function of_rule(name, keys, args)
  local all = given(keys, args)
  local id, refusal = id_of(all[1], 'rule id', 64)
  if not id then return nil, refusal end
  if not rule_text(id) then
    -- Asked again by the id of the request that has removed it.
    local known = all[2] and redis.call('GET', RESULT .. all[2])
    return nil, known or not_found('rule', id)
  end
  local request, answer = accept(name, id, '', all[2], '"rule_id":' .. quote(id) .. ',')
  return request, answer, id
end

writing('rule_delete', function(keys, args)
  local request, answer, id = of_rule('rule_delete', keys, args)
  if request then expect('rule', id, request, 'gone', '1') end
  return answer
end)

-- Looks at the condition; a rule that finds it true fires. What it found is in the result, and in rule_get_execution.
writing('rule_evaluate', function(keys, args)
  local _, answer = of_rule('rule_evaluate', keys, args)
  return answer
end)

-- Takes the actions, whatever the condition is.
writing('rule_execute_actions', function(keys, args)
  local _, answer = of_rule('rule_execute_actions', keys, args)
  return answer
end)
`;
