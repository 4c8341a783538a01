import Type, { type Static } from 'typebox';
import { closed, millis, words } from '../config/schema/helpers.js';
import { COLLECT_DEFAULT_MS } from './definition.js';
import { STORE_MODES } from './mapping.js';

/** One text or several. */
const texts = (description: string, examples: (string | string[])[]) =>
  Type.Unsafe<string | string[]>({
    anyOf: [
      { type: 'string', minLength: 1, maxLength: 256 },
      { type: 'array', items: { type: 'string', minLength: 1, maxLength: 256 }, minItems: 1, maxItems: 1_000 },
    ],
    type: ['string', 'array'],
    description,
    examples,
  });

// No key has a default here: filled in, it would be taken for given.
const DAY_MS = 86_400_000;
const points = Type.Optional(
  texts('which points: <channel>:<kind>:<id>; numbers may be ranges, each may be *; default: all', [
    '1001:T:1-10',
    ['*:S:*', '1002:T:3'],
  ]),
);
const names = Type.Optional(texts('names of points, * stands for any text; default: any', ['*temperature*']));
const store = Type.Optional(words(STORE_MODES, { description: 'which readings of them are stored; default: all' }));
const deadband = Type.Optional(
  Type.Number({ minimum: 0, description: 'with store: change; a smaller change is not stored; default: 0' }),
);
const longest = Type.Optional(
  millis('with store: change; after so long a value is stored although it has not changed', { maximum: DAY_MS }),
);
const interval = Type.Optional(millis('with store: interval; one value of each such interval is stored'));
const source = Type.Optional(
  words(['channel', 'redis'], {
    description: 'redis: hashes comsrv:<channel>:<kind> that somebody else writes are read, and kept',
  }),
);
const collect = Type.Optional(
  millis(`with source: redis; time between two looks; default: ${COLLECT_DEFAULT_MS}`, { minimum: 100 }),
);

/** A mapping as site.yaml writes it. */
export const MappingFileSchema = closed(
  {
    points,
    names,
    store,
    deadband,
    max_interval_ms: longest,
    interval_ms: interval,
    source,
    collect_ms: collect,
  },
  { description: 'what is stored of some points' },
);
export type MappingFile = Static<typeof MappingFileSchema>;

/** A mapping as callers write it. */
export const MAPPING_SHAPE = {
  points,
  names,
  store,
  deadband,
  maxIntervalMs: longest,
  intervalMs: interval,
  source,
  collectMs: collect,
};
