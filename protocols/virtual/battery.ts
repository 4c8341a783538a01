/** Usable window of the state of charge, %. */
export const SOC_MIN = 10;
export const SOC_MAX = 95;
/** One way; the round trip is its square, about 0.9. */
export const ONE_WAY_EFFICIENCY = 0.95;

const NOMINAL_VOLTAGE = 800;
/** Drop of the voltage at rated discharge, as a part of the open-circuit voltage. */
const VOLTAGE_DROP = 0.02;
/** K above the room at rated power in the long run, and the seconds that the way there takes. */
const HEATING = 15;
const HEATING_TAU_S = 1800;
const ROOM_TEMPERATURE = 22;

/** A battery behind its converter: energy, power and SoC limits, losses, voltage and temperature. */
export class Battery {
  /** kW at the AC side, positive = discharging. */
  power = 0;
  /** kWh stored. */
  energy: number;
  /** °C. */
  temperature = ROOM_TEMPERATURE;
  /** Counters, kWh at the AC side. */
  charged = 0;
  discharged = 0;

  readonly capacity: number;
  readonly ratedPower: number;

  constructor(capacityKwh: number, ratedPowerKw: number) {
    this.capacity = capacityKwh;
    this.ratedPower = ratedPowerKw;
    this.energy = capacityKwh / 2;
  }

  /** State of charge, %. */
  get soc(): number {
    return this.capacity > 0 ? (this.energy / this.capacity) * 100 : 0;
  }

  /** V at the DC terminals: rises with the state of charge, drops under load. */
  get voltage(): number {
    const openCircuit = NOMINAL_VOLTAGE * (0.9 + 0.15 * (this.soc / 100));
    return openCircuit * (1 - VOLTAGE_DROP * this.#loading);
  }

  /** Largest power that can be drawn for the next `hours`, kW. */
  maxDischarge(hours: number): number {
    const usable = this.energy - (this.capacity * SOC_MIN) / 100;
    return Math.min(this.ratedPower, Math.max(0, (usable * ONE_WAY_EFFICIENCY) / hours));
  }

  /** Largest power that can be taken in for the next `hours`, kW. */
  maxCharge(hours: number): number {
    const room = (this.capacity * SOC_MAX) / 100 - this.energy;
    return Math.min(this.ratedPower, Math.max(0, room / ONE_WAY_EFFICIENCY / hours));
  }

  /** Runs at `power` (within the limits above) for `hours`. */
  run(power: number, hours: number): void {
    this.power = power;
    if (power >= 0) {
      this.energy -= (power * hours) / ONE_WAY_EFFICIENCY;
      this.discharged += power * hours;
    } else {
      this.energy -= power * hours * ONE_WAY_EFFICIENCY;
      this.charged -= power * hours;
    }
    const goal = ROOM_TEMPERATURE + HEATING * this.#loading ** 2;
    this.temperature += (goal - this.temperature) * (1 - Math.exp((-hours * 3600) / HEATING_TAU_S));
  }

  get #loading(): number {
    return this.ratedPower > 0 ? this.power / this.ratedPower : 0;
  }
}
