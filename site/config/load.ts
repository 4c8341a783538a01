import { basename, dirname, join, resolve } from 'node:path';
import { isTimeZone } from '../expressions/index.js';
import type { ChannelConfig, PollingDefaults, Site } from '../model.js';
import { readChannel } from './channel.js';
import { diskFiles, Reader, type Files } from './files.js';
import { readForwarders } from './forwarding.js';
import { readStorage } from './history.js';
import { readMeters } from './meters.js';
import { readModels } from './models.js';
import { readNotifications } from './notifications.js';
import { Problems, show } from './problems.js';
import { readAliases, readRules } from './rules.js';
import { checkSiteFile } from './schema-check.js';
import type { ChannelFile } from './schema/channel.js';
import { SITE_DEFAULTS, type SiteFile } from './schema/site.js';
import { checkSharedConnections } from './shared-connections.js';
import { Block, given, resolveIn, type SiteSource } from './source.js';
import { readTemplates } from './templates.js';
import { readTokenization } from './tokenization.js';
import { YamlSource } from './yaml-source.js';

/** Site files that a folder may hold; the first that is there counts. The last ones are those of VoltageEMS. */
const SITE_FILES = [
  'site.yaml',
  'site.yml',
  'comsrv.yaml',
  'comsrv/comsrv.yaml',
  'config/comsrv.yaml',
  'config/comsrv/comsrv.yaml',
];
/** Channels whose tables are read at once: enough to keep the disk busy, few enough for the limit of open files. */
const CONCURRENCY = 16;

/**
 * Loads and validates a site: `path` is a site file, a folder that holds `site.yaml`, or a VoltageEMS configuration
 * folder. See docs/configuration.md for the format.
 * @throws ConfigError with every problem of every file.
 */
export async function loadSite(path: string, files: Files = diskFiles): Promise<Site> {
  const problems = new Problems();
  const reader = new Reader(files, problems);
  const file = await findSiteFile(resolve(path), reader, problems);
  const site = file === undefined ? undefined : await readSite(file, reader, problems);
  problems.throwIfAny();
  return site as Site;
}

async function findSiteFile(path: string, reader: Reader, problems: Problems): Promise<string | undefined> {
  const kind = await reader.kind(path);
  if (kind === 'file') return path;
  if (kind === undefined) {
    const allowed = 'a site file or a folder with one';
    problems.addFile(path, 'nothing', allowed, `there is no such file or folder, allowed ${allowed}`);
    return undefined;
  }
  for (const name of SITE_FILES) {
    const file = join(path, name);
    if ((await reader.kind(file)) === 'file') return file;
  }
  const allowed = SITE_FILES.join(', ');
  problems.addFile(path, 'no site file', allowed, `found no site file in the folder, allowed ${allowed}`);
  return undefined;
}

async function readSite(path: string, reader: Reader, problems: Problems): Promise<Site | undefined> {
  const content = await reader.text(path);
  if (content.state !== 'text') return undefined; // it was there a moment ago: a read problem was noted
  const yaml = YamlSource.parse(path, content.text, problems);
  const checked = yaml && checkSiteFile(yaml, problems);
  if (yaml === undefined || checked === undefined) return undefined;

  const { file } = checked;
  const folder = dirname(path);
  const source: SiteSource = { yaml, problems, reader, folder, tableFolders: await tableFolders(file, folder, reader) };
  const block = new Block(source, []);
  const defaults = readDefaults(file, block);
  checkChannelIds(checked.channels, block);
  const name = given(block, file, ['site', 'name']) ?? basename(folder);
  const channels = await inTurn(checked.channels, (channel, index) =>
    readChannel(source, channel, block.at('channels', index), { name, defaults }),
  );
  checkSharedConnections(channels, block);
  const sound = channels.filter((channel) => channel !== undefined).sort((a, b) => a.id - b.id);
  const templates = await readTemplates(source, file.templates ?? []);
  const models = readModels(file.models ?? [], templates, sound, checked.channels, block);
  const aliases = readAliases(file.aliases ?? {}, { channels: sound, models }, block.at('aliases'));
  const rules = readRules(file.rules ?? [], { channels: sound, aliases, models }, block.at('rules'));
  const notifications = await readNotifications(source, file.notifications ?? [], block.at('notifications'));
  const complete = sound.length === checked.channels.length;
  const forwarding = await readForwarders(
    source,
    file.forwarding ?? [],
    { name, channels: sound },
    complete,
    block.at('forwarding'),
  );
  const meters = readMeters(file.meters ?? [], complete ? { channels: sound } : undefined, block.at('meters'));
  const { history = {}, timezone, tokenization } = file;
  const mapping = readStorage(
    history.mapping ?? [],
    complete ? { channels: sound } : undefined,
    block.at('history', 'mapping'),
  );
  if (timezone !== undefined && !isTimeZone(timezone)) {
    block.report('timezone', show(timezone), 'a name such as Europe/Berlin or UTC');
  }
  const watch = given(block, file, ['watch_files', 'file_watch_enabled']);
  return {
    name,
    ...(timezone === undefined ? {} : { timeZone: timezone }),
    defaults,
    channels: sound,
    watchFiles: watch ?? true,
    files: [...reader.read].sort(),
    history: {
      rawDays: history.raw_days ?? SITE_DEFAULTS.history.rawDays,
      minuteDays: history.minute_days ?? SITE_DEFAULTS.history.minuteDays,
      hourDays: history.hour_days ?? SITE_DEFAULTS.history.hourDays,
      dayDays: history.day_days ?? SITE_DEFAULTS.history.dayDays,
      ...(mapping.length === 0 ? {} : { mapping }),
    },
    templates,
    models,
    rules,
    notifications,
    aliases,
    forwarding,
    ...(meters.length === 0 ? {} : { meters }),
    ...(tokenization === undefined ? {} : { tokenization: readTokenization(tokenization, block.at('tokenization')) }),
    keepConfigurations: file.keep_configurations ?? SITE_DEFAULTS.keepConfigurations,
    ...(file.service_ports === undefined ? {} : { servicePorts: file.service_ports }),
  };
}

/** VoltageEMS's `csv_base_path` is relative to where its service was started, so it need not be there. */
async function tableFolders(file: Partial<SiteFile>, folder: string, reader: Reader): Promise<string[]> {
  const folders = [folder, join(folder, 'comsrv')];
  if (file.csv_base_path === undefined) return folders;
  const base = resolveIn(folder, file.csv_base_path);
  return (await reader.kind(base)) === 'folder' ? [base, ...folders] : folders;
}

function readDefaults(file: Partial<SiteFile>, block: Block): PollingDefaults {
  const defaults = given(block, file, ['defaults', 'global_config']) ?? {};
  return {
    maxConcurrentConnections: defaults.max_concurrent_connections ?? SITE_DEFAULTS.maxConcurrentConnections,
    connectionTimeoutMs: defaults.connection_timeout_ms ?? SITE_DEFAULTS.connectionTimeoutMs,
    pollingIntervalMs: defaults.polling_interval_ms ?? SITE_DEFAULTS.pollingIntervalMs,
  };
}

function checkChannelIds(channels: readonly (ChannelFile | undefined)[], block: Block): void {
  const first = new Map<number, number>();
  for (const [index, channel] of channels.entries()) {
    if (channel === undefined) continue;
    const { id } = channel;
    const other = first.get(id);
    if (other === undefined) first.set(id, index);
    else block.at('channels', index).report('id', `${id}, which channels[${other}] has too`, 'each id once');
  }
}

/** Reads the channels, a bounded number at a time; the answers keep their order. */
async function inTurn(
  channels: readonly (ChannelFile | undefined)[],
  read: (channel: ChannelFile, index: number) => Promise<ChannelConfig | undefined>,
): Promise<(ChannelConfig | undefined)[]> {
  const answers = new Array<ChannelConfig | undefined>(channels.length);
  const left = channels.entries();
  const work = async (): Promise<void> => {
    for (const [index, channel] of left) if (channel !== undefined) answers[index] = await read(channel, index);
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, channels.length) }, work));
  return answers;
}
