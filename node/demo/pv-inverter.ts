import { DEMO_SITE_MODEL, type Plant } from './plant.js';
import { checkRange, state, type DeviceSignals, type Reading } from './signals.js';
import { pvReactivePower } from './reactive-power.js';
import { ThreePhase } from './three-phase.js';

const RATED_KW = DEMO_SITE_MODEL.pvPeakKw;
const EFFICIENCY = 0.97;
const MAX_REACTIVE_KVAR = 100;
/** Four strings on trackers of their own; the parts differ by orientation. */
const STRING_SHARES = [0.28, 0.26, 0.24, 0.22];
/** Maximum power voltage at 25 °C, V, and its change per K. */
const STRING_VOLTAGE = 720;
const STRING_VOLTAGE_COEFFICIENT = -0.0029;

/** Operating states as the inverter numbers them. */
const OFF = 0;
const STANDBY = 1;
const FEEDING = 2;
const LIMITED = 3;

/** A central PV inverter of 250 kW with four string inputs. */
export function pvInverter(plant: Plant): DeviceSignals {
  const { model } = plant;
  const feeding = (): boolean => model.pvPower > 0;
  const limited = (): boolean => model.curtailedPower > 0.05;
  const ac = new ThreePhase(
    () => model.voltage,
    () => model.pvPower,
    () => pvReactivePower(plant),
  );
  const dcPower = (): number => model.pvPower / EFFICIENCY;
  const stringVoltage = (): number =>
    model.weather.sunElevation > 0
      ? STRING_VOLTAGE * (1 + STRING_VOLTAGE_COEFFICIENT * (model.cellTemperature - 25))
      : 0;
  const heatSink = (): number => model.weather.temperature + 8 + (30 * model.pvPower) / RATED_KW;

  const strings: Record<string, Reading> = {};
  for (const [index, share] of STRING_SHARES.entries()) {
    strings[`String ${index + 1} voltage`] = () => stringVoltage() * (1 - index * 0.004);
    strings[`String ${index + 1} current`] = () => {
      const voltage = stringVoltage() * (1 - index * 0.004);
      return voltage > 0 ? (dcPower() * share * 1000) / voltage : 0;
    };
  }

  return {
    T: {
      'Active power': () => ac.activePower(),
      'Reactive power': () => ac.reactivePower(),
      'Apparent power': () => ac.apparentPower(),
      'Power factor': () => ac.powerFactor(),
      Frequency: () => model.frequency,
      'Voltage L1-N': () => ac.voltage(0),
      'Voltage L2-N': () => ac.voltage(1),
      'Voltage L3-N': () => ac.voltage(2),
      'Current L1': () => ac.current(0),
      'Current L2': () => ac.current(1),
      'Current L3': () => ac.current(2),
      'DC power': dcPower,
      ...strings,
      Efficiency: () => (feeding() ? EFFICIENCY * 100 : 0),
      'Energy today': () => plant.pvEnergyToday,
      'Energy total': () => model.pvEnergy,
      'Curtailed power': () => model.curtailedPower,
      'Heat sink temperature': heatSink,
      'Cabinet temperature': () => (heatSink() + model.weather.temperature) / 2,
      'Insulation resistance': () => 2200 - 10 * model.weather.humidity,
      'Operating state': () => {
        if (!plant.inverterEnabled) return OFF;
        if (!feeding()) return STANDBY;
        return limited() ? LIMITED : FEEDING;
      },
      'Operating hours': () => plant.pvHours,
      'Rated power': () => RATED_KW,
      'Serial number': () => 'PV250-000417',
    },
    S: {
      'Feeding in': () => state(feeding()),
      'Grid present': () => state(model.breakerClosed),
      'Power limited': () => state(limited()),
      'DC switch closed': () => 1,
      'Over-temperature': () => state(heatSink() > 75),
      'General alarm': () => 0,
    },
    C: {
      'Inverter enabled': {
        read: () => state(plant.inverterEnabled),
        write: (value) => {
          plant.inverterEnabled = value === 1;
        },
      },
    },
    A: {
      'Active power limit': {
        read: () => plant.pvLimit,
        write: (percent) => {
          plant.pvLimit = percent;
        },
      },
      'Reactive power set-point': {
        read: () => plant.pvReactivePower,
        write: (kvar) => {
          checkRange('reactive power', kvar, -MAX_REACTIVE_KVAR, MAX_REACTIVE_KVAR, ' kvar');
          plant.pvReactivePower = kvar;
        },
      },
    },
  };
}
