/** Where the sun stands, without refraction. */
export interface SunPosition {
  /** Degrees above the horizon; negative at night. */
  readonly elevation: number;
  /** Degrees clockwise from north. */
  readonly azimuth: number;
}

const RADIANS = Math.PI / 180;
/** 2000-01-01 12:00 UTC, the epoch J2000.0, in ms since the Unix epoch. */
const J2000_MS = Date.UTC(2000, 0, 1, 12);
const DAY_MS = 86_400_000;

/**
 * The sun's position from the low-precision formulas of the Astronomical Almanac, as given by J. J. Michalsky, "The
 * Astronomical Almanac's algorithm for approximate solar position (1950–2050)", Solar Energy 40 (1988): within 0.01°.
 * `time` in ms since the Unix epoch, `latitude` and `longitude` in degrees, north and east positive.
 */
export function sunPosition(time: number, latitude: number, longitude: number): SunPosition {
  const days = (time - J2000_MS) / DAY_MS;
  const meanLongitude = 280.46 + 0.9856474 * days;
  const meanAnomaly = (357.528 + 0.9856003 * days) * RADIANS;
  const eclipticLongitude =
    (meanLongitude + 1.915 * Math.sin(meanAnomaly) + 0.02 * Math.sin(2 * meanAnomaly)) * RADIANS;
  const obliquity = (23.439 - 0.0000004 * days) * RADIANS;
  const rightAscension = Math.atan2(Math.cos(obliquity) * Math.sin(eclipticLongitude), Math.cos(eclipticLongitude));
  const declination = Math.asin(Math.sin(obliquity) * Math.sin(eclipticLongitude));

  const utcHours = (((time % DAY_MS) + DAY_MS) % DAY_MS) / 3_600_000;
  const siderealHours = 6.697375 + 0.0657098242 * days + utcHours;
  const hourAngle = (siderealHours * 15 + longitude) * RADIANS - rightAscension;

  const phi = latitude * RADIANS;
  const sinElevation =
    Math.sin(declination) * Math.sin(phi) + Math.cos(declination) * Math.cos(phi) * Math.cos(hourAngle);
  const azimuth = Math.atan2(
    -Math.sin(hourAngle),
    Math.tan(declination) * Math.cos(phi) - Math.sin(phi) * Math.cos(hourAngle),
  );
  return {
    elevation: Math.asin(Math.min(1, Math.max(-1, sinElevation))) / RADIANS,
    azimuth: (azimuth / RADIANS + 360) % 360,
  };
}

/**
 * Global horizontal irradiance under a clear sky, W/m², by B. Haurwitz, "Insolation in relation to cloudiness and cloud
 * density", Journal of Meteorology 2 (1945). 0 when the sun is at or below the horizon.
 */
export function clearSkyIrradiance(elevation: number): number {
  const cosZenith = Math.sin(elevation * RADIANS);
  return cosZenith <= 0 ? 0 : 1098 * cosZenith * Math.exp(-0.059 / cosZenith);
}

/**
 * Part of the clear-sky irradiance that passes a cloud cover of 0 … 1, by F. Kasten and G. Czeplak, "Solar and
 * terrestrial radiation dependent on the amount and type of cloud", Solar Energy 24 (1980).
 */
export function cloudTransmission(cover: number): number {
  return 1 - 0.75 * cover ** 3.4;
}

/** Local mean solar time in hours, 0 … 24: noon is when the mean sun is highest. */
export function solarHours(time: number, longitude: number): number {
  const hours = time / 3_600_000 + longitude / 15;
  return ((hours % 24) + 24) % 24;
}
