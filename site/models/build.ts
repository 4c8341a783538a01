import { choices, nearest, show } from '../config/problems.js';
import type { ChannelConfig } from '../model.js';
import { isState, parsePointAddress, type PointDefinition } from '../points.js';
import { expandPoints } from './expand.js';
import { formulasOf } from './formulas.js';
import type { Model, ModelDefinition, ModelPoint, PointMapping, Route } from './model.js';
import { findClash } from './stored-address.js';
import { readParameters } from './parameters.js';
import type { ModelOrigin, Template } from './template.js';

/** What models are made of. */
export interface ModelParts {
  template(id: string): Template | undefined;
  /** Ids of all templates. */
  readonly templateIds: readonly string[];
  channel(id: number): ChannelConfig | undefined;
}

/** Makes a model of its definition. What is wrong with it is reported at `origin`, all at once; undefined then. */
export function buildModel(definition: ModelDefinition, parts: ModelParts, origin: ModelOrigin): Model | undefined {
  const template = parts.template(definition.template);
  if (template === undefined) {
    const near = nearest(definition.template, parts.templateIds);
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    const allowed = choices(parts.templateIds);
    origin.report(
      'template',
      show(definition.template),
      allowed,
      `no template ${show(definition.template)}, allowed ${allowed}${hint}`,
    );
    return undefined;
  }
  const parameters = readParameters(template.parameters, definition.parameters, origin.at('parameters'));
  const expanded = parameters && expandPoints(template, parameters, atModel(origin, template));
  if (parameters === undefined || expanded === undefined) return undefined;
  const points = bindPoints(definition, expanded, parts, origin.at('points'));
  const formulas = points && formulasOf(points, (slot) => origin.at('points', points[slot]?.name ?? ''));
  if (points === undefined || formulas === undefined) return undefined;
  const model = { definition, product: template.product, parameters, points, formulas };
  const clash = findClash(model);
  if (clash === undefined) return model;
  const [first, second] = clash;
  const found = `${show(first)} and ${show(second)}, whose values would be stored as one point’s`;
  origin.report('template', found, 'another name of one of them, or another id of the model');
  return undefined;
}

/** Faults that only a model's parameters bring to light are told at the model, with the place in the template. */
function atModel(origin: ModelOrigin, template: Template, path = ''): ModelOrigin {
  return {
    at: (...steps) =>
      atModel(
        origin,
        template,
        steps.reduce<string>((text, step) => text + (typeof step === 'number' ? `[${step}]` : `.${step}`), path),
      ),
    report: (field, found, allowed) =>
      origin.report(
        'template',
        found,
        allowed,
        `template ${template.id}, ${path.slice(1)}.${field}: found ${found}, allowed ${allowed}`,
      ),
  };
}

/** The points with their routes; undefined when a mapping is wrong. */
function bindPoints(
  definition: ModelDefinition,
  points: readonly ModelPoint[],
  parts: ModelParts,
  origin: ModelOrigin,
): ModelPoint[] | undefined {
  const byName = new Map(points.map((point) => [point.name, point]));
  const routes = new Map<string, Route>();
  let sound = true;
  for (const [name, mapping] of Object.entries(definition.points)) {
    const point = byName.get(name);
    if (point === undefined) {
      const names = [...byName.keys()];
      const near = nearest(name, names);
      const hint = near === undefined ? '' : `; did you mean ${near}?`;
      const allowed = names.length > 30 ? `one of its ${names.length} points` : choices(names);
      origin.report(name, show(name), allowed, `the template has no such point, allowed ${allowed}${hint}`);
      sound = false;
      continue;
    }
    const route = routeOf(point, mapping, parts, (found, allowed) => origin.report(name, found, allowed));
    if (route === undefined) sound = false;
    else routes.set(name, route);
  }
  if (!sound) return undefined;
  return points.map((point) => {
    const route = routes.get(point.name);
    return route === undefined ? point : { ...point, route };
  });
}

function routeOf(
  point: ModelPoint,
  mapping: PointMapping,
  parts: ModelParts,
  report: (found: string, allowed: string) => void,
): Route | undefined {
  const address = parsePointAddress(mapping.point);
  if (address === undefined) return void report(show(mapping.point), 'a point address, as comsrv:1001:T:1 or 1001:T:1');
  const channel = parts.channel(address.channel);
  if (channel === undefined) return void report(`channel ${address.channel}`, 'a channel of this site');
  const source = channel.points.find(({ kind, id }) => kind === address.kind && id === address.id);
  if (source === undefined) {
    return void report(`${address.kind}:${address.id}`, `a point of channel ${channel.id} (${channel.name})`);
  }
  const why = misfit(point, source);
  if (why !== undefined) return void report(`${mapping.point} (${source.name})`, why);
  const { scale = 1, offset = 0, reverse = false } = mapping;
  if (isState(point.kind) || point.text) {
    if (mapping.scale !== undefined || mapping.offset !== undefined) {
      return void report('scale or offset', 'them only for numbers (T and A)');
    }
    if (reverse && point.text) return void report('reverse', 'it only for states (S and C)');
    return { ...address, scale: reverse ? -1 : 1, offset: reverse ? 1 : 0 };
  }
  if (mapping.reverse !== undefined) return void report('reverse', 'it only for states (S and C)');
  if (scale === 0 || !Number.isFinite(scale) || !Number.isFinite(offset)) {
    return void report(`scale ${scale}, offset ${offset}`, 'finite numbers, and a scale other than 0');
  }
  return { ...address, scale, offset };
}

/** What may stand there instead; undefined when the channel's point fits the model's. */
function misfit(point: ModelPoint, source: PointDefinition): string | undefined {
  const { kind, text } = point;
  if (text !== (source.dataType === 'string')) return text ? 'a point of type string' : 'a point that is no string';
  if (kind === 'C' || kind === 'A') return source.kind === kind ? undefined : `a point of kind ${kind}`;
  // What a device was told is a measurement too, for those who only look.
  if (isState(kind) !== isState(source.kind))
    return isState(kind) ? 'a point of kind S or C' : 'a point of kind T or A';
  return undefined;
}
