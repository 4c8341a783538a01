import type { Bus } from '../../bus/connection.js';
import { subjects } from '../../bus/subjects.js';
import { formatKilowattHours } from '../../site/metering/energy.js';
import type { HeldReading, MeterRecord } from '../../site/metering/readings.js';
import type { MeterEvent } from '../client/meter-watch.js';

/** What became of a reading, for those who listen. */
export interface ToldReading {
  readonly meter: string;
  readonly sequence: number;
  readonly end: number;
  /** µWh. */
  readonly energy: bigint;
  readonly verdict: string;
  readonly duplicate?: boolean;
  /** Base units. */
  readonly tokens?: string;
  readonly code?: string;
  readonly message?: string;
}

/** Tells everybody who listens; nobody may. @param record of the meter, where it is known */
export function tellReading(bus: Bus, told: ToldReading, record: MeterRecord | undefined): void {
  for (const event of eventsOf(told, record)) publish(bus, event);
}

/** Tells of a reading that a person has let through. */
export function tellReleased(bus: Bus, meter: string, reading: HeldReading): void {
  const { user, wallet, energy, end, sequence, tokens } = reading;
  publish(bus, {
    ...{ type: 'MeterReadingValidated', user_id: user, wallet_address: wallet, meter_id: meter, sequence, tokens },
    ...{ kwh_amount: formatKilowattHours(BigInt(energy)), timestamp: timeText(end) },
  });
}

function publish({ nats }: Bus, event: MeterEvent): void {
  nats.publish(subjects.liveReading(event.type, event.meter_id ?? '_'), JSON.stringify(event));
}

/** Nothing when it was told before, or nothing became of it. */
function eventsOf(told: ToldReading, record: MeterRecord | undefined): MeterEvent[] {
  const { meter, sequence, end, energy, verdict, duplicate, tokens = '0', code = '', message = '' } = told;
  const common = {
    user_id: record?.user ?? null,
    wallet_address: record?.wallet ?? null,
    meter_id: meter,
    kwh_amount: formatKilowattHours(energy),
    timestamp: timeText(end),
    sequence,
  };
  if (verdict === 'rejected') {
    return [{ type: 'MeterReadingValidationFailed', ...common, error_code: code, error_reason: message }];
  }
  if (duplicate === true) return [];
  if (verdict === 'held') return [{ type: 'MeterReadingReceived', ...common, held: true }];
  if (verdict !== 'accepted') return [];
  return [
    { type: 'MeterReadingReceived', ...common },
    { type: 'MeterReadingValidated', ...common, tokens },
  ];
}

/** The last instant that a Date can hold (ECMA-262, section 21.4.1.1). */
const MAX_MILLIS = 8.64e15;

function timeText(at: number): string {
  return new Date(Math.min(at, MAX_MILLIS)).toISOString();
}
