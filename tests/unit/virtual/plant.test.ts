import assert from 'node:assert/strict';
import { evCharger } from '../../../node/demo/ev-charger.js';
import { Plant } from '../../../node/demo/plant.js';
import { ThreePhase } from '../../../node/demo/three-phase.js';

/** Local midnight at the site, midsummer. */
const MIDNIGHT = Date.UTC(2026, 5, 20, 23);
const HOUR_MS = 3_600_000;

/** Steps of 10 s for `hours`. */
function run(plant: Plant, hours: number, look: () => void = () => undefined): void {
  for (let ms = 0; ms < hours * HOUR_MS; ms += 10_000) {
    plant.step(10_000);
    look();
  }
}

describe('demo plant', () => {
  it("counts the day's PV energy from midnight on", () => {
    const plant = new Plant({ speed: 1, seed: 1, start: MIDNIGHT });
    run(plant, 23);
    const first = plant.pvEnergyToday;
    assert.ok(first > 500 && first === plant.model.pvEnergy, `${first} kWh`);
    assert.ok(plant.pvHours > 12 && plant.pvHours < 18, `${plant.pvHours} h`);
    run(plant, 23);
    assert.equal(plant.pvEnergyToday, plant.model.pvEnergy - first);
  });

  it('the demand is the mean import of each quarter of an hour', () => {
    const plant = new Plant({ speed: 1, seed: 1, start: MIDNIGHT });
    plant.model.command('battery.setpoint', 0);
    let sum = 0;
    for (let tick = 0; tick < 900; tick++) {
      plant.step(1000);
      sum += plant.model.gridPower;
    }
    assert.ok(sum > 0);
    assert.ok(Math.abs(plant.demand - sum / 900) < 1e-9);
    assert.equal(plant.peakDemand, plant.demand);
    plant.model.command('site.breaker', 0);
    const peak = plant.peakDemand;
    run(plant, 0.25);
    assert.equal(plant.demand, 0);
    assert.equal(plant.peakDemand, peak);
  });

  it('an inverter that is switched off keeps its limit', () => {
    const plant = new Plant({ speed: 1, seed: 1, start: MIDNIGHT + 12 * HOUR_MS });
    plant.pvLimit = 20;
    plant.inverterEnabled = false;
    run(plant, 0.01);
    assert.equal(plant.model.pvPower, 0);
    plant.pvLimit = 10;
    run(plant, 0.01);
    assert.equal(plant.model.pvPower, 0);
    assert.throws(() => (plant.pvLimit = 101), { code: 'protocol.value_out_of_range' });
    plant.inverterEnabled = true;
    run(plant, 0.01);
    assert.equal(plant.model.pvPower, 25);
    assert.equal(plant.pvLimit, 10);
  });

  it('counts operations of the breaker, not commands', () => {
    const plant = new Plant({ speed: 1, seed: 1, start: MIDNIGHT });
    for (const closed of [true, false, false, true]) plant.operateBreaker(closed);
    assert.equal(plant.breakerOperations, 2);
    assert.equal(plant.model.breakerClosed, true);
  });

  it('the EV charger keeps to its current limit, and gives nothing when not released', () => {
    const plant = new Plant({ speed: 1, seed: 1, start: MIDNIGHT + 8 * HOUR_MS });
    const { T, C, A } = evCharger(plant);
    let tries = 0;
    while (plant.model.evPower < 20 && tries++ < 10_000) plant.step(10_000);
    assert.ok(plant.model.evPower > 20);
    A?.['Current limit']?.write(16);
    plant.step(1000);
    assert.equal(plant.model.evPower, 11);
    C?.['Charging released']?.write(0);
    plant.step(1000);
    assert.equal(plant.model.evPower, 0);
    assert.deepEqual([T['Charging state']?.(), T['Current offered']?.()], [2, 0]);
    C?.['Charging released']?.write(1);
    plant.step(1000);
    assert.equal(plant.model.evPower, 11);
    assert.throws(() => A?.['Current limit']?.write(5.9), /found 5\.9 A, allowed 6 … 32 A/);
  });

  it('three phases add up to the whole', () => {
    const ac = new ThreePhase(
      () => 230,
      () => 60,
      () => 80,
    );
    const phases = [0, 1, 2] as const;
    const sum = (of: (phase: 0 | 1 | 2) => number) => phases.reduce<number>((total, phase) => total + of(phase), 0);
    assert.ok(Math.abs(sum((phase) => ac.activePower(phase)) - 60) < 1e-12);
    assert.ok(Math.abs(sum((phase) => ac.reactivePower(phase)) - 80) < 1e-12);
    assert.equal(ac.apparentPower(), 100);
    assert.equal(ac.powerFactor(), 0.6);
    assert.ok(Math.abs(sum((phase) => (ac.voltage(phase) * ac.current(phase)) / 1000) - 100) < 1e-9);
    assert.ok(Math.abs(ac.lineVoltage(0) - 230 * Math.sqrt(3)) < 1);
    assert.ok(ac.neutralCurrent() > 0 && ac.neutralCurrent() < 0.05 * ac.current(0));
  });
});
