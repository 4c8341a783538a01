/** History: what is to be kept, and what is kept now. */
export const HISTORY_LUA = `
local MAPPING_MEMBERS = {
  points = 'any', names = 'any', store = 'string', deadband = 'number', max_interval_ms = 'number', interval_ms = 'number',
  source = 'string', collect_ms = 'number',
}

-- id, JSON or null [, request id]: says what is stored of some points; null removes it.
writing('hissrv_configure_mapping', function(keys, args)
  local all = given(keys, args)
  local id, refusal = id_of(all[1], 'mapping id', 64)
  if not id then return refusal end
  local text = all[2]
  if text ~= 'null' then
    local mapping, wrong = object_of(text, MAPPING_MEMBERS)
    if not mapping then return wrong end
  end
  local _, answer = accept('hissrv_configure_mapping', id, '{"mapping":' .. text .. '}', all[3], '"mapping_id":' .. quote(id) .. ',')
  return answer
end)

-- [JSON: channels] [, request id]: keeps the values of now that a mapping with the source redis is about.
writing('hissrv_collect_data', function(keys, args)
  local all = given(keys, args)
  local text = all[1] or '{}'
  local query, wrong = object_of(text, { channels = 'table' })
  if not query then return wrong end
  local _, answer = accept('hissrv_collect_data', 'collection', text, all[2], '')
  return answer
end)
`;
