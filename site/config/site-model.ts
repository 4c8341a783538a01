import { SITE_MODEL_OUTPUTS, type SiteModelConfig, type SiteModelOutput } from '../model.js';
import type { PointKind } from '../points.js';
import type { PointSet } from './point-set.js';
import { SITE_MODEL_DEFAULTS as D, type SiteModelFile } from './schema/simulation.js';
import { checkPoint, virtualPoint } from './simulation.js';
import type { Block } from './source.js';

/** The points that outputs get when a site file names none. */
const POINTS: Readonly<Record<SiteModelOutput, readonly [kind: PointKind, name: string, unit: string]>> = {
  'pv.power': ['T', 'PV power', 'kW'],
  'pv.energy': ['T', 'PV energy', 'kWh'],
  'pv.irradiance': ['T', 'Irradiance', 'W/m²'],
  'pv.limit': ['A', 'PV limit', '%'],
  'battery.power': ['T', 'Battery power', 'kW'],
  'battery.soc': ['T', 'Battery state of charge', '%'],
  'battery.voltage': ['T', 'Battery voltage', 'V'],
  'battery.temperature': ['T', 'Battery temperature', '°C'],
  'battery.setpoint': ['A', 'Battery set-point', 'kW'],
  'battery.auto': ['C', 'Battery automatic', ''],
  'load.power': ['T', 'Load power', 'kW'],
  'load.energy': ['T', 'Load energy', 'kWh'],
  'ev.power': ['T', 'EV charger power', 'kW'],
  'grid.power': ['T', 'Grid power', 'kW'],
  'grid.import': ['T', 'Grid import', 'kWh'],
  'grid.export': ['T', 'Grid export', 'kWh'],
  'grid.frequency': ['T', 'Grid frequency', 'Hz'],
  'grid.voltage': ['T', 'Grid voltage', 'V'],
  'site.breaker': ['C', 'Main breaker', ''],
};

type Output = SiteModelConfig['outputs'][number];

/** The site model of a virtual channel. `makePoints`: the channel defines no points, so each output gets one. */
export function readSiteModel(
  file: SiteModelFile,
  block: Block,
  points: PointSet,
  makePoints: boolean,
): SiteModelConfig {
  return {
    latitude: file.latitude ?? D.latitude,
    longitude: file.longitude ?? D.longitude,
    pvPeakKw: file.pv_peak_kw ?? D.pv_peak_kw,
    batteryCapacityKwh: file.battery_capacity_kwh ?? D.battery_capacity_kwh,
    batteryPowerKw: file.battery_power_kw ?? D.battery_power_kw,
    loadPeakKw: file.load_peak_kw ?? D.load_peak_kw,
    gridLimitKw: file.grid_limit_kw ?? D.grid_limit_kw,
    evPowerKw: file.ev_power_kw ?? D.ev_power_kw,
    speed: file.speed ?? D.speed,
    outputs: readOutputs(file, block, points, makePoints),
  };
}

function readOutputs(file: SiteModelFile, block: Block, points: PointSet, makePoints: boolean): Output[] {
  if (file.outputs !== undefined) {
    const driven = new Set<string>();
    return file.outputs.map(({ output, point_id: pointId, kind = POINTS[output][0] }, index) => {
      const at = block.at('outputs', index);
      const key = `${kind}${pointId}`;
      if (driven.has(key)) at.report('point_id', `point ${kind} ${pointId} again`, 'one output for each point');
      else if (makePoints) points.add(virtualPoint(kind, pointId, POINTS[output][1], POINTS[output][2]), at);
      else checkPoint(points, kind, pointId, at);
      driven.add(key);
      return { kind, pointId, output };
    });
  }
  if (!makePoints) {
    const allowed = 'a list of {output, point_id}, as the channel has points of its own';
    block.report('outputs', 'nothing', allowed, `outputs is missing, allowed ${allowed}`);
    return [];
  }
  const outputs = SITE_MODEL_OUTPUTS.filter((output) => output !== 'ev.power' || (file.ev_power_kw ?? 0) > 0);
  return outputs.map((output) => {
    const [kind, name, unit] = POINTS[output];
    const pointId = points.nextId(kind);
    points.add(virtualPoint(kind, pointId, name, unit), block);
    return { kind, pointId, output };
  });
}
