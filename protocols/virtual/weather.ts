import { createNoise } from './random.js';
import { clearSkyIrradiance, cloudTransmission, solarHours, sunPosition } from './sun.js';

const YEAR_MS = 365.2425 * 86_400_000;
/** Coldest time of the northern year, about 20 January, as a part of the year. */
const COLDEST = 0.055;

/**
 * Weather at one place: sun by the almanac, clouds as a seeded process, and temperature and wind that are plausible for
 * the season and the hour but no climatology.
 */
export class Weather {
  /** Degrees above the horizon. */
  sunElevation = 0;
  /** Degrees clockwise from north. */
  sunAzimuth = 0;
  /** 0 clear … 1 overcast. */
  cloudCover = 0;
  /** W/m², horizontal plane. */
  irradiance = 0;
  /** °C. */
  temperature = 0;
  /** m/s. */
  windSpeed = 0;
  /** %, falls as the air warms. */
  humidity = 0;
  /** hPa. */
  pressure = 0;

  readonly #latitude: number;
  readonly #longitude: number;
  readonly #clouds;
  readonly #air;
  readonly #wind;
  readonly #barometer;

  constructor(latitude: number, longitude: number, seed: number, tickS: number) {
    this.#latitude = latitude;
    this.#longitude = longitude;
    this.#clouds = createNoise(seed, 'clouds', 0.3, 1200, tickS);
    this.#air = createNoise(seed, 'air temperature', 1.5, 6 * 3600, tickS);
    this.#wind = createNoise(seed, 'wind', 1.5, 300, tickS);
    this.#barometer = createNoise(seed, 'air pressure', 8, 2 * 86_400, tickS);
  }

  /** The weather one tick later; `time` in ms since the Unix epoch. */
  next(time: number): void {
    const sun = sunPosition(time, this.#latitude, this.#longitude);
    this.sunElevation = sun.elevation;
    this.sunAzimuth = sun.azimuth;
    this.#clouds.next();
    this.cloudCover = Math.min(1, Math.max(0, 0.35 + this.#clouds.value));
    this.irradiance = clearSkyIrradiance(sun.elevation) * cloudTransmission(this.cloudCover);

    const season = -Math.cos(2 * Math.PI * (time / YEAR_MS - COLDEST)) * (this.#latitude / 50) * 10;
    const day = 5 * Math.cos((2 * Math.PI * (solarHours(time, this.#longitude) - 15)) / 24);
    this.#air.next();
    this.temperature = 26 - Math.abs(this.#latitude) / 4 + season + day + this.#air.value;
    this.humidity = Math.min(100, Math.max(15, 60 - 3 * (day + this.#air.value)));
    this.#wind.next();
    this.windSpeed = Math.abs(3 + this.#wind.value);
    this.#barometer.next();
    this.pressure = 1013.25 + this.#barometer.value;
  }
}
