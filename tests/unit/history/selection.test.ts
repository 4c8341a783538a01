import assert from 'node:assert/strict';
import { ChoiceReader, ChoiceRecord, keepChosen, type Choice } from '../../../actors/projections/choices.js';
import { PointSelector } from '../../../actors/projections/point-selector.js';
import { buildStorageRule, type MappingDefinition } from '../../../site/history/definition.js';
import type { StoragePlan } from '../../../site/history/mapping.js';
import { BAD, GOOD, keyId, pointKey, STALE, type Frame } from '../../../site/points.js';

type Given = readonly [id: number, value: number | string, quality?: number, age?: number];

function frame(time: number, points: readonly Given[], channel = 1): Frame {
  const texts = new Map<number, string>();
  for (const [index, [, value]] of points.entries()) if (typeof value === 'string') texts.set(index, value);
  return {
    ...{ channel, epoch: 1, seq: 1, time },
    keys: Uint32Array.from(points, ([id]) => pointKey('T', id)),
    values: Float64Array.from(points, ([, value]) => (typeof value === 'string' ? NaN : value)),
    quality: Uint8Array.from(points, ([, , quality = GOOD]) => quality),
    ...(points.some(([, , , age]) => age !== undefined)
      ? { ages: Uint32Array.from(points, ([, , , age = 0]) => age) }
      : {}),
    ...(texts.size > 0 ? { texts } : {}),
  };
}

function plan(...definitions: MappingDefinition[]): StoragePlan {
  const rules = definitions.map((definition) => {
    const report = (...what: string[]) => assert.fail(what.join(' '));
    const rule = buildStorageRule(definition, undefined, { report });
    assert.ok(rule);
    return rule;
  });
  return { rules, nameOf: (_channel, _kind, id) => ['', 'Power', 'Cell temperature', 'Temperature outside'][id] };
}

/** Ids of the points that are chosen of a frame. */
function chosen(selector: PointSelector, given: Frame, late = false): number[] {
  return Array.from(keepChosen(given, selector.choose(given, late))?.keys ?? [], keyId);
}

describe('what history stores of a frame', () => {
  const selector = (...definitions: MappingDefinition[]): PointSelector => {
    const made = new PointSelector();
    made.use(plan(...definitions));
    return made;
  };
  /** Which of these values of one point, a second apart, are stored. */
  const stored = (definition: MappingDefinition, points: readonly (readonly [value: number, quality?: number])[]) => {
    const one = selector(definition);
    return points.flatMap(([value, quality], at) =>
      chosen(one, frame(at * 1_000, [[1, value, quality]])).length > 0 ? [at] : [],
    );
  };

  it('is everything when nothing is said, and for points that no mapping is about', () => {
    const given = frame(0, [
      [1, 1],
      [2, 1],
    ]);
    assert.equal(new PointSelector().choose(given, false), 'all');
    const one = selector({ points: '1:T:2', store: 'never' });
    assert.deepEqual([chosen(one, given), chosen(one, given)], [[1], [1]]);
  });

  it('is what has moved by the deadband, the first value, and one now and then', () => {
    const values = [10, 10.4, 10.5, 10.9, 11, 11, 11, 11].map((value) => [value] as const);
    assert.deepEqual(stored({ points: '*', store: 'change', deadband: 0.5 }, values), [0, 2, 4]);
    assert.deepEqual(stored({ points: '*', store: 'change' }, values), [0, 1, 2, 3, 4]);
    assert.deepEqual(stored({ points: '*', store: 'change', deadband: 5, maxIntervalMs: 3_000 }, values), [0, 3, 6]);
  });

  it('is the first of each interval', () => {
    const values = Array.from({ length: 8 }, (_, at) => [at] as const);
    assert.deepEqual(stored({ points: '*', store: 'interval', intervalMs: 3_000 }, values), [0, 3, 6]);
  });

  it('is every change of quality, unless nothing is to be stored', () => {
    const values = [[1], [1, STALE], [1, STALE], [1], [NaN, BAD], [NaN, BAD]] as const;
    for (const definition of [
      { store: 'change', deadband: 100 },
      { store: 'interval', intervalMs: 60_000 },
    ] as const) {
      assert.deepEqual(stored({ points: '*', ...definition }, values), [0, 1, 3, 4]);
    }
    assert.deepEqual(stored({ points: '*', store: 'never' }, values), []);
  });

  it('goes by the first mapping that matches, by address and name', () => {
    const one = selector(
      { points: '1:T:2', names: '*temp*', store: 'never' },
      { names: ['Cell*', 'Temp*'], store: 'change' },
      { points: ['1:T:1-3'], store: 'interval', intervalMs: 10_000 },
    );
    const at = (time: number, value: number) =>
      chosen(
        one,
        frame(
          time,
          [1, 2, 3, 4].map((id) => [id, value]),
        ),
      );
    assert.deepEqual(at(0, 1), [1, 3, 4]);
    assert.deepEqual(at(1_000, 1), [4]);
    assert.deepEqual(at(2_000, 2), [3, 4]);
    assert.deepEqual(at(10_000, 2), [1, 4]);
  });

  it('goes by a value’s own time: a stale value is no new one', () => {
    const one = selector({ points: '*', store: 'change', maxIntervalMs: 2_000 });
    const at = (time: number, age: number) => chosen(one, frame(time, [[1, 5, STALE, age]]));
    assert.deepEqual([at(10_000, 0), at(20_000, 10_000), at(30_000, 20_000)], [[1], [], []]);
  });

  it('takes what comes late in an order of its own, and older values anew', () => {
    const one = selector({ points: '*', store: 'interval', intervalMs: 10_000 });
    const at = (time: number, late: boolean) => chosen(one, frame(time, [[1, 5]]), late);
    assert.deepEqual([at(100_000, false), at(20_000, true), at(21_000, true), at(101_000, false)], [[1], [1], [], []]);
    assert.deepEqual([at(5_000, true), at(6_000, true)], [[1], []]);
  });

  it('is not what was found already not to be stored', () => {
    const given = (time: number, leftOut: readonly number[]): Frame => ({
      ...frame(time, [
        [1, time],
        [2, time],
      ]),
      leftOut: Uint8Array.from(leftOut),
    });
    const plain = new PointSelector();
    assert.deepEqual(chosen(plain, given(0, [1, 0])), [2]);
    assert.deepEqual(chosen(plain, given(0, [1, 1])), []);
    const one = selector({ points: '1:T:1', store: 'interval', intervalMs: 10_000 });
    assert.deepEqual([chosen(one, given(1_000, [1, 0])), chosen(one, given(2_000, [0, 0]))], [[2], [1, 2]]);
  });

  it('tells texts apart', () => {
    const one = selector({ points: '*', store: 'change', deadband: 1 });
    const at = (time: number, text: string) => chosen(one, frame(time, [[1, text]]));
    assert.deepEqual([at(0, 'a'), at(1, 'a'), at(2, 'b')], [[1], [], [1]]);
  });

  it('goes on from what it has stored when the mapping changes', () => {
    const one = selector({ points: '*', store: 'change', deadband: 10 });
    const at = (time: number, value: number) => chosen(one, frame(time, [[1, value]])).length;
    assert.deepEqual([at(0, 1), at(1, 3)], [1, 0]);
    one.use(plan({ points: '*', store: 'change', deadband: 2 }));
    assert.deepEqual([at(2, 2), at(3, 3)], [0, 1]);
    one.use(plan());
    assert.deepEqual([at(4, 3), at(5, 3)], [1, 1]);
  });
});

describe('the record of what was chosen', () => {
  const choices: readonly (readonly [sequence: number, choice: Choice, points: number])[] = [
    [10, 'none', 3],
    [11, 'all', 3],
    [12, 'all', 1],
    [15, Uint8Array.of(0b101), 3],
    [16, Uint8Array.of(0, 0b1), 12],
    [17, 'none', 1],
    [400, 'all', 2],
  ];

  it('says of each sequence what was chosen, also of those that it is not asked for', () => {
    const record = new ChoiceRecord(8);
    for (const choice of choices) record.add(...choice);
    const text = record.finish();
    assert.ok(text !== undefined && text.length < 40, text);
    const whole = new ChoiceReader(text, 8);
    const found = Array.from({ length: 400 }, (_, index) => whole.of(8 + index));
    for (let sequence = 8; sequence < 408; sequence++) {
      const [, expected = 'none'] = choices.find(([at]) => at === sequence) ?? [];
      const got = found[sequence - 8] as Choice;
      assert.deepEqual(
        typeof got === 'string' ? got : [...got],
        typeof expected === 'string' ? expected : [...expected],
      );
    }
    const some = new ChoiceReader(text, 8);
    assert.deepEqual([some.of(12), some.of(17), some.of(400), some.of(401)], ['all', 'none', 'all', 'none']);
  });

  it('is not needed when everything was chosen, and small when nothing was', () => {
    const all = new ChoiceRecord(1);
    for (let sequence = 1; sequence < 50; sequence += 7) all.add(sequence, 'all', 5);
    assert.equal(all.finish(), undefined);
    const none = new ChoiceRecord(1);
    for (let sequence = 1; sequence <= 100_000; sequence++) none.add(sequence, 'none', 5);
    assert.ok((none.finish() ?? '').length <= 8);
  });

  it('keeps what it says through any frames', () => {
    let seed = 7;
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let round = 0; round < 50; round++) {
      const record = new ChoiceRecord(1);
      const given = new Map<number, Choice>();
      let sequence = 0;
      for (let n = 0; n < 200; n++) {
        sequence += 1 + (random(5) === 0 ? random(300) : 0);
        const points = 1 + random(40);
        const bits = Uint8Array.from({ length: (points + 7) >>> 3 }, () => random(256));
        const choice: Choice = random(3) === 0 ? bits : random(2) === 0 ? 'all' : 'none';
        given.set(sequence, choice);
        record.add(sequence, choice, points);
      }
      const reader = new ChoiceReader(record.finish() ?? '', 1);
      for (const [at, choice] of given)
        assert.deepEqual(reader.of(at), typeof choice === 'string' ? choice : Buffer.from(choice));
    }
  });

  it('is applied to values, qualities, ages and texts alike', () => {
    const given = frame(5, [
      [1, 1, GOOD, 3],
      [2, 'two', STALE, 4],
      [3, 3, BAD, 5],
      [4, 'four', GOOD, 6],
    ]);
    const kept = keepChosen(given, Uint8Array.of(0b1010));
    assert.deepEqual(kept, {
      ...{ channel: 1, epoch: 1, seq: 1, time: 5 },
      keys: Uint32Array.of(pointKey('T', 2), pointKey('T', 4)),
      values: Float64Array.of(NaN, NaN),
      quality: Uint8Array.of(STALE, GOOD),
      ages: Uint32Array.of(4, 6),
      texts: new Map([
        [0, 'two'],
        [1, 'four'],
      ]),
    });
    const marked = keepChosen({ ...given, leftOut: Uint8Array.of(0, 1, 0, 0) }, Uint8Array.of(0b1010));
    assert.deepEqual(marked?.leftOut, Uint8Array.of(1, 0));
    assert.equal(keepChosen(given, 'all'), given);
    assert.equal(keepChosen(given, 'none'), undefined);
  });
});
