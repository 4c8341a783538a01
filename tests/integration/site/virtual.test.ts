import assert from 'node:assert/strict';
import { eventually } from '../../support/temp.js';
import { Bed, CASE_TIMEOUT_MS } from './bed.js';

describe('virtual channels, to Redis', function () {
  this.timeout(CASE_TIMEOUT_MS);
  let bed: Bed;
  beforeEach(async () => {
    bed = await Bed.open();
  });
  afterEach(() => bed.close());

  /** The values of the first frame that is at least 120 ms newer, so a step of the walk later, than the one before, and its time. */
  async function sampleAfter(time: number): Promise<{ time: number; values: Record<string, string> }> {
    return eventually(
      async () => {
        const answers = await bed.reader.multi().hgetall('comsrv:1002:frame').hgetall('comsrv:1002:T').exec();
        const [frame, values] = (answers ?? []).map(([, answer]) => answer as Record<string, string>);
        if (frame === undefined || values === undefined) return undefined;
        return Number(frame.time) >= time + 120 ? { time: Number(frame.time), values } : undefined;
      },
      { what: 'the next frame' },
    );
  }

  it('TC-COMSRV-002: virtual protocol simulation', async () => {
    await bed.run({
      'site.yaml': `
channels:
  - id: 1002
    protocol: virtual
    polling_config: { interval_ms: 100 }
    simulation_config:
      sine_wave: { amplitude: 100.0, frequency: 1.0, phase: 0.0 }
      random_walk: { initial_value: 50.0, step_size: 5.0, bounds: [-100.0, 100.0] }
`,
    });
    const samples: number[][] = [];
    for (let time = 0; samples.length < 10;) {
      const sample = await sampleAfter(time);
      time = sample.time;
      assert.deepEqual(Object.keys(sample.values), ['1', '2']);
      for (const text of Object.values(sample.values)) assert.match(text, /^-?\d+\.\d{6}$/);
      samples.push(Object.values(sample.values).map(Number));
    }
    for (const [sine = NaN, walk = NaN] of samples) {
      assert.ok(sine >= -100 && sine <= 100, `sine ${sine}`);
      assert.ok(walk >= -100 && walk <= 100, `walk ${walk}`);
    }
    assert.ok(new Set(samples.map(([sine]) => sine)).size > 1, 'the sine moves');
    samples.slice(1).forEach(([, walk = NaN], index) => {
      const before = samples[index]?.[1] ?? NaN;
      assert.notEqual(walk, before, 'the walk moves');
    });
  });

  it('TC-VIRTUAL-001: simulation patterns', async () => {
    await bed.run({
      'site.yaml': `
channels:
  - id: 1002
    protocol: virtual
    polling_config: { interval_ms: 100 }
    simulation_config:
      patterns:
        - SineWave: { point_id: 1, amplitude: 100.0, frequency: 0.1, phase: 0.0, offset: 50.0 }
        - RandomWalk: { point_id: 2, initial_value: 0.0, step_size: 1.0, bounds: [-50.0, 50.0] }
        - StepFunction: { point_id: 3, values: [0.0, 100.0, 50.0, 75.0], duration_ms: 500 }
`,
    });
    const steps = new Set<number>();
    let samples = 0;
    // Twenty samples hold all four steps of 500 ms, unless the machine is too busy.
    for (let time = 0; samples < 20 || (steps.size < 4 && samples < 200); samples++) {
      const sample = await sampleAfter(time);
      time = sample.time;
      const [sine = NaN, walk = NaN, step = NaN] = Object.values(sample.values).map(Number);
      assert.ok(sine >= -50 && sine <= 150, `sine ${sine}`);
      assert.ok(walk >= -50 && walk <= 50, `walk ${walk}`);
      steps.add(step);
    }
    assert.deepEqual(
      [...steps].sort((a, b) => a - b),
      [0, 50, 75, 100],
    );
  });
});
