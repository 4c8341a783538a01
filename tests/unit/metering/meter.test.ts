import assert from 'node:assert/strict';
import fc from 'fast-check';
import { StatewattError } from '../../../errors/error.js';
import { MAX_HELD } from '../../../machines/meter/decide.js';
import { KEY_GRACE_MS } from '../../../machines/meter/record.js';
import { REMEMBERED } from '../../../machines/meter/window.js';
import { meterActorId, meterIdOf } from '../../../actors/meter/meter-id.js';
import type { SubmittedReading } from '../../../site/metering/readings.js';
import {
  KEY,
  LIMITS,
  NOW,
  OTHER_KEY,
  OTHER_WALLET,
  PlainMeter,
  QUARTER_MS,
  quarterReading,
  WALLET,
  word,
} from '../../support/meter.js';

function code(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof StatewattError) return error.code;
    throw error;
  }
  return 'none';
}

function registered(): PlainMeter {
  const meter = new PlainMeter();
  meter.register();
  return meter;
}

describe('A meter', () => {
  it('is registered once; the same again answers the same, another is refused', () => {
    const meter = new PlainMeter();
    assert.equal(
      code(() => meter.send({ type: 'describe' })),
      'meters.not_found',
    );
    const record = meter.register();
    assert.deepEqual(
      [record.id, record.state, record.publicKey, record.wallet, record.user, record.registeredAt, record.revision],
      ['METER_001', 'active', KEY, WALLET, 'anna', NOW, 1],
    );
    assert.deepEqual(meter.register(), record);
    for (const change of [{ wallet: OTHER_WALLET }, { user: 'ben' }, { publicKey: OTHER_KEY }]) {
      assert.equal(
        code(() => meter.register(change)),
        'meters.conflict',
      );
    }
    assert.deepEqual(meter.send({ type: 'describe' }), record);
  });

  it('takes readings signed with its former key for a day after the rotation', () => {
    const meter = registered();
    meter.send({ type: 'rotate', publicKey: OTHER_KEY });
    assert.deepEqual(meter.context.formerKeys, [{ publicKey: KEY, until: NOW + KEY_GRACE_MS }]);
    assert.equal(word(meter.submit([quarterReading(1)])[0]), 'accepted');
    assert.equal(word(meter.submit([quarterReading(2, '1', { key: OTHER_KEY })])[0]), 'accepted');
    meter.at = NOW + KEY_GRACE_MS;
    assert.equal(word(meter.submit([quarterReading(3)])[0]), 'readings.bad_signature');
    assert.equal(word(meter.submit([quarterReading(3, '1', { key: OTHER_KEY })])[0]), 'accepted');
    // Back to the former one: it is no former one any more, the other is.
    meter.send({ type: 'rotate', publicKey: KEY });
    assert.deepEqual(meter.context.formerKeys, [{ publicKey: OTHER_KEY, until: meter.at + KEY_GRACE_MS }]);
    const { revision } = meter.context;
    meter.send({ type: 'rotate', publicKey: KEY });
    assert.equal(meter.context.revision, revision);
    // At most four former keys are kept.
    for (const digit of '23456789') meter.send({ type: 'rotate', publicKey: `${digit}`.repeat(40) });
    assert.equal(meter.context.formerKeys.length, 4);
  });

  it('takes nothing more once it is revoked, and does not change', () => {
    const meter = registered();
    meter.submit([quarterReading(1)]);
    const record = meter.send({ type: 'revoke', by: 'carl', reason: 'replaced' });
    assert.deepEqual(meter.send({ type: 'revoke', by: 'dora', reason: 'again' }), record);
    assert.equal(word(meter.submit([quarterReading(2)])[0]), 'readings.revoked_meter');
    assert.equal(
      code(() => meter.send({ type: 'rotate', publicKey: OTHER_KEY })),
      'meters.revoked',
    );
    assert.equal(
      code(() => meter.send({ type: 'reassign', wallet: OTHER_WALLET, user: 'ben' })),
      'meters.revoked',
    );
    assert.equal(
      code(() => meter.register()),
      'meters.conflict',
    );
  });

  it('owes tokens to whoever it belonged to when the reading came', () => {
    const meter = registered();
    meter.submit([quarterReading(1)]);
    meter.send({ type: 'reassign', wallet: OTHER_WALLET, user: 'ben' });
    meter.send({ type: 'reassign', wallet: OTHER_WALLET, user: 'ben' });
    assert.equal(word(meter.submit([quarterReading(2, '1', { wallet: WALLET })])[0]), 'readings.wallet_mismatch');
    meter.submit([quarterReading(2, '1', { wallet: OTHER_WALLET })]);
    assert.deepEqual(
      meter.owed().map(({ sequence, wallet, user }) => [sequence, wallet, user]),
      [
        [1, WALLET, 'anna'],
        [2, OTHER_WALLET, 'ben'],
      ],
    );
  });

  it('that a channel reads takes no readings from outside, and has no key', () => {
    const meter = new PlainMeter();
    meter.register({ publicKey: null, source: { channel: 1001, point: 3, unit: 'kWh' } });
    assert.equal(word(meter.submit([quarterReading(1)])[0]), 'readings.bad_signature');
    assert.equal(
      code(() => meter.send({ type: 'rotate', publicKey: KEY })),
      'meters.no_key',
    );
    assert.equal(word(registered().submit([quarterReading(1, '5', { key: undefined })])[0]), 'readings.bad_signature');
  });

  it('has an actor id of its own, whatever its id', () => {
    const ids = [
      'METER_001',
      'site-7:feeder.B_2',
      'a-',
      'a--',
      'a-.',
      'a.-',
      'a:-d',
      'a-d',
      'a-c',
      `x${':'.repeat(63)}`,
    ];
    const actors = ids.map(meterActorId);
    assert.deepEqual(actors.map(meterIdOf), ids);
    assert.equal(new Set(actors).size, ids.length);
    for (const actor of actors) assert.match(actor, /^[A-Za-z0-9_-]{1,128}$/);
    assert.equal(
      code(() => meterActorId('a b')),
      'meters.invalid_id',
    );
  });
});

describe('Readings of a meter', () => {
  it('are accepted with the tokens that they are worth, and stand in the journal once', () => {
    const meter = registered();
    assert.deepEqual(meter.submit([quarterReading(2, '2500000000'), quarterReading(1, '10500000000')]), [
      { sequence: 2, verdict: 'accepted', tokens: '2500000000' },
      { sequence: 1, verdict: 'accepted', tokens: '10500000000' },
    ]);
    assert.deepEqual(
      meter.owed().map(({ sequence, energy, tokens, wallet, user }) => [sequence, energy, tokens, wallet, user]),
      [
        [1, '10500000000', '10500000000', WALLET, 'anna'],
        [2, '2500000000', '2500000000', WALLET, 'anna'],
      ],
    );
    const { readings, energy, tokens, last } = meter.context;
    assert.deepEqual([readings, energy, tokens], [2, '13000000000', '13000000000']);
    assert.deepEqual(last, { sequence: 2, end: quarterReading(2).end });
  });

  it('that come again are answered with the first verdict, also after a restart and when they have become too old', () => {
    const meter = registered();
    const [first] = meter.submit([quarterReading(1, '7')]);
    const steps = meter.effects.length;
    meter.reload();
    meter.at += 30 * 86_400_000;
    assert.deepEqual(meter.submit([quarterReading(1, '7')]), [{ ...first, duplicate: true }]);
    assert.equal(meter.effects.length, steps);
    // Also within one submission.
    meter.at = NOW;
    assert.deepEqual(meter.submit([quarterReading(2), quarterReading(2)]).map(word), ['accepted', 'accepted again']);
  });

  it('are rejected, each with its code', () => {
    const meter = registered();
    meter.submit([quarterReading(10)]);
    const { start, end } = quarterReading(11);
    const late = NOW + 61_000;
    const rejected: [string, SubmittedReading][] = [
      ['readings.wallet_mismatch', quarterReading(11, '1', { wallet: OTHER_WALLET })],
      ['readings.bad_signature', quarterReading(11, '1', { key: OTHER_KEY })],
      ['readings.bad_signature', quarterReading(11, '1', { key: undefined })],
      ['readings.conflict', quarterReading(10, '1')],
      ['readings.not_monotonic', quarterReading(9)],
      ['readings.in_future', { ...quarterReading(11), start: late - 1, end: late }],
      ['readings.too_old', { ...quarterReading(11), start: 0, end: NOW - 7 * 86_400_000 - 1 }],
      ['readings.above_maximum', quarterReading(11, '100000000001')],
      ['readings.overlap', { ...quarterReading(11), start: start - 1, end }],
    ];
    const { effects } = meter;
    const steps = effects.length;
    for (const [expected, reading] of rejected) assert.equal(word(meter.submit([reading])[0]), expected);
    // A submission of nothing but rejected readings changes nothing.
    assert.equal(effects.length, steps);
    meter.limits = { ...LIMITS, maxEnergy: '18446744073709551615', rate: { ratio: '2', decimals: 9 } };
    assert.equal(word(meter.submit([quarterReading(11, '9223372036854775808')])[0]), 'readings.too_much');
    assert.equal(word(meter.submit([quarterReading(11, '9223372036854775807')])[0]), 'accepted');
    assert.equal(meter.owed().at(-1)?.tokens, '18446744073709551614');
    assert.equal(word(new PlainMeter().submit([quarterReading(1)])[0]), 'readings.unknown_meter');
    // At the limits they are taken.
    const edge = registered();
    const oldest = NOW - 7 * 86_400_000;
    assert.equal(word(edge.submit([{ ...quarterReading(1, '100000000000'), start: 0, end: oldest }])[0]), 'accepted');
    assert.equal(word(edge.submit([{ ...quarterReading(2), start: NOW, end: NOW + 60_000 }])[0]), 'accepted');
  });

  it('of one submission are judged one by one, and its answer is given again', () => {
    const meter = registered();
    const readings = [
      quarterReading(3),
      quarterReading(1),
      quarterReading(2, '1', { key: OTHER_KEY }),
      quarterReading(5),
    ];
    const verdicts = meter.submit(readings, { submission: 's' });
    assert.deepEqual(verdicts.map(word), ['accepted', 'accepted', 'readings.bad_signature', 'accepted']);
    assert.deepEqual(meter.submit(readings, { submission: 's' }), verdicts);
    assert.equal(meter.owed().length, 3);
  });

  it('are remembered as far back as the window reaches; those before are not taken again', () => {
    const meter = registered();
    meter.limits = { ...LIMITS, maxAgeMs: 1e12 };
    const all = Array.from({ length: REMEMBERED + 100 }, (_, index) => ({
      ...quarterReading(index),
      start: NOW - 1e9 + index * 1_000,
      end: NOW - 1e9 + (index + 1) * 1_000,
    }));
    for (let from = 0; from < all.length; from += 500) meter.submit(all.slice(from, from + 500));
    assert.equal(meter.context.recent.length, REMEMBERED);
    assert.equal(word(meter.submit([all[100] as SubmittedReading])[0]), 'accepted again');
    assert.equal(word(meter.submit([all[99] as SubmittedReading])[0]), 'readings.not_monotonic');
    assert.equal(meter.owed().length, all.length);
  });
});

describe('Anomalous readings', () => {
  /** A meter that is known to give about 1 kWh each quarter hour. */
  function known(): PlainMeter {
    const meter = registered();
    meter.submit(
      Array.from({ length: 96 }, (_, index) => quarterReading(index, String(1_000_000_000 + (index % 3) * 1_000_000))),
    );
    assert.equal(meter.owed().length, 96);
    return meter;
  }

  it('are held for a person, who lets them through or not', () => {
    const meter = known();
    const [held] = meter.submit([quarterReading(96, '2000000000')]);
    assert.deepEqual([word(held), meter.owed().length, meter.context.held.length], ['held', 96, 1]);
    assert.match(meter.context.held[0]?.reason ?? '', /^8000 W on average; of this meter at most .* is usual/);
    assert.deepEqual(
      meter.submit([quarterReading(96, '2000000000'), quarterReading(97), quarterReading(98, '3000000000')]).map(word),
      ['held again', 'accepted', 'held'],
    );
    assert.equal((meter.send({ type: 'listHeld' }) as unknown[]).length, 2);
    meter.send({ type: 'release', sequence: 96, by: 'carl' });
    assert.equal(
      code(() => meter.send({ type: 'release', sequence: 96, by: 'carl' })),
      'readings.not_held',
    );
    meter.send({ type: 'revoke', by: 'carl', reason: 'gone' });
    meter.send({ type: 'refuse', sequence: 98, by: 'carl' });
    assert.deepEqual(
      meter
        .owed()
        .map(({ sequence }) => sequence)
        .slice(-2),
      [97, 96],
    );
    assert.equal(meter.context.readings, 98);
    assert.deepEqual(meter.context.held, []);
    assert.equal(
      code(() => meter.send({ type: 'refuse', sequence: 5, by: 'carl' })),
      'readings.not_held',
    );
  });

  it('that come again are told how a person decided', () => {
    const meter = known();
    meter.submit([quarterReading(96, '2000000000'), quarterReading(97, '3000000000')]);
    meter.send({ type: 'release', sequence: 96, by: 'carl' });
    meter.send({ type: 'refuse', sequence: 97, by: 'carl' });
    const verdicts = meter.submit([quarterReading(96, '2000000000'), quarterReading(97, '3000000000')]);
    assert.deepEqual(verdicts.map(word), ['accepted again', 'refused again']);
  });

  it('are bounded in number, and none with the check off', () => {
    const meter = known();
    meter.limits = { ...LIMITS, maxAgeMs: 1e12, futureSkewMs: 1e12 };
    const many = Array.from({ length: MAX_HELD + 1 }, (_, index) => quarterReading(96 + index, '5000000000'));
    assert.deepEqual(new Set(meter.submit(many).map(word)), new Set(['held', 'readings.too_many_held']));
    assert.equal(meter.context.held.length, MAX_HELD);
    const off = known();
    off.limits = { ...LIMITS, anomaly: { deviations: 0, minReadings: 2 } };
    assert.equal(word(off.submit([quarterReading(96, '90000000000')])[0]), 'accepted');
  });
});

describe('Readings in any order, repeated, over restarts', () => {
  it('are accepted at most once each, and all sums agree', () => {
    const reading = fc.record({ sequence: fc.nat({ max: 12 }), energy: fc.constantFrom('5', '6', '7000000000') });
    const steps = fc.oneof(
      { weight: 5, arbitrary: fc.array(reading, { minLength: 1, maxLength: 6 }).map((readings) => ({ readings })) },
      { weight: 1, arbitrary: fc.constant({ reload: true as const }) },
      { weight: 1, arbitrary: fc.nat({ max: 20 }).map((again) => ({ again })) },
    );
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 25 }), (walk) => {
        const meter = registered();
        const sent: SubmittedReading[][] = [];
        /** The whole of what a meter is: what it has accepted, and the last sequence. */
        const model = new Map<number, string>();
        let last = -1;
        for (const step of walk) {
          if ('reload' in step) {
            meter.reload();
            continue;
          }
          const readings =
            'readings' in step
              ? step.readings.map(({ sequence, energy }) => quarterReading(sequence, energy))
              : sent[step.again];
          if (readings === undefined) continue;
          sent.push(readings);
          const expected = new Map<SubmittedReading, string>();
          for (const each of [...readings].sort((a, b) => a.sequence - b.sequence)) {
            const { sequence, energy } = each;
            if (sequence > last) {
              model.set(sequence, energy);
              last = sequence;
              expected.set(each, 'accepted');
            } else if (model.has(sequence)) {
              expected.set(each, model.get(sequence) === energy ? 'accepted again' : 'readings.conflict');
            } else expected.set(each, 'readings.not_monotonic');
          }
          assert.deepEqual(
            meter.submit(readings).map(word),
            readings.map((each) => expected.get(each)),
          );
        }
        const owed = meter.owed();
        assert.deepEqual(new Map(owed.map(({ sequence, energy }) => [sequence, energy])), model);
        assert.equal(owed.length, model.size);
        const sum = [...model.values()].reduce((total, energy) => total + BigInt(energy), 0n);
        assert.deepEqual([meter.context.energy, meter.context.tokens], [String(sum), String(sum)]);
        assert.equal(meter.context.readings, model.size);
        assert.ok(owed.every(({ start, end }) => end - start === QUARTER_MS));
      }),
      { numRuns: 100 },
    );
  });
});
