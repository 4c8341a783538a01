import Type, { type Static } from 'typebox';
import { DEFAULT_INTERVAL_SECS, ENERGY_UNITS } from '../../metering/register.js';
import { USER_PATTERN } from '../../metering/site-meter.js';
import { closed, words } from './helpers.js';

/** A meter of the section `meters` of site.yaml. */
export const MeterFileSchema = closed({
  id: Type.String({
    pattern: '^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$',
    description: '1 to 64 of A–Z a–z 0–9 . _ : -, a letter or digit first',
    examples: ['METER_001'],
  }),
  channel: Type.Integer({ minimum: 1, description: 'channel whose counter it is' }),
  point: Type.Integer({ minimum: 1, description: 'telemetry point that counts energy and only rises' }),
  unit: Type.Optional(words(ENERGY_UNITS, { description: 'of the counter', default: 'kWh' })),
  rollover: Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      description: 'where the counter begins anew, in its unit; default: it does not',
    }),
  ),
  interval_secs: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 86_400,
      default: DEFAULT_INTERVAL_SECS,
      description: 'time from one reading to the next (s), a divisor of a day',
    }),
  ),
  wallet: Type.String({ minLength: 32, maxLength: 44, description: 'who gets the tokens, base58 of 32 bytes' }),
  user: Type.String({ minLength: 1, maxLength: 128, pattern: USER_PATTERN, description: 'whose it is' }),
});
export type MeterFile = Static<typeof MeterFileSchema>;
