import { SOC_MAX, SOC_MIN } from '../../protocols/virtual/battery.js';
import type { Plant } from './plant.js';
import { kept, pulse, state, type DeviceSignals } from './signals.js';
import { ThreePhase } from './three-phase.js';

const CELLS_IN_SERIES = 240;
const CONVERTER_EFFICIENCY = 0.975;
const HOUR = 1;
/** Part of the capacity that is lost per full cycle. */
const AGEING_PER_CYCLE = 0.00003;
/** Volts by which the highest and the lowest cell differ from the mean, and K. */
const CELL_SPREAD_V = 0.012;
const CELL_SPREAD_K = 1.8;
/** % from the ends of the usable window at which the warnings come. */
const WARNING_MARGIN = 2;

/** A battery system of 400 kWh and 200 kW: power conversion system (unit 1) and battery management (unit 2). */
export function batterySystem(plant: Plant): DeviceSignals {
  const { model } = plant;
  const { battery } = model;
  let latchedAlarm = false;
  const ac = new ThreePhase(
    () => model.voltage,
    () => battery.power,
    () => 0,
  );
  // Discharging loses on the way from DC to AC, charging on the way from AC to DC.
  const dcPower = (): number =>
    battery.power >= 0 ? battery.power / CONVERTER_EFFICIENCY : battery.power * CONVERTER_EFFICIENCY;
  const dcCurrent = (): number => (dcPower() * 1000) / battery.voltage;
  const cycles = (): number => battery.discharged / battery.capacity;
  const cellVoltage = (): number => battery.voltage / CELLS_IN_SERIES;
  const overTemperature = (): boolean => (latchedAlarm ||= battery.temperature > 45);

  return {
    T: {
      'Active power': () => ac.activePower(),
      'Reactive power': () => ac.reactivePower(),
      Frequency: () => model.frequency,
      'Voltage L1-N': () => ac.voltage(0),
      'Voltage L2-N': () => ac.voltage(1),
      'Voltage L3-N': () => ac.voltage(2),
      'Current L1': () => ac.current(0),
      'Current L2': () => ac.current(1),
      'Current L3': () => ac.current(2),
      'DC power': dcPower,
      'DC voltage': () => battery.voltage,
      'DC current': dcCurrent,
      'Charge power available': () => battery.maxCharge(HOUR),
      'Discharge power available': () => battery.maxDischarge(HOUR),
      'Energy charged': () => battery.charged,
      'Energy discharged': () => battery.discharged,
      'Converter temperature': () => model.weather.temperature + 10 + 0.1 * Math.abs(battery.power),
      'State of charge': () => battery.soc,
      'State of health': () => 100 * (1 - AGEING_PER_CYCLE * cycles()),
      'Energy stored': () => battery.energy,
      'Pack voltage': () => battery.voltage,
      'Pack current': dcCurrent,
      'Cell voltage maximum': () => cellVoltage() + CELL_SPREAD_V,
      'Cell voltage minimum': () => cellVoltage() - CELL_SPREAD_V,
      'Cell temperature maximum': () => battery.temperature + CELL_SPREAD_K,
      'Cell temperature minimum': () => battery.temperature - CELL_SPREAD_K,
      'Cell temperature mean': () => battery.temperature,
      'Cycle count': cycles,
      'Insulation resistance': () => 5200,
    },
    S: {
      Charging: () => state(battery.power < -0.05),
      Discharging: () => state(battery.power > 0.05),
      Standby: () => state(Math.abs(battery.power) <= 0.05),
      'Automatic operation active': () => state(model.batteryAuto),
      'Contactors closed': () => 1,
      'State of charge low': () => state(battery.soc < SOC_MIN + WARNING_MARGIN),
      'State of charge high': () => state(battery.soc > SOC_MAX - WARNING_MARGIN),
      'Over-temperature': () => state(overTemperature()),
      'General alarm': () => state(overTemperature()),
    },
    C: {
      'Automatic operation': {
        read: () => state(model.batteryAuto),
        write: (value) => model.command('battery.auto', value),
      },
      'Acknowledge alarms': pulse(() => {
        latchedAlarm = false;
      }),
    },
    A: {
      'Active power set-point': {
        read: () => model.batterySetPoint,
        write: (kw) => model.command('battery.setpoint', kw),
      },
      'EMS heartbeat': kept(0),
    },
  };
}
