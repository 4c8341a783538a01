import { SiteModel } from '../../protocols/virtual/site-model.js';
import type { SiteModelConfig } from '../../site/model.js';

/** The demo's site: a small commercial site near Munich behind a 400 kVA transformer. */
export const DEMO_SITE_MODEL: Omit<SiteModelConfig, 'speed'> = {
  latitude: 48.14,
  longitude: 11.58,
  pvPeakKw: 250,
  batteryCapacityKwh: 400,
  batteryPowerKw: 200,
  loadPeakKw: 180,
  gridLimitKw: 315,
  evPowerKw: 22,
  outputs: [],
};

export interface PlantOptions {
  /** 1 = real time; 60 = an hour a minute. */
  readonly speed: number;
  /** Two runs with the same seed, start and commands give the same values. */
  readonly seed: number;
  /** The plant's first moment, ms since the Unix epoch: season and time of day. */
  readonly start: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const QUARTER_HOUR_MS = HOUR_MS / 4;
/** The site's standard time is UTC+1. */
const ZONE_MS = HOUR_MS;

/** The model of the site, and the counters that devices keep beyond it. */
export class Plant {
  readonly model: SiteModel;
  /** Hours of plant time since the start in which the PV inverter fed in. */
  pvHours = 0;
  /** Mean import of the last full quarter of an hour, and the highest since it was reset; kW. */
  demand = 0;
  peakDemand = 0;
  breakerOperations = 0;
  /** kvar that the PV inverter feeds in while it feeds in at all. */
  pvReactivePower = 0;
  #pvEnergyAtMidnight = 0;
  #importAtQuarter = 0;
  #inverterEnabled = true;
  #pvLimit = 100;

  constructor({ speed, seed, start }: PlantOptions) {
    this.model = new SiteModel({ ...DEMO_SITE_MODEL, speed }, seed, start);
  }

  /** Lets `dtMs` of real time pass. */
  step(dtMs: number): void {
    const { model } = this;
    const before = model.time;
    model.step(dtMs);
    const now = model.time;
    if (model.pvPower > 0) this.pvHours += (now - before) / HOUR_MS;
    if (Math.floor((now + ZONE_MS) / DAY_MS) !== Math.floor((before + ZONE_MS) / DAY_MS)) {
      this.#pvEnergyAtMidnight = model.pvEnergy;
    }
    if (Math.floor(now / QUARTER_HOUR_MS) !== Math.floor(before / QUARTER_HOUR_MS)) {
      this.demand = (model.importEnergy - this.#importAtQuarter) / (QUARTER_HOUR_MS / HOUR_MS);
      this.peakDemand = Math.max(this.peakDemand, this.demand);
      this.#importAtQuarter = model.importEnergy;
    }
  }

  /** kWh since midnight. */
  get pvEnergyToday(): number {
    return this.model.pvEnergy - this.#pvEnergyAtMidnight;
  }

  /** % of the inverter's rated power; kept while the inverter is switched off. */
  get pvLimit(): number {
    return this.#pvLimit;
  }
  /** @throws ProtocolError `protocol.value_out_of_range` */
  set pvLimit(percent: number) {
    this.model.command('pv.limit', percent);
    this.#pvLimit = percent;
    if (!this.#inverterEnabled) this.model.command('pv.limit', 0);
  }

  get inverterEnabled(): boolean {
    return this.#inverterEnabled;
  }
  set inverterEnabled(enabled: boolean) {
    this.#inverterEnabled = enabled;
    this.model.command('pv.limit', enabled ? this.#pvLimit : 0);
  }

  /** The breaker between site and grid. */
  operateBreaker(closed: boolean): void {
    if (closed === this.model.breakerClosed) return;
    this.model.command('site.breaker', closed ? 1 : 0);
    this.breakerOperations += 1;
  }
}
