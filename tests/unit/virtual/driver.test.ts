import assert from 'node:assert/strict';
import { LinkError } from '../../../protocols/driver.js';
import { createVirtualDriver } from '../../../protocols/virtual/driver.js';
import type { SiteModelConfig, VirtualChannel, VirtualPattern } from '../../../site/model.js';
import { BAD, GOOD, type PointDefinition, type PointKind } from '../../../site/points.js';
import { Readings } from '../../../site/readings.js';

const START = Date.UTC(2026, 5, 21, 10);

function point(kind: PointKind, id: number, more: Partial<PointDefinition> = {}): PointDefinition {
  return {
    kind,
    id,
    name: `${kind}${id}`,
    unit: '',
    dataType: kind === 'S' || kind === 'C' ? 'bool' : 'float32',
    scale: 1,
    offset: 0,
    reverse: false,
    deadband: 0,
    ...more,
  };
}

const siteModel: SiteModelConfig = {
  latitude: 48,
  longitude: 11,
  pvPeakKw: 100,
  batteryCapacityKwh: 200,
  batteryPowerKw: 50,
  loadPeakKw: 80,
  gridLimitKw: 200,
  speed: 1,
  outputs: [
    { kind: 'T', pointId: 1, output: 'grid.power' },
    { kind: 'T', pointId: 2, output: 'battery.power' },
    { kind: 'S', pointId: 1, output: 'site.breaker' },
    { kind: 'C', pointId: 1, output: 'site.breaker' },
    { kind: 'A', pointId: 1, output: 'battery.setpoint' },
    { kind: 'A', pointId: 2, output: 'pv.energy' },
  ],
};

function start(points: PointDefinition[], patterns: VirtualPattern[] = [], model?: SiteModelConfig) {
  const channel: VirtualChannel = {
    protocol: 'virtual',
    id: 1002,
    name: 'virtual',
    enabled: true,
    pollingIntervalMs: 100,
    seed: 1,
    points,
    patterns,
    ...(model === undefined ? {} : { siteModel: model }),
  };
  const clock = { ms: START };
  const readings = new Readings(points);
  const driver = createVirtualDriver(channel, { now: () => clock.ms });
  const poll = async (afterMs = 0): Promise<number[]> => {
    clock.ms += afterMs;
    await driver.poll(readings);
    return [...readings.values];
  };
  return { driver, readings, clock, poll };
}

const invalid = (code: string, text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Error);
  assert.equal((error as { code?: string }).code, code);
  assert.equal((error as { category?: string }).category, 'invalid');
  assert.match(error.message, text);
  return true;
};

describe('virtual driver', () => {
  it('TC-VIRTUAL-001: sine, random walk and step function keep their ranges, first value at the first poll', async () => {
    const { driver, readings, poll } = start(
      [point('T', 1), point('T', 2), point('T', 3)],
      [
        { kind: 'T', pointId: 1, type: 'sine', amplitude: 100, frequencyHz: 0.1, phase: 0, offset: 50 },
        { kind: 'T', pointId: 2, type: 'random-walk', initialValue: 0, stepSize: 1, min: -50, max: 50 },
        { kind: 'T', pointId: 3, type: 'step', values: [0, 100, 50, 75], durationMs: 500 },
      ],
    );
    await driver.connect();
    assert.deepEqual(await poll(), [50, 0, 0]);
    assert.ok(readings.quality.every((quality) => quality === GOOD));
    const steps = new Set<number>();
    const sines = new Set<number>();
    for (let sample = 0; sample < 20; sample++) {
      const [sine, walk, step] = (await poll(100)) as [number, number, number];
      assert.ok(sine >= -50 && sine <= 150);
      assert.ok(walk >= -50 && walk <= 50);
      steps.add(step);
      sines.add(sine);
    }
    assert.deepEqual(
      [...steps].sort((a, b) => a - b),
      [0, 50, 75, 100],
    );
    assert.ok(sines.size >= 10);
    assert.ok(readings.times.every((time) => time === START + 2000));
  });

  it('scales raw values and inverts states as the point table says', async () => {
    const { driver, readings } = start(
      [point('T', 1, { scale: 0.1, offset: 5 }), point('S', 1, { reverse: true })],
      [
        { kind: 'T', pointId: 1, type: 'constant', value: 100 },
        { kind: 'S', pointId: 1, type: 'constant', value: 1 },
      ],
    );
    await driver.connect();
    assert.deepEqual(await driver.poll(readings), { reads: 1, errors: 0, roundTrips: [0] });
    assert.deepEqual([...readings.values], [15, 0]);
  });

  it('T and S points without a source are bad; C and A points hold what was written', async () => {
    const points = [point('T', 1), point('S', 1), point('C', 1), point('A', 1, { scale: 0.1, offset: 20 })];
    const { driver, readings, poll } = start(points);
    await driver.connect();
    const before = await poll();
    assert.deepEqual([...readings.quality], [BAD, BAD, GOOD, GOOD]);
    assert.deepEqual(before.slice(2), [0, 0]);

    const outcome = await driver.write(points[3] as PointDefinition, 42.3);
    assert.equal(outcome.written, 42.3);
    assert.ok(Math.abs((outcome.readBack as number) - 42.3) < 1e-9);
    assert.ok(outcome.confirmed);
    assert.equal(outcome.answer, 'ok');
    await driver.write(points[2] as PointDefinition, 1);
    const after = await poll(100);
    assert.equal(after[2], 1);
    assert.ok(Math.abs((after[3] as number) - 42.3) < 1e-9);
  });

  it('holds what a point without a source is told to, before the link is open too', async () => {
    const points = [
      point('T', 1, { scale: 0.1, offset: 5 }),
      point('S', 1, { reverse: true }),
      point('A', 1),
      point('T', 2),
      point('T', 3, { dataType: 'string' }),
    ];
    const { driver, readings, poll } = start(points, [{ kind: 'T', pointId: 2, type: 'constant', value: 3 }]);
    for (const [index, value] of [15, 1, 4, 9, 9].entries()) driver.hold?.(points[index] as PointDefinition, value);
    driver.hold?.(point('T', 9), 1);
    await driver.connect();
    assert.deepEqual((await poll()).slice(0, 4), [15, 1, 4, 3], 'what a pattern makes stays');
    assert.deepEqual([...readings.quality], [GOOD, GOOD, GOOD, GOOD, BAD]);
    driver.hold?.(points[0] as PointDefinition, 25);
    assert.equal((await poll(100))[0], 25);
    await driver.write(points[2] as PointDefinition, 8);
    assert.equal((await poll(100))[2], 8);
  });

  it('holds the text of a string point', async () => {
    const text = point('A', 1, { dataType: 'string' });
    const { driver, readings, poll } = start([text]);
    await driver.connect();
    const outcome = await driver.write(text, 'Hall 3');
    assert.equal(outcome.readBack, 'Hall 3');
    assert.ok(outcome.confirmed);
    await poll();
    assert.equal(readings.texts.get(0), 'Hall 3');
  });

  it('refuses writes that make no sense, and says why', async () => {
    const points = [point('T', 1), point('A', 1), point('A', 2)];
    const { driver } = start(points, [{ kind: 'A', pointId: 2, type: 'constant', value: 1 }]);
    await driver.connect();
    const [telemetry, adjustment, patterned] = points as [PointDefinition, PointDefinition, PointDefinition];
    await assert.rejects(driver.write(telemetry, 1), invalid('protocol.write_refused', /not a C or A point/));
    await assert.rejects(driver.write(point('A', 9), 1), invalid('protocol.write_refused', /of this channel/));
    await assert.rejects(driver.write(patterned, 2), invalid('protocol.write_refused', /a pattern makes its value/));
    await assert.rejects(driver.write(adjustment, 'high'), invalid('protocol.write_refused', /"high".*a number/));
    await assert.rejects(driver.write(adjustment, NaN), invalid('protocol.write_refused', /a number/));
  });

  it('without a link there is only LinkError', async () => {
    const adjustment = point('A', 1);
    const { driver, readings } = start([adjustment]);
    await assert.rejects(driver.poll(readings), LinkError);
    await driver.connect();
    await driver.poll(readings);
    await driver.close();
    await driver.close();
    await assert.rejects(driver.poll(readings), LinkError);
    await assert.rejects(driver.write(adjustment, 1), LinkError);
  });

  it('goes on while the link is closed', async () => {
    const points = [point('T', 1), point('A', 1)];
    const { driver, clock, poll } = start(points, [
      { kind: 'T', pointId: 1, type: 'ramp', from: 0, to: 1000, durationMs: 1000, repeat: false },
    ]);
    await driver.connect();
    await driver.write(points[1] as PointDefinition, 7);
    await driver.close();
    clock.ms += 400;
    await driver.connect();
    assert.deepEqual(await poll(), [400, 7]);
  });

  it('operates the site model by its settable outputs', async () => {
    const points = [
      point('T', 1),
      point('T', 2),
      point('S', 1),
      point('C', 1),
      // Watts: the model's kW times 1000.
      point('A', 1, { unit: 'W', scale: 1000 }),
      point('A', 2),
    ];
    const { driver, poll } = start(points, [], siteModel);
    const [, , , breaker, setPoint, energy] = points;
    await driver.connect();
    await poll();

    const set = await driver.write(setPoint as PointDefinition, 20_000);
    assert.deepEqual([set.readBack, set.confirmed], [20_000, true]);
    assert.equal((await poll(1000))[1], 20);

    await driver.write(breaker as PointDefinition, 0);
    const open = await poll(1000);
    assert.deepEqual([open[0], open[2], open[3]], [0, 0, 0]);

    await assert.rejects(
      driver.write(setPoint as PointDefinition, 60_000),
      invalid('protocol.value_out_of_range', /found 60 kW, allowed -50 … 50 kW/),
    );
    await assert.rejects(
      driver.write(energy as PointDefinition, 0),
      invalid('protocol.read_only', /pv\.energy cannot be set; battery\.setpoint, .* can/),
    );
  });

  it('two runs with the same seed and clock give the same values', async () => {
    const runs = [];
    for (let run = 0; run < 2; run++) {
      const { driver, poll } = start([point('T', 1), point('T', 2)], [], siteModel);
      await driver.connect();
      const values = [];
      for (let sample = 0; sample < 20; sample++) values.push(await poll(500));
      runs.push(values);
    }
    assert.deepEqual(runs[0], runs[1]);
  });
});
