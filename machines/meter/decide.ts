import { formatKilowattHours } from '../../site/metering/energy.js';
import type {
  AcceptedReading,
  HeldReading,
  ReadingLimits,
  ReadingProblem,
  ReadingVerdict,
  SubmittedReading,
} from '../../site/metering/readings.js';
import { TokenRate } from '../../site/metering/token-rate.js';
import { anomalyOf, withReading, type Usage } from './anomaly.js';
import type { MeterContext, Registration } from './record.js';
import { find, remember, row } from './window.js';

/** Readings of one meter that may wait for a person. */
export const MAX_HELD = 200;

/** Readings to be decided about. */
export interface Submission {
  readonly limits: ReadingLimits;
  readonly readings: readonly SubmittedReading[];
  readonly at: number;
  /** Read by a channel of the site: not signed. */
  readonly byChannel?: boolean;
}

/** What a submission does to a meter. */
export interface Decision {
  /** In the order in which the readings came. */
  readonly verdicts: readonly ReadingVerdict[];
  readonly accepted: readonly AcceptedReading[];
  readonly held: readonly HeldReading[];
  readonly last: MeterContext['last'];
  readonly rows: readonly string[];
  readonly usage: Usage;
}

/**
 * Decides about the readings of a submission, ascending by sequence whatever their order. The checks, in their order: those
 * of READING_PROBLEMS. Pure: the time is the event's, the limits too.
 */
export function decide(context: MeterContext, event: Submission): Decision {
  return new Decider(context, event).decide();
}

class Decider {
  readonly #context: MeterContext;
  readonly #event: Submission;
  readonly #rate: TokenRate;
  readonly #maxEnergy: bigint;
  readonly #accepted: AcceptedReading[] = [];
  readonly #held: HeldReading[] = [];
  readonly #rows: string[] = [];
  #last: MeterContext['last'];
  #usage: Usage;

  constructor(context: MeterContext, event: Submission) {
    this.#context = context;
    this.#event = event;
    this.#rate = TokenRate.of(event.limits.rate);
    this.#maxEnergy = BigInt(event.limits.maxEnergy);
    this.#last = context.last;
    this.#usage = context.usage;
  }

  decide(): Decision {
    const { readings } = this.#event;
    const order = readings.map((_, index) => index);
    order.sort((a, b) => sequenceAt(readings, a) - sequenceAt(readings, b) || a - b);
    const verdicts = new Array<ReadingVerdict>(readings.length);
    for (const index of order) verdicts[index] = this.#judge(readings[index] as SubmittedReading);
    return {
      verdicts,
      accepted: this.#accepted,
      held: this.#held,
      last: this.#last,
      rows: this.#rows,
      usage: this.#usage,
    };
  }

  #judge(reading: SubmittedReading): ReadingVerdict {
    const { registration, revoked } = this.#context;
    const { sequence, start, end } = reading;
    if (registration === null) return rejected(sequence, 'readings.unknown_meter', 'no meter of this id is registered');
    if (revoked !== null) {
      return rejected(sequence, 'readings.revoked_meter', `the meter was revoked by ${revoked.by}: ${revoked.reason}`);
    }
    if (reading.wallet !== undefined && reading.wallet !== registration.wallet) {
      const message = `the reading is for the wallet ${reading.wallet}; the meter’s is another one`;
      return rejected(sequence, 'readings.wallet_mismatch', message);
    }
    const unsigned = this.#signatureProblem(reading, registration);
    if (unsigned !== undefined) return rejected(sequence, 'readings.bad_signature', unsigned);
    const known = this.#known(reading);
    if (known !== undefined) return known;

    const { at, limits } = this.#event;
    if (end > at + limits.futureSkewMs) {
      const message = `it ends ${end - at} ms after now; allowed: ${limits.futureSkewMs}`;
      return rejected(sequence, 'readings.in_future', message);
    }
    if (end < at - limits.maxAgeMs) {
      const message = `it ended ${days(at - end)} days ago; allowed: ${days(limits.maxAgeMs)}`;
      return rejected(sequence, 'readings.too_old', message);
    }
    const energy = BigInt(reading.energy);
    // What the site itself has counted is there: a person looks at it.
    if (energy > this.#maxEnergy && this.#event.byChannel !== true) {
      const message = `${formatKilowattHours(energy)} kWh; allowed: ${formatKilowattHours(this.#maxEnergy)} for one reading`;
      return rejected(sequence, 'readings.above_maximum', message);
    }
    if (energy > this.#rate.maxEnergy) {
      const message = `${formatKilowattHours(energy)} kWh are more tokens than an account holds; allowed: ${formatKilowattHours(this.#rate.maxEnergy)} kWh`;
      return rejected(sequence, 'readings.too_much', message);
    }
    if (this.#last !== null && start < this.#last.end) {
      const message = `it begins at ${start}, before the end of the reading before it (${this.#last.end})`;
      return rejected(sequence, 'readings.overlap', message);
    }
    return this.#take(reading, energy, registration);
  }

  /** A reading of a channel needs no signature, and a meter that a channel reads takes no other. */
  #signatureProblem({ key }: SubmittedReading, { publicKey, source }: Registration): string | undefined {
    const { byChannel = false, at } = this.#event;
    if (source !== null) return byChannel ? undefined : 'the meter is read by a channel of the site, not from outside';
    if (byChannel) return 'the meter signs its readings itself; no channel reads it';
    if (key !== undefined && key === publicKey) return undefined;
    const former = this.#context.formerKeys.find((each) => each.publicKey === key);
    if (former !== undefined && at < former.until) return undefined;
    return former === undefined
      ? 'the signature is not that of the meter’s key over this reading'
      : 'it is signed with a former key of the meter, whose time is over';
  }

  /** What is said of a reading whose sequence is not new. */
  #known({ sequence, start, end, energy }: SubmittedReading): ReadingVerdict | undefined {
    if (this.#last === null || sequence > this.#last.sequence) return undefined;
    const first = find(this.#rows, sequence) ?? find(this.#context.recent, sequence);
    if (first === undefined) {
      const message = `its sequence is not above ${this.#last.sequence}, that of the meter’s last reading`;
      return rejected(sequence, 'readings.not_monotonic', message);
    }
    if (first.start !== start || first.end !== end || first.energy !== energy) {
      const message = `another reading has the sequence ${sequence}: ${formatKilowattHours(BigInt(first.energy))} kWh from ${first.start} to ${first.end}`;
      return rejected(sequence, 'readings.conflict', message);
    }
    if (first.state === 'r') return { sequence, verdict: 'refused', duplicate: true };
    const verdict = first.state === 'h' ? 'held' : 'accepted';
    return { sequence, verdict, tokens: first.tokens, duplicate: true };
  }

  #take(reading: SubmittedReading, energy: bigint, { wallet, user }: Registration): ReadingVerdict {
    const { sequence, start, end } = reading;
    const reason = this.#reasonToHold(energy, end - start);
    if (reason !== undefined && this.#context.held.length + this.#held.length >= MAX_HELD) {
      return rejected(
        sequence,
        'readings.too_many_held',
        `${MAX_HELD} readings of the meter wait for a person already`,
      );
    }
    const tokens = this.#rate.toTokens(energy).toString();
    const marks = reading.marks === undefined ? {} : { marks: reading.marks };
    const item = { sequence, start, end, energy: reading.energy, tokens, wallet, user, ...marks };
    this.#last = { sequence, end };
    this.#rows.push(row(reading, tokens, reason === undefined ? 'a' : 'h'));
    if (reason !== undefined) {
      this.#held.push({ ...item, at: this.#event.at, reason });
      return { sequence, verdict: 'held', tokens };
    }
    this.#accepted.push(item);
    this.#usage = withReading(this.#usage, energy, end - start);
    return { sequence, verdict: 'accepted', tokens };
  }

  #reasonToHold(energy: bigint, durationMs: number): string | undefined {
    if (energy > this.#maxEnergy) {
      return `${formatKilowattHours(energy)} kWh are more than ${formatKilowattHours(this.#maxEnergy)}, the most of one reading`;
    }
    return anomalyOf(this.#usage, energy, durationMs, this.#event.limits.anomaly);
  }
}

/** The meter after a submission of this name. */
export function afterSubmission(context: MeterContext, submission: string, decision: Decision): Partial<MeterContext> {
  const { verdicts, accepted, held, last, rows, usage } = decision;
  return {
    last,
    usage,
    recent: remember(context.recent, rows),
    held: [...context.held, ...held],
    ...withSums(context, accepted),
    answered: { submission, verdicts },
    revision: context.revision + 1,
  };
}

/** The sums of a meter with more readings. */
export function withSums(
  context: MeterContext,
  accepted: readonly AcceptedReading[],
): Pick<MeterContext, 'readings' | 'energy' | 'tokens'> {
  let energy = BigInt(context.energy);
  let tokens = BigInt(context.tokens);
  for (const item of accepted) {
    energy += BigInt(item.energy);
    tokens += BigInt(item.tokens);
  }
  return { readings: context.readings + accepted.length, energy: energy.toString(), tokens: tokens.toString() };
}

function rejected(sequence: number, code: ReadingProblem, message: string): ReadingVerdict {
  return { sequence, verdict: 'rejected', code, message };
}

function sequenceAt(readings: readonly SubmittedReading[], index: number): number {
  return (readings[index] as SubmittedReading).sequence;
}

function days(ms: number): string {
  return String(Math.round(ms / 8_640_000) / 10);
}
