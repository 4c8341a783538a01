/** Models: read from what nodes keep in `modsrv:…`, and from what has been accepted and is not done yet. */
export const MODELS_LUA = `
local MODEL = 'modsrv:model:'
local MODELS = 'modsrv:models'
local MEMBERS = {
  model_id = 'string', name = 'string', template_id = 'string', parameters = 'table', parent = 'nullable',
  mapping = 'table',
}

-- A model as JSON; nil when there is none.
local function model_text(id)
  local pending = redis.call('HMGET', PENDING .. 'model:' .. id, 'text', 'gone')
  if pending[1] then return pending[1] end
  if pending[2] then return nil end
  return redis.call('GET', MODEL .. id) or nil
end

-- id, JSON [, request id]: makes a model or replaces it.
writing('model_upsert', function(keys, args)
  local all = given(keys, args)
  local id, refusal = id_of(all[1], 'model id', 64)
  if not id then return refusal end
  local text = all[2]
  local model, wrong = object_of(text, MEMBERS)
  if not model then return wrong end
  if model.model_id ~= nil and model.model_id ~= id then return invalid('model_id ' .. show(model.model_id), quote(id)) end
  local template = model.template_id
  if template == nil then return invalid('no template_id', 'the id of a template') end
  if redis.call('EXISTS', 'modsrv:templates') == 1 and redis.call('SISMEMBER', 'modsrv:templates', template) == 0 then
    return not_found('template', template)
  end
  local request, answer = accept('model_upsert', id, text, all[3], '"model_id":' .. quote(id) .. ',')
  if not request then return answer end
  -- As it was given: decoded and encoded again, numbers would lose digits.
  local start = '{'
  if model.model_id == nil then start = start .. '"model_id":' .. quote(id) .. ',' end
  if model.name == nil then start = start .. '"name":' .. quote(id) .. ',' end
  if model.parameters == nil then start = start .. '"parameters":{},' end
  if model.parent == nil then start = start .. '"parent":null,' end
  if model.mapping == nil then start = start .. '"mapping":{},' end
  expect('model', id, request, 'text', start .. string.match(text, '^%s*{(.*)$'))
  return answer
end)

reading('model_get', function(keys, args)
  local id = given(keys, args)[1] or ''
  return model_text(id) or not_found('model', id)
end)

reading('model_exists', function(keys, args)
  return model_text(given(keys, args)[1] or '') and 1 or 0
end)

reading('model_get_points', function(keys, args)
  local id = given(keys, args)[1] or ''
  if not model_text(id) then return not_found('model', id) end
  local points = redis.call('GET', MODEL .. id .. ':points')
  if points then return points end
  return redis.error_reply('PENDING the model ' .. id .. ' is accepted; its points are there once it is made')
end)

-- id [, request id]
writing('model_delete', function(keys, args)
  local all = given(keys, args)
  local id, refusal = id_of(all[1], 'model id', 64)
  if not id then return refusal end
  if not model_text(id) then
    -- Asked again by the id of the request that has removed it.
    local known = all[2] and redis.call('GET', RESULT .. all[2])
    return known or not_found('model', id)
  end
  local request, answer = accept('model_delete', id, '', all[2], '"model_id":' .. quote(id) .. ',')
  if request then expect('model', id, request, 'gone', '1') end
  return answer
end)

-- [JSON: template_id, offset, limit]: models in the order of their ids.
reading('model_list', function(keys, args)
  local all = given(keys, args)
  local filter, wrong = object_of(all[1] or '{}', { template_id = 'string', offset = 'number', limit = 'number' })
  if not filter then return wrong end
  local offset = math.max(0, math.floor(filter.offset or 0))
  local limit = math.max(0, math.min(200, math.floor(filter.limit or 200)))
  local from = filter.template_id and MODELS .. ':by_template:' .. filter.template_id or MODELS
  local texts = {}
  for _, id in ipairs(redis.call('SORT_RO', from, 'ALPHA', 'LIMIT', offset, limit)) do
    texts[#texts + 1] = model_text(id)
  end
  if offset == 0 then
    for _, id in ipairs(redis.call('SMEMBERS', PENDING .. 'model')) do
      if #texts >= limit then break end
      local text = redis.call('SISMEMBER', from, id) == 0 and model_text(id)
      if text and (not filter.template_id or cjson.decode(text).template_id == filter.template_id) then
        texts[#texts + 1] = text
      end
    end
  end
  return '[' .. table.concat(texts, ',') .. ']'
end)

-- id, point, value [, request id]
writing('model_set_value', function(keys, args)
  local all = given(keys, args)
  local id, refusal = id_of(all[1], 'model id', 64)
  if not id then return refusal end
  local point, value = all[2], all[3]
  if type(point) ~= 'string' or type(value) ~= 'string' then
    return invalid(#all .. ' values', 'a model id, the name of a point, a value')
  end
  if #value > 1024 then return invalid(#value .. ' characters', 'at most 1024') end
  if not model_text(id) then return not_found('model', id) end
  if redis.call('SISMEMBER', MODEL .. id .. ':writable', point) == 0 then
    return not_found('point of ' .. id .. ' that can be written,', point)
  end
  local body = '{"point":' .. quote(point) .. ',"value":' .. quote(value) .. '}'
  local also = '"model_id":' .. quote(id) .. ',"point":' .. quote(point) .. ','
  local _, answer = accept('model_set_value', id, body, all[4], also)
  return answer
end)
`;
