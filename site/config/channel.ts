import type { ChannelConfig, ModbusChannel, ModbusMapping, PollingDefaults, VirtualChannel } from '../model.js';
import { pointKey } from '../points.js';
import { readCanChannel } from './can-channel.js';
import { hasPoints, readCommon, reportNoPoints, type SiteContext } from './channel-common.js';
import { readGrpcChannel } from './grpc-channel.js';
import { mappedPoints, readMappings } from './mapping-set.js';
import { MAPPING_COLUMNS, readMapping } from './mapping-table.js';
import { readMqttChannel } from './mqtt-channel.js';
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
import { readSharing } from './shared-connections.js';
import { readLimits, readTransport } from './transport.js';

/** One channel with its tables; undefined when it cannot be used, for reasons that were noted. */
export async function readChannel(
  source: SiteSource,
  file: ChannelFile,
  block: Block,
  site: SiteContext,
): Promise<ChannelConfig | undefined> {
  switch (file.protocol) {
    case 'modbus':
    case 'modbus_tcp':
    case 'modbus_rtu':
      return readModbusChannel(source, file, block, site.defaults);
    case 'virtual':
    case 'virt':
      return readVirtualChannel(source, file, block, site.defaults);
    case 'mqtt':
      return readMqttChannel(source, file, block, site);
    case 'grpc':
      return readGrpcChannel(source, file, block, site.defaults);
    case 'can':
      return readCanChannel(source, file, block, site.defaults);
  }
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
  const mappings = await readMappings(source, tables, points, {
    columns: MAPPING_COLUMNS,
    read: (row, point) => readMapping(row, point, slaveId),
  });
  if (!hasPoints(file) && tables === undefined) reportNoPoints(source, file, block);
  checkFitting(points, mappings, limits.maxRegistersPerRead);
  if (transport === undefined) return undefined;
  return {
    ...readCommon(file, block, defaults),
    ...mappedPoints(points, mappings),
    protocol: 'modbus',
    transport,
    sharedConnection: readSharing(file, transport, block),
    limits,
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
  if (makePoints && points.size === 0) reportNoPoints(source, file, block, ', simulation');
  return {
    ...readCommon(file, block, defaults),
    protocol: 'virtual',
    points: points.sorted().map(({ point }) => point),
    seed: simulation.seed ?? file.id,
    patterns,
    ...(siteModel === undefined ? {} : { siteModel }),
  };
}
