import { dirname } from 'node:path';
import { POINT_KINDS, type PointKind } from '../points.js';
import type { ChannelFile } from './schema/channel.js';
import type { TableConfigFile } from './schema/channel-common.js';
import { resolveIn, type Block, type SiteSource } from './source.js';

/** The point kinds as VoltageEMS names their tables. */
export const KIND_NAMES: Readonly<Record<PointKind, 'telemetry' | 'signal' | 'control' | 'adjustment'>> = {
  T: 'telemetry',
  S: 'signal',
  C: 'control',
  A: 'adjustment',
};

/** Where the tables of a channel are. */
export interface TableFiles {
  /** Absolute paths; undefined: the channel has no such table. */
  readonly points: Readonly<Record<PointKind, string | undefined>>;
  /** Absolute paths, the first that is there counts. Empty: the channel has no such table. */
  readonly mappings: Readonly<Record<PointKind, readonly string[]>>;
  /** Tables that the site file names one by one, so that each must be there; with what names them. */
  readonly named: ReadonlyMap<string, Block>;
  /** What in the site file leads to the tables. */
  readonly block: Block;
  /** Folders that were looked at in turn, for saying where a table should be. */
  readonly folder: string;
}

/** VoltageEMS calls the folder `mapping`, and called it `protocol` before. */
const MAPPING_FOLDERS = ['mapping', 'protocol'];

/**
 * The tables of a channel: of the folder `tables`, those that `table_config` names, or those of a folder that is named
 * as the channel's id, as VoltageEMS has it. Undefined when the channel has none.
 */
export async function findTables(
  source: SiteSource,
  channel: ChannelFile,
  block: Block,
): Promise<TableFiles | undefined> {
  const { tables, table_config: config } = channel;
  if (tables !== undefined && config !== undefined) {
    const why = 'tables is given too, allowed one of them';
    block.report('table_config', 'tables and table_config', 'one of them', why);
    return undefined;
  }
  if (tables !== undefined) return inFolder(resolveIn(source.folder, tables), block.at('tables'));
  if (config !== undefined) return fromConfig(source, config, block.at('table_config'));
  if (channel.points !== undefined) return undefined;
  for (const base of source.tableFolders) {
    const folder = resolveIn(base, String(channel.id));
    if ((await source.reader.kind(folder)) === 'folder') return inFolder(folder, block);
  }
  return undefined;
}

function inFolder(folder: string, block: Block): TableFiles {
  return {
    points: eachKind((kind) => resolveIn(folder, `${KIND_NAMES[kind]}.csv`)),
    mappings: eachKind((kind) => mappingsIn(folder, kind)),
    named: new Map(),
    block,
    folder,
  };
}

function mappingsIn(folder: string, kind: PointKind): string[] {
  return MAPPING_FOLDERS.map((name) => resolveIn(folder, name, `${KIND_NAMES[kind]}_mapping.csv`));
}

function fromConfig(source: SiteSource, config: TableConfigFile, block: Block): TableFiles {
  const base = source.tableFolders[0] as string;
  const folder = resolveIn(base, config.four_telemetry_route ?? '');
  const named = new Map<string, Block>();
  const name = (from: string, file: string | undefined, ...steps: string[]): string | undefined => {
    if (file === undefined || file === '') return undefined;
    const path = resolveIn(from, file);
    named.set(path, block.at(...steps));
    return path;
  };

  const pointFiles = config.four_telemetry_files;
  const points = eachKind((kind) => {
    if (pointFiles === undefined) return resolveIn(folder, `${KIND_NAMES[kind]}.csv`);
    const key = `${KIND_NAMES[kind]}_file` as const;
    return name(folder, pointFiles[key], 'four_telemetry_files', key);
  });
  const { protocol_mapping_files: mappingFiles, protocol_mapping_route: route } = config;
  const mappings = eachKind((kind) => {
    if (mappingFiles !== undefined) {
      const key = `${KIND_NAMES[kind]}_mapping` as const;
      const path = name(resolveIn(base, route ?? ''), mappingFiles[key], 'protocol_mapping_files', key);
      return path === undefined ? [] : [path];
    }
    if (route !== undefined) return [resolveIn(base, route, `${KIND_NAMES[kind]}_mapping.csv`)];
    const table = points[kind];
    return mappingsIn(table === undefined ? folder : dirname(table), kind);
  });
  return { points, mappings, named, block, folder };
}

function eachKind<T>(make: (kind: PointKind) => T): Record<PointKind, T> {
  return Object.fromEntries(POINT_KINDS.map((kind) => [kind, make(kind)])) as Record<PointKind, T>;
}
