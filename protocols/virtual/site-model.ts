import { type SiteModelConfig, type SiteModelOutput } from '../../site/model.js';
import { ProtocolError } from '../driver.js';
import { Battery } from './battery.js';
import { BuildingDemand, EvCharger } from './consumption.js';
import { createNoise } from './random.js';
import { Weather } from './weather.js';

/** The model advances in ticks of this much model time, whatever the steps that it is asked for. */
export const TICK_MS = 1000;
const TICK_HOURS = TICK_MS / 3_600_000;
/** A longer gap (the machine slept) is skipped but for its last day: the clock jumps, the rest of the state stays. */
const MAX_TICKS_PER_STEP = 86_400;

/** K per W/m²: (NOCT − 20 °C) / 800 W/m², with a nominal operating cell temperature of 45 °C (IEC 61215). */
const CELL_HEATING = (45 - 20) / 800;
/** Change of a crystalline silicon module's power per K above 25 °C. */
const PV_TEMPERATURE_COEFFICIENT = -0.0037;
const INVERTER_EFFICIENCY = 0.97;

const NOMINAL_FREQUENCY = 50;
const NOMINAL_VOLTAGE = 230;
/** V by which the voltage sags at full import and rises at full export. */
const VOLTAGE_SAG = 4;
/** K above the air at full load in the long run, and the seconds that the way there takes. */
const OIL_HEATING = 40;
const OIL_TAU_S = 5400;

/**
 * A small site: PV, battery, building, EV charger and grid connection. Each tick
 *
 *     load = pv + battery + grid        (kW; battery positive = discharging, grid positive = import)
 *
 * holds exactly. The battery serves self-consumption, or a set-point; it leaves the set-point only as far as the grid
 * limit demands. What the battery cannot take beyond the export limit is curtailed, what it cannot give beyond the
 * import limit is shed. With the breaker open the limit is 0.
 *
 * Two models with the same configuration, seed, start and commands (at the same model time) are the same.
 */
export class SiteModel {
  readonly config: SiteModelConfig;
  readonly weather: Weather;
  readonly battery: Battery;
  readonly building: BuildingDemand;
  readonly ev: EvCharger;

  /** kW. */
  pvPower = 0;
  loadPower = 0;
  evPower = 0;
  gridPower = 0;
  /** kW that were wanted and not served. */
  shedPower = 0;
  /** kW that the sun would have given beyond what was used. */
  curtailedPower = 0;
  /** °C. */
  cellTemperature = 0;
  oilTemperature = 0;
  /** Hz, and V line to neutral, of the grid. */
  frequency = NOMINAL_FREQUENCY;
  voltage = NOMINAL_VOLTAGE;
  /** Counters, kWh. */
  pvEnergy = 0;
  loadEnergy = 0;
  evEnergy = 0;
  importEnergy = 0;
  exportEnergy = 0;

  #breakerClosed = true;
  /** % of the peak power. */
  #pvLimit = 100;
  /** kW; undefined = automatic self-consumption. */
  #setPoint: number | undefined;
  readonly #frequencyNoise;
  readonly #voltageNoise;
  readonly #start: number;
  #elapsedMs = 0;
  #ticks = 0;

  /** `start` is the model's first moment, ms since the Unix epoch; it settles season and time of day. */
  constructor(config: SiteModelConfig, seed: number, start: number) {
    const tickS = TICK_MS / 1000;
    this.config = config;
    this.#start = start;
    this.weather = new Weather(config.latitude, config.longitude, seed, tickS);
    this.battery = new Battery(config.batteryCapacityKwh, config.batteryPowerKw);
    this.building = new BuildingDemand(config.loadPeakKw, config.longitude, seed, tickS);
    this.ev = new EvCharger(config.evPowerKw ?? 0, config.longitude, seed);
    this.#frequencyNoise = createNoise(seed, 'frequency', 0.015, 20, tickS);
    this.#voltageNoise = createNoise(seed, 'voltage', 1.2, 60, tickS);
    this.#tick();
    this.oilTemperature = this.weather.temperature;
  }

  /** Model time, ms since the Unix epoch. */
  get time(): number {
    return this.#start + this.#ticks * TICK_MS;
  }

  /** Lets `dtMs` of real time pass: the model's time advances by dtMs · speed, in whole ticks. */
  step(dtMs: number): void {
    this.#elapsedMs += dtMs * this.config.speed;
    const goal = Math.floor(this.#elapsedMs / TICK_MS);
    this.#ticks = Math.max(this.#ticks, goal - MAX_TICKS_PER_STEP);
    while (this.#ticks < goal) {
      this.#ticks += 1;
      this.#tick();
    }
  }

  /** The present value of an output, in the unit that site/model.ts states. */
  read(output: SiteModelOutput): number {
    return READERS[output](this);
  }

  /**
   * Operates the site; what it causes is seen from the next tick on.
   * @throws ProtocolError `protocol.read_only` for an output that nobody can set, `protocol.value_out_of_range`.
   */
  command(output: SiteModelOutput, value: number): void {
    if (!isSettable(output)) {
      const message = `${output} cannot be set; ${SETTABLE_OUTPUTS.join(', ')} can`;
      throw new ProtocolError('protocol.read_only', message, { fatal: true });
    }
    switch (output) {
      case 'battery.setpoint':
        this.#setPoint = inRange(output, value, -this.battery.ratedPower, this.battery.ratedPower, ' kW');
        break;
      case 'battery.auto':
        this.#setPoint = inRange(output, value, 0, 1) === 0 ? this.batterySetPoint : undefined;
        break;
      case 'pv.limit':
        this.#pvLimit = inRange(output, value, 0, 100, ' %');
        break;
      case 'site.breaker':
        this.#breakerClosed = inRange(output, value, 0, 1) !== 0;
        break;
    }
  }

  get breakerClosed(): boolean {
    return this.#breakerClosed;
  }
  get pvLimit(): number {
    return this.#pvLimit;
  }
  get batteryAuto(): boolean {
    return this.#setPoint === undefined;
  }
  /** kW: what was set, or what the automatic operation does now. */
  get batterySetPoint(): number {
    return this.#setPoint ?? this.battery.power;
  }

  #tick(): void {
    const { weather, building, ev } = this;
    weather.next(this.time);
    building.next(this.time);
    ev.next(this.time, TICK_HOURS);

    const available = this.#availablePv();
    const demand = building.power + ev.demand;
    this.#balance(available, demand);

    const served = demand > 0 ? Math.min(1, this.loadPower / demand) : 0;
    this.evPower = ev.demand * served;
    ev.charge(this.evPower, TICK_HOURS);
    this.shedPower = Math.max(0, demand - this.loadPower);
    this.#measureGrid();
    this.#count();
  }

  /** kW that sun, module temperature, inverter and curtailment limit allow. */
  #availablePv(): number {
    const { irradiance, temperature } = this.weather;
    this.cellTemperature = temperature + CELL_HEATING * irradiance;
    const derating = 1 + PV_TEMPERATURE_COEFFICIENT * (this.cellTemperature - 25);
    return Math.max(0, this.config.pvPeakKw * (irradiance / 1000) * derating * INVERTER_EFFICIENCY);
  }

  #balance(available: number, demand: number): void {
    const { battery } = this;
    const limit = this.#breakerClosed ? this.config.gridLimitKw : 0;
    const maxDischarge = battery.maxDischarge(TICK_HOURS);
    const maxCharge = battery.maxCharge(TICK_HOURS);
    let pv = Math.min(available, (this.config.pvPeakKw * this.#pvLimit) / 100);

    const wanted = this.#setPoint ?? demand - pv;
    // The set-point gives way so far that the exchange with the grid stays within [−limit, limit].
    const withinGrid = Math.min(Math.max(wanted, demand - pv - limit), demand - pv + limit);
    const power = Math.min(Math.max(withinGrid, -maxCharge), maxDischarge);

    const exchange = demand - pv - power;
    const grid = Math.min(Math.max(exchange, -limit), limit);
    if (exchange < grid) pv = Math.max(0, pv - (grid - exchange));

    battery.run(power, TICK_HOURS);
    this.pvPower = pv;
    this.curtailedPower = available - pv;
    this.gridPower = grid;
    this.loadPower = pv + power + grid;
  }

  #measureGrid(): void {
    const { gridLimitKw } = this.config;
    const loading = gridLimitKw > 0 ? this.gridPower / gridLimitKw : 0;
    this.#frequencyNoise.next();
    this.#voltageNoise.next();
    this.frequency = NOMINAL_FREQUENCY + this.#frequencyNoise.value;
    this.voltage = NOMINAL_VOLTAGE + this.#voltageNoise.value - VOLTAGE_SAG * loading;
    const goal = this.weather.temperature + OIL_HEATING * loading ** 2;
    this.oilTemperature += (goal - this.oilTemperature) * (1 - Math.exp(-TICK_MS / 1000 / OIL_TAU_S));
  }

  #count(): void {
    this.pvEnergy += this.pvPower * TICK_HOURS;
    this.loadEnergy += this.loadPower * TICK_HOURS;
    this.evEnergy += this.evPower * TICK_HOURS;
    if (this.gridPower >= 0) this.importEnergy += this.gridPower * TICK_HOURS;
    else this.exportEnergy -= this.gridPower * TICK_HOURS;
  }
}

/** The outputs that `command` accepts. */
export const SETTABLE_OUTPUTS = [
  'battery.setpoint',
  'battery.auto',
  'pv.limit',
  'site.breaker',
] as const satisfies readonly SiteModelOutput[];

/** Whether `command` accepts this output. */
export function isSettable(output: SiteModelOutput): output is (typeof SETTABLE_OUTPUTS)[number] {
  return (SETTABLE_OUTPUTS as readonly string[]).includes(output);
}

const READERS: Record<SiteModelOutput, (model: SiteModel) => number> = {
  'pv.power': (model) => model.pvPower,
  'pv.energy': (model) => model.pvEnergy,
  'pv.irradiance': (model) => model.weather.irradiance,
  'pv.limit': (model) => model.pvLimit,
  'battery.power': (model) => model.battery.power,
  'battery.soc': (model) => model.battery.soc,
  'battery.voltage': (model) => model.battery.voltage,
  'battery.temperature': (model) => model.battery.temperature,
  'battery.setpoint': (model) => model.batterySetPoint,
  'battery.auto': (model) => (model.batteryAuto ? 1 : 0),
  'load.power': (model) => model.loadPower,
  'load.energy': (model) => model.loadEnergy,
  'ev.power': (model) => model.evPower,
  'grid.power': (model) => model.gridPower,
  'grid.import': (model) => model.importEnergy,
  'grid.export': (model) => model.exportEnergy,
  'grid.frequency': (model) => model.frequency,
  'grid.voltage': (model) => model.voltage,
  'site.breaker': (model) => (model.breakerClosed ? 1 : 0),
};

function inRange(output: string, value: number, min: number, max: number, unit = ''): number {
  if (value >= min && value <= max) return value;
  const message = `${output}: found ${value}${unit}, allowed ${min} … ${max}${unit}`;
  throw new ProtocolError('protocol.value_out_of_range', message, { fatal: true, details: { found: value, min, max } });
}
