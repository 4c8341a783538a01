import { isDeepStrictEqual } from 'node:util';
import type { ChannelConfig, Site } from '../../model.js';
import { POINT_KINDS, type PointKind } from '../../points.js';
import type { FieldChange, ItemChange, PointChanges, Section, SiteChanges } from './changes.js';
import { shownValue } from './secrets.js';

/** Points of one channel that are told one by one. */
const MAX_POINTS = 200;
/** Characters of a text that are shown. */
const MAX_TEXT = 200;
/** Below these the keys are the user’s own words. */
const OWN_WORDS = new Set(['parameters', 'headers', 'points', 'symbols', 'each', 'body']);

/** What would be another if the site were `after`. Values are told as site.yaml has them, secrets masked. */
export function describeChanges(before: Site, after: Site): SiteChanges {
  return {
    settings: changedFields(settingsOf(before), settingsOf(after)),
    items: [
      ...changedChannels(before.channels, after.channels),
      ...changedItems('rules', rules(before), rules(after)),
      ...changedItems('models', definitions(before), definitions(after)),
      ...changedItems('templates', before.templates, after.templates),
      ...changedItems('notifications', before.notifications, after.notifications),
      ...changedItems('forwarding', before.forwarding, after.forwarding),
      ...changedItems('aliases', aliases(before), aliases(after)),
      ...changedItems('meters', before.meters ?? [], after.meters ?? []),
    ],
  };
}

function settingsOf(site: Site): object {
  const { name, timeZone, defaults, watchFiles, history, keepConfigurations, servicePorts, tokenization } = site;
  return {
    site: name,
    timezone: timeZone,
    defaults,
    watchFiles,
    history,
    keepConfigurations,
    servicePorts,
    tokenization,
  };
}

/** What else a model has follows from it, its template and the channels. */
function definitions({ models }: Site): readonly Item[] {
  return models.map(({ definition }) => definition);
}

/** Under the keys of site.yaml. */
function rules(site: Site): readonly Item[] {
  return site.rules.map(({ id, name, expression, ...rest }) => ({ id, name, condition: expression, ...rest }));
}

function aliases(site: Site): readonly Item[] {
  return Object.entries(site.aliases).map(([id, point]) => ({ id, point }));
}

interface Item {
  readonly id: string | number;
  readonly name?: string;
}

function changedItems(
  section: Section,
  before: readonly Item[],
  after: readonly Item[],
  describe: (old: Item, now: Item) => Pick<ItemChange, 'fields' | 'points'> = (old, now) => ({
    fields: changedFields(old, now),
  }),
): ItemChange[] {
  const changes: (ItemChange & { order: string | number })[] = [];
  const left = new Map(before.map((item) => [item.id, item]));
  const headOf = ({ id, name }: Item) => ({
    ...{ section, id: String(id), order: id },
    ...(name === undefined || name === String(id) ? {} : { name }),
  });
  for (const item of after) {
    const old = left.get(item.id);
    left.delete(item.id);
    if (old === undefined) changes.push({ ...headOf(item), change: 'added', fields: [] });
    else if (!isDeepStrictEqual(old, item))
      changes.push({ ...headOf(item), change: 'changed', ...describe(old, item) });
  }
  for (const item of left.values()) changes.push({ ...headOf(item), change: 'removed', fields: [] });
  return changes.sort((a, b) => (a.order < b.order ? -1 : 1)).map(({ order: _order, ...change }) => change);
}

function changedChannels(before: readonly ChannelConfig[], after: readonly ChannelConfig[]): ItemChange[] {
  return changedItems('channels', before, after, (old, now) => {
    const points = changedPoints(old as ChannelConfig, now as ChannelConfig);
    return {
      fields: changedFields(withoutPoints(old as ChannelConfig), withoutPoints(now as ChannelConfig)),
      ...(points === undefined ? {} : { points }),
    };
  });
}

function withoutPoints(channel: ChannelConfig): object {
  return { ...channel, points: undefined, mappings: undefined };
}

function changedPoints(before: ChannelConfig, after: ChannelConfig): PointChanges | undefined {
  const [old, now] = [pointsOf(before), pointsOf(after)];
  const added = [...now.keys()].filter((key) => !old.has(key));
  const removed = [...old.keys()].filter((key) => !now.has(key));
  const changed = [...now].filter(([key, point]) => old.has(key) && !isDeepStrictEqual(old.get(key), point));
  if (added.length + removed.length + changed.length === 0) return undefined;
  return {
    added: inRanges(added),
    removed: inRanges(removed),
    changed: changed.slice(0, MAX_POINTS).map(([key, point]) => ({
      point: key,
      fields: changedFields(old.get(key) as object, point),
    })),
    changedInAll: changed.length,
  };
}

/** Each point with where it lives on the device, by `<kind>:<id>`. */
function pointsOf(channel: ChannelConfig): Map<string, object> {
  const mappings: readonly object[] = 'mappings' in channel ? channel.mappings : [];
  return new Map(
    channel.points.map((point, index) => {
      const mapping = mappings[index];
      return [`${point.kind}:${point.id}`, mapping === undefined ? point : { ...point, mapping }];
    }),
  );
}

/** `T:1-10,12` of `T:1`, …, one for each kind. */
function inRanges(keys: readonly string[]): string[] {
  return POINT_KINDS.flatMap((kind: PointKind) => {
    const ids = keys.filter((key) => key.startsWith(`${kind}:`)).map((key) => Number(key.slice(2)));
    const ranges: [number, number][] = [];
    for (const id of ids.sort((a, b) => a - b)) {
      const last = ranges.at(-1);
      if (last?.[1] === id - 1) last[1] = id;
      else ranges.push([id, id]);
    }
    const text = ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
    return text === '' ? [] : [`${kind}:${text}`];
  });
}

/** The leaves of two trees that differ, in the order of the first, then of the second. */
function changedFields(before: object, after: object): FieldChange[] {
  const [old, now] = [leavesOf(before), leavesOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((path) => {
    const [was, is] = [old.get(path), now.get(path)];
    if (isDeepStrictEqual(was?.value, is?.value)) return [];
    return [
      {
        path,
        ...(was === undefined ? {} : { before: was.shown }),
        ...(is === undefined ? {} : { after: is.shown }),
      },
    ];
  });
}

type Leaves = Map<string, { readonly value: unknown; readonly shown: unknown }>;

function leavesOf(tree: object): Leaves {
  const leaves: Leaves = new Map();
  const visit = (value: unknown, path: string, key: string, own: boolean): void => {
    if (value === undefined) return;
    if (Array.isArray(value) && value.length > 0 && value.every((item) => Array.isArray(item))) {
      leaves.set(path, { value, shown: `${value.length} rows` });
    } else if (Array.isArray(value) && value.some((item) => typeof item === 'object')) {
      for (const [index, item] of value.entries()) visit(item, `${path}[${index}]`, key, own);
    } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [name, item] of Object.entries(value)) {
        const said = own ? name : snakeCase(name);
        visit(item, path === '' ? said : `${path}.${said}`, name, own || OWN_WORDS.has(name));
      }
    } else leaves.set(path, { value, shown: cut(shownValue(key, value)) });
  };
  visit(tree, '', '', false);
  return leaves;
}

function cut(value: unknown): unknown {
  return typeof value === 'string' && value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT - 1)}…` : value;
}

/** As site.yaml writes its keys. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
