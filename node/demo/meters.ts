import type { Plant } from './plant.js';
import { buildingPower, buildingReactivePower, gridReactivePower } from './reactive-power.js';
import { pulse, state, type DeviceSignals, type Reading } from './signals.js';
import { ThreePhase } from './three-phase.js';

/** The building's circuits and their parts of its consumption without the EV charger; together 1. */
const CIRCUITS = {
  'Ventilation power': 0.22,
  'Cooling power': 0.3,
  'Lighting power': 0.14,
  'Server room power': 0.12,
  'Kitchen power': 0.09,
  'Sockets power': 0.13,
};

/** Readings that both meters have. */
function connection(ac: ThreePhase, frequency: () => number): Record<string, Reading> {
  return {
    'Voltage L1-N': () => ac.voltage(0),
    'Voltage L2-N': () => ac.voltage(1),
    'Voltage L3-N': () => ac.voltage(2),
    'Current L1': () => ac.current(0),
    'Current L2': () => ac.current(1),
    'Current L3': () => ac.current(2),
    'Active power L1': () => ac.activePower(0),
    'Active power L2': () => ac.activePower(1),
    'Active power L3': () => ac.activePower(2),
    'Active power': () => ac.activePower(),
    'Reactive power': () => ac.reactivePower(),
    'Apparent power': () => ac.apparentPower(),
    'Power factor': () => ac.powerFactor(),
    Frequency: frequency,
  };
}

/** The meter at the grid connection; positive power is import. */
export function gridMeter(plant: Plant): DeviceSignals {
  const { model } = plant;
  const ac = new ThreePhase(
    () => model.voltage,
    () => model.gridPower,
    () => gridReactivePower(plant),
  );
  return {
    T: {
      ...connection(ac, () => model.frequency),
      'Voltage L1-L2': () => ac.lineVoltage(0),
      'Voltage L2-L3': () => ac.lineVoltage(1),
      'Voltage L3-L1': () => ac.lineVoltage(2),
      'Reactive power L1': () => ac.reactivePower(0),
      'Reactive power L2': () => ac.reactivePower(1),
      'Reactive power L3': () => ac.reactivePower(2),
      'Neutral current': () => ac.neutralCurrent(),
      'Voltage unbalance': () => ac.voltageUnbalance(),
      'Voltage THD L1': () => 1.6 + (model.voltage - 230) * 0.05,
      'Voltage THD L2': () => 1.5 + (model.voltage - 230) * 0.05,
      'Voltage THD L3': () => 1.7 + (model.voltage - 230) * 0.05,
      'Energy import': () => model.importEnergy,
      'Energy export': () => model.exportEnergy,
      'Demand 15 min': () => plant.demand,
      'Demand 15 min peak': () => plant.peakDemand,
    },
    S: {
      Exporting: () => state(model.gridPower < -0.05),
      'Voltage in range': () => state(Math.abs(model.voltage - 230) <= 23),
      'Frequency in range': () => state(Math.abs(model.frequency - 50) <= 0.5),
      'Phase sequence right': () => 1,
      'Import limit reached': () => state(model.shedPower > 0.05),
    },
    C: {
      'Reset demand peak': pulse(() => {
        plant.peakDemand = 0;
      }),
    },
  };
}

/** The building's own meter, behind the EV charger's branch, with its circuits. */
export function buildingMeter(plant: Plant): DeviceSignals {
  const { model } = plant;
  const power = (): number => buildingPower(plant);
  const ac = new ThreePhase(
    () => model.voltage,
    power,
    () => buildingReactivePower(plant),
  );
  const circuits: Record<string, Reading> = {};
  for (const [name, share] of Object.entries(CIRCUITS)) circuits[name] = () => power() * share;
  return {
    T: {
      ...connection(ac, () => model.frequency),
      ...circuits,
      'Energy consumed': () => model.loadEnergy - model.evEnergy,
      'Load not served': () => model.shedPower,
    },
    S: {
      Supplied: () => state(model.loadPower > 0.05),
      'Load shedding': () => state(model.shedPower > 0.05),
    },
  };
}
