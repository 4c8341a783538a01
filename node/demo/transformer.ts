import type { Plant } from './plant.js';
import { gridReactivePower } from './reactive-power.js';
import { checkRange, state, type DeviceSignals } from './signals.js';

const RATED_KVA = 400;
/** 20 kV to 400 V, line to line. */
const RATIO = 20_000 / 400;
/** Oil temperatures of warning and trip, °C. */
const WARNING = 95;
const TRIP = 105;
/** K by which the winding is above the oil at rated load. */
const WINDING_GRADIENT = 23;
const TAPS = 5;

/** The transformer at the grid connection with its low-voltage breaker and protection relay. */
export function transformer(plant: Plant): DeviceSignals {
  const { model } = plant;
  let tap = 3;
  const apparentPower = (): number => Math.hypot(model.gridPower, gridReactivePower(plant));
  const loading = (): number => apparentPower() / RATED_KVA;
  const lineVoltage = (): number => Math.sqrt(3) * model.voltage;
  const primaryVoltage = (): number => (lineVoltage() * RATIO) / 1000;
  return {
    T: {
      'Oil temperature': () => model.oilTemperature,
      'Winding temperature': () => model.oilTemperature + WINDING_GRADIENT * loading() ** 2,
      'Ambient temperature': () => model.weather.temperature,
      Loading: () => loading() * 100,
      'Primary voltage': primaryVoltage,
      'Primary current': () => apparentPower() / (Math.sqrt(3) * primaryVoltage()),
      'Secondary voltage': lineVoltage,
      'Secondary current': () => (apparentPower() * 1000) / (Math.sqrt(3) * lineVoltage()),
      'Oil level': () => 78 + 0.15 * (model.oilTemperature - 20),
      'Tap position': () => tap,
      'Breaker operations': () => plant.breakerOperations,
      'Rated power': () => RATED_KVA,
    },
    S: {
      'Breaker closed': () => state(model.breakerClosed),
      'Breaker in remote': () => 1,
      'Spring charged': () => 1,
      'Earthing switch open': () => 1,
      'Oil temperature warning': () => state(model.oilTemperature > WARNING),
      'Oil temperature trip': () => state(model.oilTemperature > TRIP),
      'Buchholz alarm': () => 0,
      'Energy flows to the grid': () => state(model.gridPower < -0.05),
    },
    C: {
      'Close breaker': {
        read: () => state(model.breakerClosed),
        write: (value) => plant.operateBreaker(value === 1),
      },
    },
    A: {
      'Tap position': {
        read: () => tap,
        write: (position) => {
          checkRange('tap position', position, 1, TAPS);
          tap = position;
        },
      },
    },
  };
}
