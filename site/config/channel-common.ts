import type { PollingDefaults } from '../model.js';
import type { ChannelFile } from './schema/channel.js';
import { given, type Block, type SiteSource } from './source.js';

/** What of the site a channel's reading needs. */
export interface SiteContext {
  readonly name: string;
  readonly defaults: PollingDefaults;
}

/** The keys that every channel has. */
export function readCommon(file: ChannelFile, block: Block, defaults: PollingDefaults) {
  const polling = given<Pick<ChannelFile, 'polling' | 'polling_config'>, 'polling' | 'polling_config'>(block, file, [
    'polling',
    'polling_config',
  ]);
  const parameters = 'parameters' in file ? (file.parameters ?? {}) : {};
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
export function hasPoints(file: ChannelFile): boolean {
  return (file.points ?? file.tables ?? file.table_config) !== undefined;
}

/** `besides`: what else could give it points. */
export function reportNoPoints(source: SiteSource, file: ChannelFile, block: Block, besides = ''): void {
  const folders = source.tableFolders.map((folder) => `${folder}/${file.id}`).join(' or ');
  const allowed = `points, tables${besides}, or a folder ${folders}`;
  block.report('', 'no points', allowed, `the channel has no points, allowed ${allowed}`);
}
