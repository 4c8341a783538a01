import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ONE_WAY_EFFICIENCY, SOC_MAX, SOC_MIN } from '../../../protocols/virtual/battery.js';
import { SiteModel, TICK_MS } from '../../../protocols/virtual/site-model.js';
import { SITE_MODEL_OUTPUTS, type SiteModelConfig } from '../../../site/model.js';

const HOUR_MS = 3_600_000;
/** Midnight at the place, midsummer. */
const MIDNIGHT = Date.UTC(2026, 5, 20, 23);
const config: SiteModelConfig = {
  latitude: 48,
  longitude: 15,
  pvPeakKw: 200,
  batteryCapacityKwh: 300,
  batteryPowerKw: 100,
  loadPeakKw: 120,
  gridLimitKw: 250,
  evPowerKw: 50,
  speed: 1,
  outputs: [],
};

function create(more: Partial<SiteModelConfig> = {}, start = MIDNIGHT, seed = 1): SiteModel {
  return new SiteModel({ ...config, ...more }, seed, start);
}

/** Every tick for `hours`. */
function run(model: SiteModel, hours: number, look: () => void): void {
  for (let tick = 0; tick < (hours * HOUR_MS) / TICK_MS; tick++) {
    model.step(TICK_MS);
    look();
  }
}

/** Tenths of kW or kWh, so that what is checked is the model and not the last bits of tiny numbers. */
const kw = (max: number) => fc.integer({ min: 0, max: max * 10 }).map((tenths) => tenths / 10);
const arbitraryConfig = fc.record({
  latitude: fc.double({ min: -90, max: 90, noNaN: true }),
  longitude: fc.double({ min: -180, max: 180, noNaN: true }),
  pvPeakKw: kw(500),
  batteryCapacityKwh: kw(1000),
  batteryPowerKw: kw(300),
  loadPeakKw: kw(500),
  gridLimitKw: kw(300),
  evPowerKw: kw(100),
  speed: fc.double({ min: 1, max: 100, noNaN: true }),
});
const arbitraryCommand = fc.oneof(
  fc.record({ output: fc.constant('battery.setpoint' as const), part: fc.double({ min: -1, max: 1, noNaN: true }) }),
  fc.record({ output: fc.constant('pv.limit' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({ output: fc.constantFrom('battery.auto' as const, 'site.breaker' as const), part: fc.constantFrom(0, 1) }),
);

describe('site model', () => {
  it('keeps balance, limits and losses for any site under any commands', () => {
    fc.assert(
      fc.property(
        arbitraryConfig,
        fc.integer(),
        fc.integer({ min: 0, max: 2_000_000_000_000 }),
        fc.array(arbitraryCommand, { minLength: 5, maxLength: 40 }),
        (arbitrary, seed, start, commands) => {
          const model = create(arbitrary, start, seed);
          for (const { output, part } of commands) {
            const scale = { 'battery.setpoint': arbitrary.batteryPowerKw, 'pv.limit': 100 }[output as string] ?? 1;
            model.command(output, part * scale);
            for (let step = 0; step < 20; step++) {
              model.step(1000);
              check(model);
            }
          }
        },
      ),
      { numRuns: 60 },
    );

    function check(model: SiteModel): void {
      const { battery, config: site } = model;
      assert.equal(model.pvPower + battery.power + model.gridPower, model.loadPower);
      assert.ok(Math.abs(model.gridPower) <= (model.breakerClosed ? site.gridLimitKw : 0));
      assert.ok(Math.abs(battery.power) <= site.batteryPowerKw);
      if (site.batteryCapacityKwh > 0)
        assert.ok(battery.soc >= SOC_MIN - 1e-6 && battery.soc <= SOC_MAX + 1e-6, `SoC ${battery.soc} %`);
      assert.ok(model.pvPower >= 0 && model.pvPower <= site.pvPeakKw * 1.2);
      assert.ok(model.loadPower >= -1e-9 && model.shedPower >= 0);
      assert.ok(model.evPower <= model.loadPower + 1e-9);
      for (const output of SITE_MODEL_OUTPUTS) assert.ok(Number.isFinite(model.read(output)), output);
    }
  });

  it('counts energy: what came in is what was used or stored', () => {
    const model = create();
    const { battery } = model;
    const stored = battery.energy;
    const before = model.pvEnergy + model.importEnergy - model.exportEnergy - model.loadEnergy;
    const dischargedBefore = battery.discharged - battery.charged;
    let pv = model.pvEnergy;
    run(model, 24, () => {
      assert.ok(model.pvEnergy >= pv);
      pv = model.pvEnergy;
    });
    const after = model.pvEnergy + model.importEnergy - model.exportEnergy - model.loadEnergy;
    const discharged = battery.discharged - battery.charged - dischargedBefore;
    assert.ok(Math.abs(after - before + discharged) < 1e-6);
    const change = battery.charged * ONE_WAY_EFFICIENCY - battery.discharged / ONE_WAY_EFFICIENCY;
    assert.ok(Math.abs(battery.energy - stored - change) < 0.1);
    assert.ok(pv > 300, `a summer day gave ${pv} kWh`);
    assert.ok(battery.charged > 50 && battery.discharged > 50);
  });

  it('gives nothing from the sun at night, and most about noon', () => {
    const model = create();
    let peak = 0;
    let peakAt = 0;
    run(model, 24, () => {
      if (model.weather.sunElevation <= 0) assert.equal(model.pvPower, 0);
      assert.ok(model.weather.irradiance < 1361);
      if (model.pvPower > peak) {
        peak = model.pvPower;
        peakAt = (model.time - MIDNIGHT) / HOUR_MS;
      }
    });
    assert.equal(model.pvPower, 0);
    assert.ok(peak > 100 && peak <= 200, `${peak} kW`);
    assert.ok(peakAt > 8 && peakAt < 16, `${peakAt} h`);
  });

  it('the load has a morning and a higher evening peak', () => {
    const model = create({ evPowerKw: 0 });
    const hourly = new Float64Array(24);
    run(model, 24, () => {
      const hour = Math.floor((model.time - MIDNIGHT) / HOUR_MS) % 24;
      hourly[hour] = Math.max(hourly[hour] as number, model.loadPower);
    });
    const [night, morning, midday, evening] = [3, 8, 13, 19].map((hour) => hourly[hour] as number);
    assert.ok((evening as number) > (morning as number), 'evening > morning');
    assert.ok((morning as number) > (midday as number) && (morning as number) > (night as number) * 1.5);
    assert.ok((evening as number) < 120 * 1.3);
  });

  it('the battery serves self-consumption: it discharges into the evening and exchanges nothing while it can', () => {
    const model = create({ pvPeakKw: 0, evPowerKw: 0 }, MIDNIGHT + 18 * HOUR_MS);
    model.step(TICK_MS);
    assert.equal(model.read('battery.auto'), 1);
    assert.ok(model.battery.power > 0);
    assert.ok(model.gridPower < 30);
    run(model, 5, () => undefined);
    assert.ok(Math.abs(model.battery.soc - SOC_MIN) < 0.1);
    assert.equal(model.gridPower, model.loadPower);
  });

  it('follows a set-point until automatic operation is asked for again', () => {
    const model = create({ evPowerKw: 0 });
    model.command('battery.setpoint', -40);
    model.step(TICK_MS);
    assert.equal(model.battery.power, -40);
    assert.deepEqual([model.read('battery.setpoint'), model.read('battery.auto')], [-40, 0]);
    model.command('battery.auto', 1);
    model.step(TICK_MS);
    assert.ok(model.battery.power > 0);
    assert.equal(model.read('battery.auto'), 1);
    model.command('battery.auto', 0);
    const held = model.battery.power;
    model.step(TICK_MS);
    assert.ok(Math.abs(model.battery.power - held) < 1e-12);
  });

  it('curtails the PV at its limit', () => {
    const model = create({}, MIDNIGHT + 12 * HOUR_MS);
    assert.ok(model.pvPower > 30);
    model.command('pv.limit', 10);
    model.step(TICK_MS);
    assert.equal(model.pvPower, 20);
    assert.ok(model.curtailedPower > 0);
  });

  it('with the breaker open it runs as an island, and sheds load when the battery is empty', () => {
    const model = create({ pvPeakKw: 0, evPowerKw: 0, batteryCapacityKwh: 20 });
    model.command('site.breaker', 0);
    model.step(TICK_MS);
    assert.equal(model.gridPower, 0);
    assert.ok(model.battery.power > 0);
    assert.equal(model.shedPower, 0);
    const imported = model.importEnergy;
    run(model, 2, () => assert.equal(model.gridPower, 0));
    assert.ok(model.loadPower < 0.01 && model.shedPower > 20);
    assert.equal(model.importEnergy, imported);
  });

  it('serves cars one after another, energy as metered', () => {
    const model = create();
    let full = 0;
    run(model, 24, () => {
      full = Math.max(full, model.evPower);
      assert.ok(model.evPower <= 50);
    });
    assert.ok(model.ev.sessions >= 2, `${model.ev.sessions} cars`);
    assert.ok(Math.abs(full - 50) < 1e-9);
    assert.ok(model.evEnergy > 10);
  });

  it('depends on seed, start and elapsed time, not on how the time is divided', () => {
    const whole = create();
    const parts = create();
    const other = create({}, MIDNIGHT, 2);
    whole.step(2 * HOUR_MS);
    other.step(2 * HOUR_MS);
    for (let ms = 0; ms < 2 * HOUR_MS; ms += 250) parts.step(250);
    const outputs = (model: SiteModel) => SITE_MODEL_OUTPUTS.map((output) => model.read(output));
    assert.deepEqual(outputs(parts), outputs(whole));
    assert.notDeepEqual(outputs(other), outputs(whole));
    const fast = create({ speed: 60 });
    fast.step(2 * 60_000);
    assert.deepEqual(outputs(fast), outputs(whole));
    assert.equal(fast.time, MIDNIGHT + 2 * HOUR_MS);
  });

  it('skips all but the last day of a long gap', () => {
    const model = create();
    model.step(10 * 24 * HOUR_MS);
    assert.equal(model.time, MIDNIGHT + 10 * 24 * HOUR_MS);
    assert.ok(model.loadEnergy < 2 * 24 * 120);
  });

  it('refuses what cannot be set, with what is allowed', () => {
    const model = create();
    const refused = (code: string, text: RegExp) => (error: unknown) => {
      assert.equal((error as { code: string }).code, code);
      assert.match((error as Error).message, text);
      return true;
    };
    assert.throws(() => model.command('grid.power', 1), refused('protocol.read_only', /grid\.power cannot be set/));
    assert.throws(
      () => model.command('battery.setpoint', 101),
      refused('protocol.value_out_of_range', /found 101 kW, allowed -100 … 100 kW/),
    );
    assert.throws(() => model.command('pv.limit', -1), refused('protocol.value_out_of_range', /0 … 100 %/));
    assert.throws(() => model.command('site.breaker', 2), refused('protocol.value_out_of_range', /0 … 1$/));
    assert.throws(() => model.command('battery.auto', NaN), refused('protocol.value_out_of_range', /found NaN/));
  });
});
