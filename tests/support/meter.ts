import { createActor, initialTransition, type AnyMachineSnapshot, type Snapshot } from 'xstate';
import { createMeterKind } from '../../actors/meter.js';
import { takeStep } from '../../actors/runtime/state.js';
import type { EffectRecord, EventBody } from '../../bus/messages.js';
import type { MeterContext } from '../../machines/meter/record.js';
import type {
  AcceptedReading,
  MeterRecord,
  ReadingLimits,
  ReadingVerdict,
  SubmittedReading,
} from '../../site/metering/readings.js';
import { readingLimits, TOKENIZATION_DEFAULTS } from '../../site/metering/tokenization.js';

/** base58 of 32 bytes each. */
export const WALLET = '5C4wSuGVU2J5qmM4gR1gM7YJQ2dEjKowZ3zLsjhZxKq9';
export const OTHER_WALLET = '4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM';
export const KEY = 'FVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS96Z';
export const OTHER_KEY = '8qbHbw2BbbTHBW1sbeqakYXVKRQM8Ne7pLK7m6CVfeR';

export const QUARTER_MS = 900_000;
export const LIMITS: ReadingLimits = readingLimits(TOKENIZATION_DEFAULTS);
/** 2026-01-01T00:00:00Z, in the middle of the readings' time. */
export const NOW = 1_767_225_600_000;

/** The reading of a quarter hour: sequence 0 begins two days before NOW. */
export function quarterReading(
  sequence: number,
  energy = '1000000000',
  change: Partial<SubmittedReading> = {},
): SubmittedReading {
  const start = NOW - 2 * 86_400_000 + sequence * QUARTER_MS;
  return { sequence, start, end: start + QUARTER_MS, energy, key: KEY, ...change };
}

const KIND = createMeterKind();

/** A meter without a runtime: its kind's chart and answers, step by step. */
export class PlainMeter {
  readonly #kind = KIND;
  #snapshot: AnyMachineSnapshot;
  #submissions = 0;
  /** Effects of all steps, oldest first. */
  readonly effects: EffectRecord[] = [];
  at = NOW;
  limits: ReadingLimits = LIMITS;

  constructor(id = 'METER_001') {
    [this.#snapshot] = initialTransition(this.#kind.machine, { id }) as [AnyMachineSnapshot, unknown];
  }

  get context(): MeterContext {
    return this.#snapshot.context as MeterContext;
  }

  get state(): unknown {
    return this.#snapshot.value as unknown;
  }

  /** @throws the kind's refusal */
  send(event: EventBody): unknown {
    const step = takeStep(this.#kind, this.#snapshot, event, this.at);
    this.#snapshot = step.snapshot;
    this.effects.push(...step.effects);
    const definition = this.#kind.commands[event.type];
    return definition?.reply({ command: event, commandId: '', snapshot: step.snapshot, changed: step.changed });
  }

  register(change: object = {}): MeterRecord {
    return this.send({
      ...{ type: 'register', publicKey: KEY, source: null, wallet: WALLET, user: 'anna' },
      ...change,
    }) as MeterRecord;
  }

  submit(readings: readonly SubmittedReading[], change: object = {}): readonly ReadingVerdict[] {
    const submission = String((this.#submissions += 1));
    return this.send({
      ...{ type: 'submit', submission, limits: this.limits, readings, receivedAt: this.at },
      ...change,
    }) as readonly ReadingVerdict[];
  }

  /** As after a passivation, or on another node. */
  reload(): void {
    const persisted = JSON.parse(JSON.stringify(this.#kind.machine.getPersistedSnapshot(this.#snapshot))) as unknown;
    this.#snapshot = createActor(this.#kind.machine, {
      snapshot: persisted as Snapshot<unknown>,
    }).getSnapshot() as AnyMachineSnapshot;
  }

  /** What the journal says that tokens are owed for. */
  owed(): AcceptedReading[] {
    return this.effects
      .filter(({ type }) => type === 'accepted' || type === 'released')
      .flatMap(({ params }) => (params as { items: AcceptedReading[] }).items);
  }
}

/** The verdict in one word: accepted, held, refused, or the code of the rejection. */
export function word(verdict: ReadingVerdict | undefined): string {
  if (verdict === undefined) return 'none';
  if (verdict.verdict === 'rejected') return verdict.code;
  return 'duplicate' in verdict ? `${verdict.verdict} again` : verdict.verdict;
}
