import type { ChannelConfig, ModbusChannel, ModbusMapping, PollingDefaults, VirtualChannel } from '../model.js';
import { pointKey } from '../points.js';
import { readMappings } from './mapping-set.js';
import { readPoints, type PointSet } from './point-set.js';
import {
  CHANNEL_DEFAULTS,
  type ChannelFile,
  type ModbusChannelFile,
  type VirtualChannelFile,
} from './schema/channel.js';
import { readPatterns } from './simulation.js';
import { readSiteModel } from './site-model.js';
import { given, type Block, type SiteSource } from './source.js';
import { findTables } from './table-files.js';
import { readLimits, readTransport } from './transport.js';

/** One channel with its tables; undefined when it cannot be used, for reasons that were noted. */
export async function readChannel(
  source: SiteSource,
  file: ChannelFile,
  block: Block,
  defaults: PollingDefaults,
): Promise<ChannelConfig | undefined> {
  return isVirtual(file)
    ? readVirtualChannel(source, file, block, defaults)
    : readModbusChannel(source, file, block, defaults);
}

function isVirtual(file: ChannelFile): file is VirtualChannelFile {
  return file.protocol === 'virtual' || file.protocol === 'virt';
}

async function readModbusChannel(
  source: SiteSource,
  file: ModbusChannelFile,
  block: Block,
  defaults: PollingDefaults,
): Promise<ModbusChannel | undefined> {
  const transport = readTransport(file, block);
  const limits = readLimits(file, defaults);
  const tables = await findTables(source, file, block);
  const points = await readPoints(source, tables, file.points, block);
  const slaveId = file.slave_id ?? file.parameters?.slave_id ?? CHANNEL_DEFAULTS.slaveId;
  const mappings = await readMappings(source, tables, points, slaveId);
  if (!hasPoints(file) && tables === undefined) reportNoPoints(source, file, block);
  checkFitting(points, mappings, limits.maxRegistersPerRead);
  if (transport === undefined) return undefined;
  const defined = points.sorted().filter(({ point }) => mappings.has(pointKey(point.kind, point.id)));
  return {
    ...readCommon(file, block, defaults),
    protocol: 'modbus',
    points: defined.map(({ point }) => point),
    transport,
    limits,
    mappings: defined.map(({ point }) => mappings.get(pointKey(point.kind, point.id)) as ModbusMapping),
  };
}

/** Every value must fit one request. */
function checkFitting(points: PointSet, mappings: ReadonlyMap<number, ModbusMapping>, most: number): void {
  for (const { point, row } of points.sorted()) {
    const mapping = mappings.get(pointKey(point.kind, point.id));
    if (mapping === undefined || mapping.functionCode <= 2 || mapping.registers <= most) continue;
    const found = `a ${mapping.dataType} of ${mapping.registers} registers`;
    row.report('data_type', found, `up to ${most} registers, as the channel’s limits say`);
  }
}

async function readVirtualChannel(
  source: SiteSource,
  file: VirtualChannelFile,
  block: Block,
  defaults: PollingDefaults,
): Promise<VirtualChannel> {
  const tables = await findTables(source, file, block);
  const points = await readPoints(source, tables, file.points, block);
  const makePoints = tables === undefined && !hasPoints(file);
  const simulation = given(block, file, ['simulation', 'simulation_config']) ?? {};
  const at = block.at(file.simulation === undefined ? 'simulation_config' : 'simulation');
  const patterns = await readPatterns(source, simulation, at, points, makePoints);
  const { site_model: model } = simulation;
  const siteModel = model && readSiteModel(model, at.at('site_model'), points, makePoints);
  if (makePoints && points.size === 0) reportNoPoints(source, file, block);
  return {
    ...readCommon(file, block, defaults),
    protocol: 'virtual',
    points: points.sorted().map(({ point }) => point),
    seed: simulation.seed ?? file.id,
    patterns,
    ...(siteModel === undefined ? {} : { siteModel }),
  };
}

function readCommon(file: ChannelFile, block: Block, defaults: PollingDefaults) {
  const polling = given(block, file, ['polling', 'polling_config']);
  const parameters = file.parameters ?? {};
  return {
    id: file.id,
    name: file.name ?? `channel ${file.id}`,
    enabled: file.enabled ?? true,
    pollingIntervalMs:
      polling?.interval_ms ??
      parameters.poll_interval_ms ??
      parameters.polling_interval_ms ??
      defaults.pollingIntervalMs,
  };
}

/** Whether the site file says where the channel's points are. */
function hasPoints(file: ChannelFile): boolean {
  return (file.points ?? file.tables ?? file.table_config) !== undefined;
}

function reportNoPoints(source: SiteSource, file: ChannelFile, block: Block): void {
  const folders = source.tableFolders.map((folder) => `${folder}/${file.id}`).join(' or ');
  const simulation = isVirtual(file) ? ', simulation' : '';
  const allowed = `points, tables${simulation}, or a folder ${folders}`;
  block.report('', 'no points', allowed, `the channel has no points, allowed ${allowed}`);
}
