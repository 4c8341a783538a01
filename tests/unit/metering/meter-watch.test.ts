import assert from 'node:assert/strict';
import { meterEventFilter, WaitingMeterEvents, type MeterEvent } from '../../../actors/client/meter-watch.js';
import { WALLET } from '../../support/meter.js';

const EVENT: MeterEvent = {
  type: 'MeterReadingReceived',
  user_id: 'anna',
  wallet_address: WALLET,
  meter_id: 'METER_001',
  kwh_amount: '10.5',
  timestamp: '2026-01-01T00:00:00.000Z',
  sequence: 1,
};

describe('Events of meters', () => {
  it('test_meter_reading_event_serialization', () => {
    const event = JSON.parse(JSON.stringify(EVENT)) as MeterEvent;
    assert.deepEqual(event, EVENT);
    assert.deepEqual([event.type, event.meter_id, event.kwh_amount], ['MeterReadingReceived', 'METER_001', '10.5']);
  });

  it('test_event_filtering', () => {
    const matches = meterEventFilter({
      event_types: ['MeterReadingReceived'],
      meters: ['METER_001'],
      min_amount: '5.0',
    });
    const event = { ...EVENT, kwh_amount: '10' };
    assert.equal(matches(event), true);
    assert.equal(matches({ ...event, meter_id: 'METER_002' }), false);
    assert.equal(matches({ ...event, type: 'MeterReadingValidationFailed' }), false);
    assert.equal(matches({ ...event, kwh_amount: '4.999999999' }), false);
    assert.equal(matches({ ...event, kwh_amount: '5' }), true);
    assert.equal(meterEventFilter({})(event), true);
    assert.throws(() => meterEventFilter({ min_amount: 'NaN' }), { code: 'energy.invalid' });
  });

  it('test_user_specific_event_delivery: only those of one’s own meters', () => {
    const mine = meterEventFilter({ user: 'anna' });
    assert.deepEqual(
      [mine(EVENT), mine({ ...EVENT, user_id: 'ben' }), mine({ ...EVENT, user_id: null })],
      [true, false, false],
    );
  });

  it('wait in a bounded number for a slow listener, who is told what it missed', async () => {
    const waiting = new WaitingMeterEvents({}, 250);
    for (let sequence = 0; sequence < 301; sequence++) waiting.add({ ...EVENT, sequence });
    const abort = new AbortController();
    const seen: (number | null)[] = [];
    const missed: boolean[] = [];
    for await (const update of waiting.updates(abort.signal)) {
      seen.push(...update.events.map(({ sequence }) => sequence));
      missed.push(update.missed);
      if (seen.at(-1) === 300) abort.abort();
    }
    assert.deepEqual([seen[0], seen.length, missed], [100, 201, [true, false, false]]);
  });
});
