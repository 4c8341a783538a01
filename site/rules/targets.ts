import { show } from '../config/problems.js';
import { compileExpression, ExpressionError, type PointScope } from '../expressions/index.js';
import { holdsValue } from '../held-points.js';
import type { ChannelConfig } from '../model.js';
import { isWritable, type Model } from '../models/model.js';
import type { ModelOrigin as Origin } from '../models/template.js';
import { formatModelAddress, type ModelAddress } from '../models/address.js';
import { formatPointAddress, isState, parsePointAddress, type PointDefinition, type PointKind } from '../points.js';
import type { ActionDefinition } from './definition.js';

/** What a rule is built for. */
export interface RuleSite {
  readonly points: PointScope;
  readonly channels: readonly ChannelConfig[];
  readonly models: readonly Model[];
  /** There may be models that nobody knows here: those of callers. */
  readonly otherModels: boolean;
  /** One of them that is known all the same. */
  readonly otherModel?: (id: string) => Model | undefined;
}

/** The address of a control or adjustment point that can take the value. */
export function readTarget(written: string, value: number, site: RuleSite, origin: Origin): string | undefined {
  const ofModel = site.points.model?.(written);
  if (ofModel !== undefined) return readModelTarget(ofModel, value, site, origin);
  const found = findPoint(written, site, origin);
  if (found === undefined) return undefined;
  const { point, address } = found;
  if ((point.kind !== 'C' && point.kind !== 'A') || point.dataType === 'string') {
    origin.report('point', `${show(written)}, a point of kind ${point.kind}`, 'a number of kind C or A');
    return undefined;
  }
  return takes(point, value, origin) ? address : undefined;
}

type SetDefinition = Pick<Extract<ActionDefinition, { type: 'set' }>, 'point' | 'model' | 'value'>;

/** What is set, its point as an address unless it is one of a model. */
export function readSet(action: SetDefinition, site: RuleSite, origin: Origin): SetDefinition | undefined {
  if (action.model !== undefined) return readModelSet(action, action.model, site, origin);
  const ofModel = site.points.model?.(action.point);
  if (ofModel !== undefined) return readModelSet({ ...action, point: ofModel.point }, ofModel.model, site, origin);
  const found = findPoint(action.point, site, origin);
  if (found === undefined) return undefined;
  const { channel, point, address } = found;
  if (!holdsValue(channel, point) || point.dataType === 'string') {
    const what = channel.protocol === 'virtual' ? 'which something else feeds, or whose value is text' : 'of a device';
    origin.report('point', `${show(action.point)}, ${what}`, 'a number of a virtual channel that nothing feeds');
    return undefined;
  }
  return fits(action.value, point, site, origin) ? { point: address, value: action.value } : undefined;
}

/** Whether it is a virtual channel of the site. */
export function isSimulation(id: number, { channels }: RuleSite, origin: Origin): boolean {
  const channel = channels.find((each) => each.id === id);
  if (channel?.protocol === 'virtual') return true;
  const virtual = channels.filter(({ protocol }) => protocol === 'virtual').map((each) => each.id);
  const found = channel === undefined ? `${id}, which is no channel` : `${id}, whose protocol is ${channel.protocol}`;
  const shown = virtual.slice(0, 10).join(', ');
  origin.report('channel', found, virtual.length === 0 ? 'a virtual channel' : `a virtual channel: ${shown}`);
  return false;
}

/** As an address; a point of a model that nobody knows here is checked when it is written. */
function readModelTarget(address: ModelAddress, value: number, site: RuleSite, origin: Origin): string | undefined {
  const text = formatModelAddress(address);
  const model = findModel(address.model, site);
  if (model === undefined) {
    if (site.otherModels) return text;
    return void origin.report('point', `${show(text)}, whose model is none of the site file`, 'a model of it');
  }
  const point = model.points.find(({ name }) => name === address.point);
  if (point === undefined || point.text || (point.kind !== 'C' && point.kind !== 'A')) {
    const what =
      point === undefined ? 'which is no point' : `a point of kind ${point.kind}${point.text ? ' with text' : ''}`;
    return void origin.report('point', `${show(text)}, ${what}`, 'a number of kind C or A');
  }
  return takes(point, value, origin) ? text : undefined;
}

function findModel(id: string, { models, otherModel }: RuleSite): Model | undefined {
  return models.find(({ definition }) => definition.id === id) ?? otherModel?.(id);
}

function readModelSet(
  { point: name, value }: SetDefinition,
  model: string,
  site: RuleSite,
  origin: Origin,
): SetDefinition | undefined {
  const known = findModel(model, site);
  if (known === undefined) {
    if (!site.otherModels) {
      origin.report('model', `${show(model)}, which is no model of the site file`, 'the id of one of them');
      return undefined;
    }
    // What cannot be known here is checked when the action is taken.
    return typeof value === 'number' || readsNow(value, 'number', site, origin)
      ? { model, point: name, value }
      : undefined;
  }
  const point = known.points.find((each) => each.name === name);
  if (point === undefined || point.text || !isWritable(point)) {
    const what = point === undefined ? 'which is no point of it' : 'which cannot be set to a number';
    origin.report('point', `${show(name)}, ${what}`, `a point of ${model} that can be written`);
    return undefined;
  }
  return fits(value, point, site, origin) ? { model, point: name, value } : undefined;
}

interface Found {
  readonly channel: ChannelConfig;
  readonly point: PointDefinition;
  readonly address: string;
}
function findPoint(written: string, { points, channels }: RuleSite, origin: Origin): Found | undefined {
  const address = points.alias(written) ?? parsePointAddress(written);
  const channel = channels.find(({ id }) => id === address?.channel);
  const point = channel?.points.find(({ kind, id }) => kind === address?.kind && id === address.id);
  if (address !== undefined && channel !== undefined && point !== undefined) {
    return { channel, point, address: formatPointAddress(address) };
  }
  origin.report('point', `${show(written)}, which is no point`, points.allowed(written));
  return undefined;
}

interface Limits {
  readonly kind: PointKind;
  readonly min?: number;
  readonly max?: number;
}

function fits(value: number | string, point: Limits, site: RuleSite, origin: Origin): boolean {
  if (typeof value === 'number') return takes(point, value, origin);
  return readsNow(value, isState(point.kind) ? 'condition' : 'number', site, origin);
}

function takes({ kind, min = -Infinity, max = Infinity }: Limits, value: number, origin: Origin): boolean {
  const right = isState(kind) ? value === 0 || value === 1 : value >= min && value <= max;
  if (!right) origin.report('value', String(value), isState(kind) ? '0 or 1' : `${min} to ${max}`);
  return right;
}

/** Whether a value is an expression that needs nothing but what is known at the moment. */
function readsNow(value: string, result: 'condition' | 'number', { points }: RuleSite, origin: Origin): boolean {
  let past: readonly string[] = [];
  const right = tryCompile(() => ({ past } = compileExpression(value, { points, result })), origin, 'value');
  if (!right || past.length === 0) return right;
  origin.report('value', past.join(', '), 'what is known at the moment, without a look at the past');
  return false;
}

/** Whether it compiles; if not, the origin hears why and where. */
export function tryCompile(compile: () => unknown, origin: Origin, field: string): boolean {
  try {
    compile();
    return true;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const { line, column, found, allowed } = error;
    origin.report(field, found, allowed, `at ${line}:${column} of it, found ${found}, allowed ${allowed}`);
    return false;
  }
}
