import { METER_ID } from '../../site/metering/reading-bytes.js';
import { StatewattError } from '../../errors/error.js';

const ESCAPES: Readonly<Record<string, string>> = { '-': '--', '.': '-d', ':': '-c' };
const LETTERS: Readonly<Record<string, string>> = { '-': '-', d: '.', c: ':' };

/**
 * A meter's id as the id of its actor, which has fewer characters: `-` stands before what stands for `-`, `.` and `:`.
 * At most 128 characters, as 64 are allowed.
 *
 * @throws `meters.invalid_id`
 */
export function meterActorId(meter: string): string {
  if (!METER_ID.test(meter)) {
    throw new StatewattError(
      'meters.invalid_id',
      'invalid',
      `${JSON.stringify(meter.slice(0, 80))} is no meter id; wanted: 1 to 64 of A–Z a–z 0–9 . _ : -, a letter or digit first`,
    );
  }
  return meter.replace(/[-.:]/g, (character) => ESCAPES[character] as string);
}

/** The meter that an actor's id means. */
export function meterIdOf(actor: string): string {
  return actor.replace(/-([-dc])/g, (_, letter: string) => LETTERS[letter] as string);
}
