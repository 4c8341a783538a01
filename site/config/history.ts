import { buildStorageRule, type MappingDefinition } from '../history/definition.js';
import type { StorageRule } from '../history/mapping.js';
import type { MappingFile } from '../history/schema.js';
import type { Site } from '../model.js';
import type { Block } from './source.js';

/**
 * What is stored of which points, in the order of the file.
 *
 * @param site undefined: not all channels are right, so it cannot be said that a pattern matches none of their points
 */
export function readStorage(
  files: readonly MappingFile[],
  site: Pick<Site, 'channels'> | undefined,
  block: Block,
): StorageRule[] {
  return files.flatMap((file, index) => {
    const definition = toMappingDefinition(file);
    const rule = buildStorageRule(definition, site, block.at(index));
    return rule === undefined ? [] : [{ ...rule, definition }];
  });
}

/** A mapping in the names of the file, in our own. */
export function toMappingDefinition(file: MappingFile): MappingDefinition {
  const { max_interval_ms: maxIntervalMs, interval_ms: intervalMs, collect_ms: collectMs, ...rest } = file;
  return {
    ...rest,
    ...(maxIntervalMs === undefined ? {} : { maxIntervalMs }),
    ...(intervalMs === undefined ? {} : { intervalMs }),
    ...(collectMs === undefined ? {} : { collectMs }),
  };
}
