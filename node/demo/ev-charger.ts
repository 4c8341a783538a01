import { DEMO_SITE_MODEL, type Plant } from './plant.js';
import { checkRange, state, type DeviceSignals } from './signals.js';
import { ThreePhase } from './three-phase.js';

/** IEC 61851-1: least current that a charging point may offer, and this one's greatest. */
const MIN_CURRENT_A = 6;
const MAX_CURRENT_A = 32;
const KW_PER_A = (DEMO_SITE_MODEL.evPowerKw ?? 0) / MAX_CURRENT_A;
/** States of IEC 61851-1 as numbers: A no car, B car waits, C car charges. */
const STATE_A = 1;
const STATE_B = 2;
const STATE_C = 3;

/** A charging point of 22 kW, three-phase. */
export function evCharger(plant: Plant): DeviceSignals {
  const { model } = plant;
  const { ev } = model;
  let limit = MAX_CURRENT_A;
  let released = true;
  const apply = (): void => {
    ev.limit = released ? limit * KW_PER_A : 0;
  };
  const charging = (): boolean => model.evPower > 0.01;
  const ac = new ThreePhase(
    () => model.voltage,
    () => model.evPower,
    () => 0,
  );
  return {
    T: {
      'Charging state': () => (charging() ? STATE_C : ev.connected ? STATE_B : STATE_A),
      'Active power': () => ac.activePower(),
      'Voltage L1-N': () => ac.voltage(0),
      'Voltage L2-N': () => ac.voltage(1),
      'Voltage L3-N': () => ac.voltage(2),
      'Current L1': () => ac.current(0),
      'Current L2': () => ac.current(1),
      'Current L3': () => ac.current(2),
      'Current offered': () => (released ? limit : 0),
      'Session energy': () => ev.sessionEnergy,
      'Energy wanted': () => ev.wanted,
      'Energy total': () => model.evEnergy,
      'Session count': () => ev.sessions,
      'Cabinet temperature': () => model.weather.temperature + 5 + model.evPower * 0.6,
      'Firmware version': () => '4.11.2',
    },
    S: {
      'Car connected': () => state(ev.connected),
      Charging: () => state(charging()),
      'Connector locked': () => state(ev.connected),
      'Residual current fault': () => 0,
    },
    C: {
      'Charging released': {
        read: () => state(released),
        write: (value) => {
          released = value === 1;
          apply();
        },
      },
    },
    A: {
      'Current limit': {
        read: () => limit,
        write: (amperes) => {
          checkRange('current limit', amperes, MIN_CURRENT_A, MAX_CURRENT_A, ' A');
          limit = amperes;
          apply();
        },
      },
    },
  };
}
