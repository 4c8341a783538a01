import { createHash } from 'node:crypto';
import { ALARMS_LUA } from './alarms-lua.js';
import { COMMON_LUA } from './common-lua.js';
import { HISTORY_LUA } from './history-lua.js';
import { MODELS_LUA } from './models-lua.js';
import { RULES_LUA } from './rules-lua.js';

export const LIBRARY_NAME = 'statewatt';

/** Raised with every change: a node loads its library over one of a lower version only. */
export const LIBRARY_VERSION = 3;

const body = [COMMON_LUA, MODELS_LUA, ALARMS_LUA, RULES_LUA, HISTORY_LUA].join('\n');
const digest = createHash('sha256').update(body).digest('hex').slice(0, 16);

/** The library of Redis Functions (Redis 7.0), as FUNCTION LOAD takes it. Every name in it is part of the interface. */
export const LIBRARY = `#!lua name=${LIBRARY_NAME}
${body}
redis.register_function({
  function_name = 'statewatt_version', flags = { 'no-writes' },
  callback = function() return { ${LIBRARY_VERSION}, '${digest}' } end,
})
`;

/** What `statewatt_version` answers of this library. */
export const LIBRARY_IDENTITY = { version: LIBRARY_VERSION, digest } as const;
