import { createNoise, createRandom, streamSeed, type Random } from './random.js';
import { solarHours } from './sun.js';

/** Hours between two times of day, the short way round midnight. */
function hoursApart(a: number, b: number): number {
  const apart = Math.abs(a - b);
  return Math.min(apart, 24 - apart);
}

function bell(hour: number, centre: number, width: number): number {
  return Math.exp(-((hoursApart(hour, centre) / width) ** 2) / 2);
}

/** What the building would draw: a base, a morning peak and a higher evening peak, with noise. */
export class BuildingDemand {
  /** kW. */
  power = 0;
  readonly #peak: number;
  readonly #longitude: number;
  readonly #noise;

  constructor(peakKw: number, longitude: number, seed: number, tickS: number) {
    this.#peak = peakKw;
    this.#longitude = longitude;
    this.#noise = createNoise(seed, 'load', 0.04, 180, tickS);
  }

  /** The demand one tick later; `time` in ms since the Unix epoch. */
  next(time: number): void {
    const hour = solarHours(time, this.#longitude);
    const profile = 0.25 + 0.45 * bell(hour, 8, 1.5) + 0.75 * bell(hour, 19, 2);
    this.#noise.next();
    this.power = this.#peak * profile * Math.max(0, 1 + this.#noise.value);
  }
}

/** Cars arriving per hour at a free charger, by day (7 to 22 h) and by night. */
const ARRIVALS_DAY = 0.8;
const ARRIVALS_NIGHT = 0.05;
/** kWh that a car wants. */
const SESSION_MIN = 8;
const SESSION_MAX = 45;
/** Below this many kWh to go, the car takes less and less. */
const TAPER_KWH = 3;

/** One charging point: cars come by chance, take what they need and leave. */
export class EvCharger {
  /** kWh that the car still wants; 0 = no car. */
  wanted = 0;
  /** kWh taken in this session, and of the last one while no car is there. */
  sessionEnergy = 0;
  /** Cars so far. */
  sessions = 0;
  /** kW that the charger offers at most; up to the rated power. */
  limit: number;
  readonly #rated: number;
  readonly #longitude: number;
  readonly #random: Random;

  constructor(ratedKw: number, longitude: number, seed: number) {
    this.#rated = this.limit = ratedKw;
    this.#longitude = longitude;
    this.#random = createRandom(streamSeed(seed, 'cars'));
  }

  get connected(): boolean {
    return this.wanted > 0;
  }

  /** kW that the car would take now. */
  get demand(): number {
    return Math.min(this.limit, this.#rated * Math.min(1, this.wanted / TAPER_KWH));
  }

  /** Whether a car comes within the next `hours`; `time` in ms since the Unix epoch. */
  next(time: number, hours: number): void {
    const hour = solarHours(time, this.#longitude);
    const chance = this.#random();
    if (this.connected || this.#rated <= 0) return;
    if (chance >= hours * (hour >= 7 && hour < 22 ? ARRIVALS_DAY : ARRIVALS_NIGHT)) return;
    this.wanted = SESSION_MIN + (SESSION_MAX - SESSION_MIN) * this.#random();
    this.sessionEnergy = 0;
    this.sessions += 1;
  }

  /** The car took `power` for `hours`. */
  charge(power: number, hours: number): void {
    const taken = Math.min(this.wanted, power * hours);
    this.sessionEnergy += taken;
    this.wanted -= taken;
    if (this.wanted < 0.05) this.wanted = 0;
  }
}
