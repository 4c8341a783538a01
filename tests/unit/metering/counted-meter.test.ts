import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { CountAnswer } from '../../../actors/meter.js';
import type { EventBody } from '../../../bus/messages.js';
import { StatewattError } from '../../../errors/error.js';
import type { FeedOrder } from '../../../machines/meter.js';
import { MAX_HELD } from '../../../machines/meter/decide.js';
import type { MeterRecord } from '../../../site/metering/readings.js';
import { LIMITS, NOW, OTHER_WALLET, PlainMeter, QUARTER_MS, WALLET, word } from '../../support/meter.js';

const SOURCE = { channel: 1001, point: 3, unit: 'kWh', rollover: 100 };
const KWH = 1_000_000_000n;
/** Two days before NOW. */
const BEGIN = NOW - 2 * 86_400_000;

/** A meter whose counter is read each quarter hour; `quarter` 0 is the boundary BEGIN. */
class CountedMeter extends PlainMeter {
  count(quarter: number, energy: bigint, change: object = {}): string {
    const end = BEGIN + quarter * QUARTER_MS;
    return this.answer({
      ...{ type: 'count', end, register: energy.toString(), limits: this.limits, receivedAt: this.at },
      ...change,
    });
  }
  answer(event: EventBody): string {
    const { verdict } = this.send(event) as CountAnswer;
    return word(verdict ?? undefined);
  }
  replace(from: bigint, to: bigint, quarter: number): MeterRecord {
    const seen = BEGIN + quarter * QUARTER_MS;
    return this.send({ type: 'replace', from: from.toString(), to: to.toString(), seen }) as MeterRecord;
  }
  /** The readings that tokens are owed for: energy, with their length in quarters and marks. */
  readings(): string[] {
    return this.owed().map(({ start, end, energy, marks = [] }) =>
      [`${energy} in ${(end - start) / QUARTER_MS}`, ...marks].join(' '),
    );
  }
  orders(): FeedOrder[] {
    return this.effects.filter(({ type }) => type === 'feed').map(({ params }) => params as FeedOrder);
  }
}

function counted(source: object = SOURCE): CountedMeter {
  const meter = new CountedMeter();
  meter.register({ publicKey: null, source });
  return meter;
}

function code(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof StatewattError) return error.code;
    throw error;
  }
  return 'none';
}

describe('A meter that a channel reads', () => {
  it('has a reading for each interval from the first boundary on', () => {
    const meter = counted();
    assert.deepEqual(meter.orders(), [{ meter: 'METER_001', source: SOURCE, bySite: false }]);
    assert.equal(meter.count(0, 10n * KWH), 'none');
    assert.equal(meter.count(1, 12n * KWH), 'accepted');
    assert.equal(meter.count(2, 12n * KWH), 'accepted');
    assert.deepEqual(meter.readings(), ['2000000000 in 1', '0 in 1']);
    const [first] = meter.owed();
    assert.equal(first?.sequence, BEGIN + QUARTER_MS);
    const { register } = meter.send({ type: 'describe' }) as MeterRecord;
    assert.deepEqual([register?.energy, register?.at], [String(12n * KWH), BEGIN + 2 * QUARTER_MS]);
  });

  it('takes a boundary once, and none before', () => {
    const meter = counted();
    meter.count(0, 1n);
    assert.equal(meter.count(2, 5n), 'accepted');
    const { revision } = meter.context;
    // Asked again after a lost answer: told the same.
    assert.equal(meter.count(2, 5n), 'accepted');
    assert.equal(meter.count(2, 6n), 'accepted');
    assert.equal(meter.count(1, 3n), 'none');
    assert.equal(meter.context.revision, revision);
    assert.deepEqual(meter.readings(), ['4 in 2 gap']);
  });

  it('marks gaps, estimates and roll-overs', () => {
    const meter = counted();
    meter.count(0, 98n * KWH);
    meter.count(1, 99n * KWH, { estimated: true });
    meter.count(4, 2n * KWH);
    assert.deepEqual(meter.readings(), [`${KWH} in 1 estimated`, `${3n * KWH} in 3 gap rollover`]);
  });

  it('makes no energy of a counter that falls', () => {
    const meter = counted();
    meter.count(0, 50n * KWH);
    assert.equal(meter.count(1, 40n * KWH), 'none');
    assert.equal(meter.count(2, 51n * KWH), 'accepted');
    assert.deepEqual(meter.readings(), [`${KWH} in 2 gap`]);
  });

  it('adds what both counters have counted when one is replaced, once', () => {
    const meter = counted();
    meter.count(0, 50n * KWH);
    for (let time = 0; time < 2; time++) meter.replace(51n * KWH, 7n * KWH, 0.5);
    assert.equal(meter.count(1, 9n * KWH), 'accepted');
    assert.equal(meter.count(2, 10n * KWH), 'accepted');
    assert.deepEqual(meter.readings(), [`${3n * KWH} in 1 replaced`, `${KWH} in 1`]);
    const { register } = meter.send({ type: 'describe' }) as MeterRecord;
    assert.equal(register?.replacements, 1);
    // Twice in an interval, the second time from a value that does not go on from the known one.
    meter.replace(11n * KWH, 3n * KWH, 2.25);
    meter.replace(2n * KWH, 4n * KWH, 2.5);
    meter.count(3, 5n * KWH);
    assert.deepEqual(meter.readings().slice(2), [`${2n * KWH} in 1 replaced`]);
  });

  it('has more than the maximum looked at by a person, and loses nothing of it', () => {
    const meter = counted({ ...SOURCE, rollover: undefined });
    meter.count(0, 0n);
    assert.equal(meter.count(1, 101n * KWH), 'held');
    assert.equal(meter.count(2, 102n * KWH), 'accepted');
    assert.match(meter.context.held[0]?.reason ?? '', /^101 kWh are more than 100/);
    meter.send({ type: 'release', sequence: BEGIN + QUARTER_MS, by: 'carl' });
    assert.deepEqual(meter.readings(), [`${KWH} in 1`, `${101n * KWH} in 1`]);
  });

  it('makes one reading of two intervals when that of the first is rejected', () => {
    const meter = counted();
    meter.count(0, 0n);
    const late = { receivedAt: BEGIN, limits: { ...LIMITS, futureSkewMs: 0 } };
    meter.at = BEGIN;
    assert.equal(meter.count(1, KWH, late), 'readings.in_future');
    meter.at = NOW;
    assert.equal(meter.count(2, 3n * KWH), 'accepted');
    assert.deepEqual(meter.readings(), [`${3n * KWH} in 2 gap`]);
    // Too many are held already: also later.
    meter.limits = { ...LIMITS, maxEnergy: '1' };
    for (let held = 0; held < MAX_HELD; held++) meter.count(3 + held * 0.1, 4n * KWH + BigInt(held) * 2n);
    assert.equal(meter.count(60, 5n * KWH), 'readings.too_many_held');
    assert.equal(meter.context.held.length, MAX_HELD);
  });

  it('begins anew with another counter, and goes on with the same', () => {
    const meter = new CountedMeter();
    const configure = (change: object = {}, source: object = {}) =>
      meter.send({
        ...{ type: 'configure', source: { ...SOURCE, ...source }, wallet: WALLET, user: 'anna' },
        ...change,
      }) as MeterRecord;
    configure();
    meter.count(0, 10n);
    meter.count(1, 11n);
    const { revision } = configure();
    assert.equal(configure().revision, revision);
    assert.equal(configure({ wallet: OTHER_WALLET, user: 'ben' }, { intervalSecs: 3_600 }).register?.energy, '11');
    meter.count(4, 15n);
    assert.equal(configure({}, { point: 4 }).register, null);
    assert.equal(meter.count(5, 1_000n), 'none');
    meter.count(6, 1_001n);
    assert.deepEqual(
      meter.owed().map(({ energy, user }) => [energy, user]),
      [
        ['1', 'anna'],
        ['4', 'ben'],
        ['1', 'anna'],
      ],
    );
    // The site file has the last word.
    assert.equal(
      code(() => meter.send({ type: 'reassign', wallet: OTHER_WALLET, user: 'ben' })),
      'meters.configured',
    );
    meter.send({ type: 'detach' });
    meter.send({ type: 'detach' });
    assert.equal(meter.count(7, 2_000n), 'none');
    assert.deepEqual(
      meter.orders().map(({ source, bySite }) => [source?.point ?? null, bySite]),
      [
        [3, true],
        [3, true],
        [4, true],
        [null, false],
      ],
    );
    assert.equal(configure().source?.point, 3);
  });

  it('is read no more once it is revoked', () => {
    const meter = counted();
    meter.count(0, 1n);
    meter.send({ type: 'revoke', by: 'carl', reason: 'sold' });
    assert.equal(meter.orders().at(-1)?.source, null);
    assert.equal(meter.count(1, 2n), 'none');
    assert.equal(
      code(() => meter.send({ type: 'configure', source: SOURCE, wallet: WALLET, user: 'anna' })),
      'meters.revoked',
    );
    const signing = new CountedMeter();
    signing.register();
    assert.equal(
      code(() => signing.send({ type: 'configure', source: SOURCE, wallet: WALLET, user: 'anna' })),
      'meters.conflict',
    );
    assert.equal(signing.count(0, 1n), 'none');
  });

  it('adds up to its counter, whatever is asked twice, late or again after a restart', () => {
    const step = fc.record({ wait: fc.integer({ min: 1, max: 4 }), energy: fc.bigInt({ min: 0n, max: 9n * KWH }) });
    const steps = fc.array(fc.tuple(step, fc.constantFrom('once', 'twice', 'late', 'restart')), { maxLength: 30 });
    fc.assert(
      fc.property(steps, (all) => {
        const meter = counted();
        meter.count(0, 0n);
        let quarter = 0;
        let total = 0n;
        for (const [{ wait, energy }, how] of all) {
          const before = quarter;
          quarter += wait;
          total += energy;
          if (how === 'restart') meter.reload();
          meter.count(quarter, total % (100n * KWH));
          if (how === 'twice') meter.count(quarter, total % (100n * KWH));
          if (how === 'late') meter.count(before, total % (100n * KWH));
        }
        const owed = meter.owed();
        assert.equal(
          owed.reduce((sum, { energy }) => sum + BigInt(energy), 0n),
          total,
        );
        for (const [index, { start }] of owed.entries()) assert.equal(start, owed[index - 1]?.end ?? BEGIN);
      }),
    );
  });
});
