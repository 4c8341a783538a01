import type { GrpcChannel, GrpcMapping } from '../channels/grpc.js';
import type { PollingDefaults } from '../model.js';
import type { PointDefinition } from '../points.js';
import { readTls } from './broker.js';
import { readInteger, type Row } from './cells.js';
import { hasPoints, readCommon, reportNoPoints } from './channel-common.js';
import type { TableColumns } from './csv-table.js';
import { mappedPoints, readMappings } from './mapping-set.js';
import { readPoints } from './point-set.js';
import { show } from './problems.js';
import { GRPC_CHANNEL_DEFAULTS as D, type GrpcChannelFile } from './schema/grpc-channel.js';
import type { Block, SiteSource } from './source.js';
import { findTables } from './table-files.js';

/** Columns of the mapping table of a gRPC channel, which needs none: a point's source is its name. */
export const GRPC_COLUMNS: TableColumns = { required: ['point_id'], optional: ['source', 'stale_after_ms'] };
const MAX_STALE_MS = 2_147_483_647;

export async function readGrpcChannel(
  source: SiteSource,
  file: GrpcChannelFile,
  block: Block,
  defaults: PollingDefaults,
): Promise<GrpcChannel> {
  const tables = await findTables(source, file, block);
  const points = await readPoints(source, tables, file.points, block);
  const staleAfterMs = file.stale_after_ms ?? D.staleAfterMs;
  const mappings = await readMappings(source, tables, points, {
    columns: GRPC_COLUMNS,
    read: (row, point) => readGrpcMapping(row, point, staleAfterMs),
    unmapped: (point) => ({ source: point.name, staleAfterMs }),
  });
  if (!hasPoints(file) && tables === undefined) reportNoPoints(source, file, block);
  const { metadata = {} } = file;
  for (const [name, text] of Object.entries(metadata)) checkMetadata(name, text, block.at('metadata'));
  if (!isAddress(file.address)) block.report('address', show(file.address), 'host:port or unix:/path');
  return {
    ...readCommon(file, block, defaults),
    ...mappedPoints(points, mappings),
    protocol: 'grpc',
    address: file.address,
    ...(file.tls === undefined ? {} : { tls: await readTls(source, file.tls, block.at('tls')) }),
    ...(file.token === undefined ? {} : { token: file.token }),
    metadata,
    mode: file.mode ?? D.mode,
    connectTimeoutMs: file.connect_timeout_ms ?? defaults.connectionTimeoutMs,
    deadlineMs: file.deadline_ms ?? D.deadlineMs,
    healthIntervalMs: file.health_interval_ms ?? D.healthIntervalMs,
    settings: file.settings ?? {},
  };
}

function isAddress(address: string): boolean {
  if (address.startsWith('unix:')) return address.length > 'unix:'.length;
  const port = Number(/^[^\s/]+:(\d{1,5})$/.exec(address)?.[1]);
  return port >= 1 && port <= 65_535;
}

/** Keys and texts as gRPC over HTTP/2 has them ("Custom-Metadata"); binary ones cannot be written in YAML. */
function checkMetadata(name: string, text: string, block: Block): void {
  if (!/^[0-9a-z_.-]+$/.test(name) || name.endsWith('-bin') || name.startsWith('grpc-'))
    block.report(name, show(name), 'a name of a-z 0-9 _ - . that does not begin with grpc- or end with -bin');
  else if (name === 'authorization') block.report(name, 'authorization', 'token: what follows Bearer');
  else if (!/^[\x20-\x7e]*$/.test(text)) block.report(name, show(text), 'a text of printable ASCII');
}

function readGrpcMapping(row: Row, point: PointDefinition, channelStaleMs: number): GrpcMapping {
  const source = row.cell('source');
  const staleAfterMs = readInteger(row, 'stale_after_ms', 0, MAX_STALE_MS, channelStaleMs);
  return { source: source === '' ? point.name : source, staleAfterMs: staleAfterMs ?? channelStaleMs };
}
