import type { MeterRegister, ReadingMark, SubmittedReading } from '../../site/metering/readings.js';
import { intervalOf, registerStep, rolloverOf } from '../../site/metering/register.js';
import { decide, type Decision } from './decide.js';
import type { CountEvent, MeterContext, ReplaceEvent } from './record.js';

/** What a value of its channel's counter does to a meter. */
export interface Count {
  readonly register: MeterRegister;
  /** About the reading of the interval; null: the first value, from which counting begins. */
  readonly decision: Decision | null;
}

/** Names the submission that a meter makes of its own counter. */
export function countName(end: number): string {
  return `count ${end}`;
}

/**
 * What a counter's value at a boundary means: counting begins, or the interval since the last boundary has a reading. Its
 * sequence is its end, so that it is the same whoever makes it.
 *
 * @returns undefined when it changes nothing: no channel reads the meter, the boundary is none behind the last one, the
 * value has fallen, or the reading is rejected; then the next one is of both intervals
 */
export function countOf(context: MeterContext, event: CountEvent): Count | undefined {
  const { register, last } = context;
  if (!isCounting(context) || (last !== null && event.end < last.end)) return undefined;
  if (register === null) {
    const begun = { energy: event.register, at: event.end, carried: '0', replacedAt: null, replacements: 0 };
    return { register: begun, decision: null };
  }
  const decision = decisionAbout(context, event);
  if (decision === undefined || decision.accepted.length + decision.held.length === 0) return undefined;
  return { register: { ...register, energy: event.register, at: event.end, carried: '0' }, decision };
}

/** About the reading that ends at a boundary, also when it is rejected; undefined: there is none. */
export function decisionAbout(context: MeterContext, event: CountEvent): Decision | undefined {
  const reading = readingOf(context, event);
  if (reading === undefined) return undefined;
  return decide(context, { readings: [reading], limits: event.limits, at: event.at, byChannel: true });
}

/** The counter after its replacement; undefined: nothing is known to be replaced, or this replacement is known. */
export function replacedBy(context: MeterContext, { from, to, seen }: ReplaceEvent): MeterRegister | undefined {
  const { register, registration } = context;
  const source = registration?.source ?? null;
  if (!isCounting(context) || register === null || source === null) return undefined;
  if (seen <= Math.max(register.at, register.replacedAt ?? 0)) return undefined;
  // Where the last value of the former does not go on from the one at the boundary, nothing between is known.
  const counted = registerStep(BigInt(register.energy), BigInt(from), rolloverOf(source)) ?? 0n;
  return {
    energy: to,
    at: register.at,
    carried: (BigInt(register.carried) + counted).toString(),
    replacedAt: seen,
    replacements: register.replacements + 1,
  };
}

function isCounting({ registration, revoked }: MeterContext): boolean {
  return revoked === null && registration?.source !== null && registration !== null;
}

function readingOf({ registration, register }: MeterContext, event: CountEvent): SubmittedReading | undefined {
  const source = registration?.source ?? null;
  if (source === null || register === null || event.end <= register.at) return undefined;
  const [from, to] = [BigInt(register.energy), BigInt(event.register)];
  const step = registerStep(from, to, rolloverOf(source));
  if (step === undefined) return undefined;
  const marks: ReadingMark[] = [];
  if (event.end - register.at > intervalOf(source)) marks.push('gap');
  if (event.estimated === true) marks.push('estimated');
  if (to < from) marks.push('rollover');
  if (register.replacedAt !== null && register.replacedAt > register.at) marks.push('replaced');
  return {
    sequence: event.end,
    start: register.at,
    end: event.end,
    energy: (BigInt(register.carried) + step).toString(),
    ...(marks.length === 0 ? {} : { marks }),
  };
}
