import Type, { type Static, type TSchema } from 'typebox';
import { tryOut } from './check.js';
import type { EachTerm, ModelOrigin, ParameterDefinition, PointTemplate, Template } from './template.js';

/**
 * SunSpec information models in the JSON encoding of the SunSpec Device Information Model Specification (the form of
 * github.com/sunspec/models, json/model_<id>.json). Keys that say nothing about points are ignored.
 */
const Symbol_ = Type.Object({
  name: Type.String({ minLength: 1 }),
  value: Type.Number(),
  label: Type.Optional(Type.String()),
});

const Point = Type.Object({
  name: Type.String({ minLength: 1 }),
  type: Type.String({ minLength: 1 }),
  access: Type.Optional(Type.String({ enum: ['R', 'RW', 'r', 'rw'] })),
  units: Type.Optional(Type.String()),
  label: Type.Optional(Type.String()),
  desc: Type.Optional(Type.String()),
  symbols: Type.Optional(Type.Array(Symbol_)),
});
type SunSpecPoint = Static<typeof Point>;

export interface SunSpecGroup {
  readonly name: string;
  readonly label?: string;
  readonly desc?: string;
  /** How often it comes: a number, or the name of the point that says it; 0: as often as the model's length gives. */
  readonly count?: number | string;
  readonly points?: readonly SunSpecPoint[];
  readonly groups?: readonly SunSpecGroup[];
}

const text = { type: 'string' } as const;
const group = {
  type: 'object',
  properties: {
    name: { ...text, minLength: 1 },
    label: text,
    desc: text,
    count: { type: ['number', 'string'] },
    points: { type: 'array', items: Point as TSchema },
    groups: { type: 'array', items: { $ref: '#/$defs/group' } },
  },
  required: ['name'],
} as const;

export interface SunSpecFile {
  readonly id: number;
  readonly group: SunSpecGroup;
}
export const SunSpecFileSchema = Type.Unsafe<SunSpecFile>({
  type: 'object',
  properties: { id: { type: 'integer', minimum: 1, maximum: 65535 }, group: { $ref: '#/$defs/group' } },
  required: ['id', 'group'],
  $defs: { group },
});

/** Whether a file is meant as a SunSpec model. */
export function isSunSpec(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'group' in value;
}

/** Types that carry no value of their own: scale factors belong to the channel, which applies them. */
const LEFT_OUT = new Set(['sunssf', 'pad']);
/** Header of every model: its number and length. */
const HEADER = new Set(['ID', 'L']);
const TEXTS = new Set(['string', 'ipaddr', 'ipv6addr', 'eui48']);

/**
 * A SunSpec model as a template `sunspec_<id>`. Points keep their SunSpec names; those of a group within the model begin
 * with the group's name, and with a number from 1 when it is repeated: `module_2_DCA`. Numbers are telemetry (T), or
 * adjustments (A) when they can be written; each bit of a bit field that has a name is a signal (S), or a control (C)
 * when it can be written. How often a group comes is a parameter `<group>_count` unless the model fixes it.
 */
export function templateOfSunSpec({ id, group }: SunSpecFile, origin: ModelOrigin): Template | undefined {
  const parameters: ParameterDefinition[] = [];
  const points: PointTemplate[] = [];
  const add = (part: SunSpecGroup, prefix: string, each: Readonly<Record<string, EachTerm>>): void => {
    for (const point of part.points ?? []) points.push(...pointsOf(id, point, prefix, each));
    for (const inner of part.groups ?? []) {
      const { name, count = 1 } = inner;
      if (count === 1) {
        add(inner, `${prefix}${name}_`, each);
        continue;
      }
      const variable = `${name}_n`;
      let times: EachTerm = count;
      if (typeof count === 'string' || count === 0) {
        const parameter = countParameter(inner);
        if (!parameters.some((known) => known.name === parameter.name)) parameters.push(parameter);
        times = `\${${parameter.name}}`;
      }
      add(inner, `${prefix}${name}_\${${variable}}_`, { ...each, [variable]: times });
    }
  };
  add(group, '', {});
  if (points.length === 0) {
    origin.report('group', `a model without points`, 'at least one point beside its header');
    return undefined;
  }
  const template: Template = {
    id: `sunspec_${id}`,
    name: group.label ?? group.name,
    description: group.desc ?? '',
    product: group.name,
    standard: `SunSpec model ${id}`,
    parameters,
    points,
  };
  // Its points are not where the template's are, so a fault is told for the model as a whole.
  const whole: ModelOrigin = {
    at: () => whole,
    report: (_field, found, allowed) => origin.report('group', found, allowed),
  };
  return tryOut(template, whole) ? template : undefined;
}

function countParameter({ name, count }: SunSpecGroup): ParameterDefinition {
  const told = typeof count === 'string' ? `, as the device says in ${count}` : '';
  return {
    name: `${name}_count`,
    type: 'number',
    unit: '',
    description: `how many groups ${name} there are${told}`,
    default: 1,
    min: 0,
    max: 1000,
  };
}

function pointsOf(
  model: number,
  point: SunSpecPoint,
  prefix: string,
  each: Readonly<Record<string, EachTerm>>,
): PointTemplate[] {
  const { name, type, access = 'R', units = '', label = name, desc = '', symbols = [] } = point;
  if (LEFT_OUT.has(type) || HEADER.has(name)) return [];
  const writable = access.toUpperCase() === 'RW';
  const numbers = Object.keys(each).map((variable) => ` \${${variable}}`);
  const common = { unit: units, each, sunspec: `${model}.${name}` };
  if (type.startsWith('bitfield') && symbols.length > 0) {
    return symbols.map((bit) => ({
      ...common,
      name: `${prefix}${name}_${bit.name}`,
      kind: writable ? 'C' : 'S',
      title: `${label}${numbers.join('')}: ${bit.label ?? bit.name}`,
      description: desc,
      unit: '',
      text: false,
      sunspec: `${model}.${name} bit ${bit.value}`,
    }));
  }
  return [
    {
      ...common,
      name: prefix + name,
      kind: writable ? 'A' : 'T',
      title: label + numbers.join(''),
      description: desc,
      text: TEXTS.has(type),
      ...(symbols.length === 0
        ? {}
        : { symbols: Object.fromEntries(symbols.map((one) => [String(one.value), one.label ?? one.name])) }),
    },
  ];
}
