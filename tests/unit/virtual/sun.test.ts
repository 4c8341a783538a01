import assert from 'node:assert/strict';
import { clearSkyIrradiance, cloudTransmission, solarHours, sunPosition } from '../../../protocols/virtual/sun.js';

function near(found: number, wanted: number, tolerance: number): void {
  assert.ok(Math.abs(found - wanted) <= tolerance, `found ${found}, wanted ${wanted} ± ${tolerance}`);
}

describe('sun', () => {
  it("agrees with the worked example of NREL's Solar Position Algorithm (Reda and Andreas, 2008)", () => {
    // 2003-10-17 12:30:30 at UTC−7: elevation without refraction 39.8720°, azimuth 194.3402°.
    const { elevation, azimuth } = sunPosition(Date.UTC(2003, 9, 17, 19, 30, 30), 39.742476, -105.1786);
    near(elevation, 39.872, 0.02);
    near(azimuth, 194.3402, 0.02);
  });

  it('stands in the zenith of the equator at the equinox noon and below the horizon at midnight', () => {
    // Equinox 2026-03-20 14:46 UTC; the equation of time is −7.5 minutes, so noon at 39.6° W is about then.
    near(sunPosition(Date.UTC(2026, 2, 20, 14, 46), 0, -39.6).elevation, 90, 0.3);
    near(sunPosition(Date.UTC(2026, 2, 20, 2, 46), 0, -39.6).elevation, -90, 0.5);
  });

  it('does not rise at the pole in winter nor set in summer', () => {
    for (let hour = 0; hour < 24; hour++) {
      near(sunPosition(Date.UTC(2026, 5, 21, hour), 90, 0).elevation, 23.44, 0.05);
      near(sunPosition(Date.UTC(2026, 11, 21, hour), 90, 0).elevation, -23.44, 0.05);
    }
  });

  it('goes from east by south to west in the north', () => {
    const azimuths = [6, 12, 18].map((hour) => sunPosition(Date.UTC(2026, 2, 20, hour), 50, 0).azimuth);
    near(azimuths[0] as number, 90, 5);
    near(azimuths[1] as number, 180, 5);
    near(azimuths[2] as number, 270, 5);
  });

  it('clear sky: Haurwitz, nothing below the horizon', () => {
    near(clearSkyIrradiance(90), 1098 * Math.exp(-0.059), 1e-9);
    near(clearSkyIrradiance(30), 549 * Math.exp(-0.118), 1e-6);
    assert.deepEqual([0, -0.001, -45].map(clearSkyIrradiance), [0, 0, 0]);
  });

  it('clouds: Kasten and Czeplak', () => {
    assert.equal(cloudTransmission(0), 1);
    assert.equal(cloudTransmission(1), 0.25);
    near(cloudTransmission(0.5), 0.929, 0.001);
  });

  it('mean solar time follows the longitude', () => {
    assert.equal(solarHours(Date.UTC(2026, 0, 1, 12), 0), 12);
    assert.equal(solarHours(Date.UTC(2026, 0, 1, 12), 90), 18);
    assert.equal(solarHours(Date.UTC(2026, 0, 1, 1), -30), 23);
  });
});
