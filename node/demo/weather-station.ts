import type { Plant } from './plant.js';
import { state, type DeviceSignals } from './signals.js';

/** A weather station on the roof. Its clock shows the plant's time, which may run faster than the real one. */
export function weatherStation({ model }: Plant): DeviceSignals {
  const { weather } = model;
  return {
    T: {
      'Global irradiance': () => weather.irradiance,
      'Air temperature': () => weather.temperature,
      'Module temperature': () => model.cellTemperature,
      'Relative humidity': () => weather.humidity,
      'Air pressure': () => weather.pressure,
      'Wind speed': () => weather.windSpeed,
      'Cloud cover': () => weather.cloudCover * 100,
      'Sun elevation': () => weather.sunElevation,
      'Sun azimuth': () => weather.sunAzimuth,
      'Station clock': () => Math.floor(model.time / 1000),
      'Station name': () => 'Roof south',
    },
    S: {
      Daylight: () => state(weather.sunElevation > 0),
      'Wind warning': () => state(weather.windSpeed > 14),
      'Frost warning': () => state(weather.temperature < 3),
    },
  };
}
