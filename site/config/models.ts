import { buildModel, type ModelParts } from '../models/build.js';
import { isPartOfItself } from '../models/hierarchy.js';
import type { Model, ModelDefinition, PointMapping } from '../models/model.js';
import type { MappingFile, ModelFile } from '../models/schema.js';
import type { Template } from '../models/template.js';
import type { ChannelConfig } from '../model.js';
import type { ChannelFile } from './schema/channel.js';
import { choices, nearest, show } from './problems.js';
import type { Block } from './source.js';

/**
 * The models of a site file, ascending by id, each checked against its template and the channels.
 *
 * @param channels those without a fault
 * @param listed all that the file has: a mapping to one with a fault is no fault of its own
 */
export function readModels(
  files: readonly ModelFile[],
  templates: readonly Template[],
  channels: readonly ChannelConfig[],
  listed: readonly (ChannelFile | undefined)[],
  block: Block,
): Model[] {
  const parts = modelParts(templates, channels);
  checkTree(files, block);
  // Until the channels are right it cannot be said what is wrong with a mapping.
  if (channels.length < listed.length) return [];
  return files
    .map((file, index) => buildModel(toDefinition(file), parts, block.at('models', index)))
    .filter((model) => model !== undefined)
    .sort((a, b) => (a.definition.id < b.definition.id ? -1 : 1));
}

/** What models are made of, by id. */
export function modelParts(templates: readonly Template[], channels: readonly ChannelConfig[]): ModelParts {
  const templateOf = new Map(templates.map((template) => [template.id, template]));
  const channelOf = new Map(channels.map((channel) => [channel.id, channel]));
  return {
    template: (id) => templateOf.get(id),
    templateIds: [...templateOf.keys()],
    channel: (id) => channelOf.get(id),
  };
}

function toDefinition({ id, name, template, parameters, parent, points }: ModelFile): ModelDefinition {
  const mappings = Object.entries(points ?? {}).map(([point, mapping]) => [point, toMapping(mapping)] as const);
  return {
    id,
    name: name ?? id,
    template,
    parameters: parameters ?? {},
    parent: parent ?? null,
    points: Object.fromEntries(mappings),
  };
}

/** A mapping as it is kept: the short form made long. */
export function toMapping(mapping: MappingFile): PointMapping {
  return typeof mapping === 'string' ? { point: mapping } : mapping;
}

/** Each id once; parents that are there, and no model within itself. */
function checkTree(files: readonly ModelFile[], block: Block): void {
  const first = new Map<string, number>();
  const parents = new Map<string, string | null>(files.map(({ id, parent = null }) => [id, parent]));
  for (const [index, { id, parent }] of files.entries()) {
    const at = block.at('models', index);
    const other = first.get(id);
    if (other === undefined) first.set(id, index);
    else at.report('id', `${show(id)}, which models[${other}] has too`, 'each id once');
    if (parent === undefined) continue;
    if (!parents.has(parent)) {
      const near = nearest(parent, [...parents.keys()]);
      const hint = near === undefined ? '' : `; did you mean ${near}?`;
      const allowed = choices([...parents.keys()]);
      at.report('parent', show(parent), allowed, `no model ${show(parent)}, allowed ${allowed}${hint}`);
    } else if (isPartOfItself(id, parents)) {
      at.report('parent', `${show(parent)}, which is part of ${id} itself`, 'a model that is not part of this one');
    }
  }
}
