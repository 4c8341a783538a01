import Type, { type Static } from 'typebox';
import { closed, words } from '../config/schema/helpers.js';
import { POINT_KINDS } from '../points.js';

export const MODEL_ID = '^[A-Za-z0-9_-]{1,64}$';
const PARAMETER_NAME = '^[A-Za-z][A-Za-z0-9_]{0,63}$';

const modelId = (description: string, examples?: string[]) =>
  Type.String({ pattern: MODEL_ID, description: `${description}: 1 to 64 of A-Z a-z 0-9 _ -`, examples });
const parameterName = (description: string) =>
  Type.String({ pattern: PARAMETER_NAME, description: `${description}: a letter, then letters, digits and _` });

/** The value of a parameter: a number, a text, true or false. */
export const ParameterValueSchema = Type.Unsafe<number | string | boolean>({ type: ['number', 'string', 'boolean'] });
const numberTerm = (description: string) =>
  Type.Optional(
    Type.Unsafe<number | string>({
      type: ['number', 'string'],
      description: `${description}: a number or \${parameter}`,
    }),
  );

const Parameter = closed({
  name: parameterName('what it is called'),
  type: Type.Optional(words(['number', 'text', 'boolean'], { default: 'number' })),
  unit: Type.Optional(Type.String()),
  description: Type.Optional(Type.String()),
  default: Type.Optional(ParameterValueSchema),
  min: Type.Optional(Type.Number()),
  max: Type.Optional(Type.Number()),
  choices: Type.Optional(Type.Array(Type.String(), { description: 'texts that are allowed' })),
});

const PointFile = closed({
  name: Type.String({ minLength: 1, description: 'unique in the template; may hold ${variable}' }),
  kind: Type.Optional(
    words(POINT_KINDS, { default: 'T', description: 'T telemetry, S signal, C control, A adjustment' }),
  ),
  title: Type.Optional(Type.String({ description: 'for people; default: the name' })),
  unit: Type.Optional(Type.String({ examples: ['kW'] })),
  description: Type.Optional(Type.String()),
  text: Type.Optional(Type.Boolean({ default: false, description: 'the value is text' })),
  each: Type.Optional(
    Type.Record(
      Type.String({ pattern: PARAMETER_NAME }),
      Type.Unsafe<number | string | (string | number)[]>({
        type: ['number', 'string', 'array'],
        items: { type: ['number', 'string'] },
      }),
      { description: 'one point for each value of the variable: a list, or a number for 1 … n' },
    ),
  ),
  when: Type.Optional(Type.String({ minLength: 1, description: 'a boolean parameter, or !parameter' })),
  min: numberTerm('least value; a write below it is refused'),
  max: numberTerm('greatest value; a write above it is refused'),
  symbols: Type.Optional(
    Type.Record(Type.String({ pattern: '^-?[0-9]+$' }), Type.String(), { description: 'what the numbers mean' }),
  ),
  iec61850: Type.Optional(Type.String({ description: 'data attribute, as MMXU.TotW.mag' })),
  sunspec: Type.Optional(Type.String({ description: 'model.point, as 203.W' })),
  expression: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'T and S: how it is computed from other points of the model, where it is not mapped',
      examples: ['active_power / apparent_power'],
    }),
  ),
});

/** A template file as written. */
export const TemplateFileSchema = closed({
  id: modelId('names the template', ['three_phase_meter']),
  name: Type.String({ minLength: 1 }),
  description: Type.Optional(Type.String()),
  product: Type.Optional(Type.String({ minLength: 1, description: 'the sort of product; default: the id' })),
  standard: Type.Optional(Type.String({ description: 'where the points come from' })),
  parameters: Type.Optional(Type.Array(Parameter)),
  points: Type.Array(PointFile, { minItems: 1 }),
});
export type TemplateFile = Static<typeof TemplateFileSchema>;

/** A mapping as written: the point's address, or an object with it. */
export const MappingFileSchema = Type.Unsafe<
  string | { point: string; scale?: number; offset?: number; reverse?: boolean }
>({
  type: ['string', 'object'],
  properties: {
    point: { type: 'string', description: 'comsrv:<channel>:<kind>:<id>' },
    scale: { type: 'number', description: 'T and A: value = channel value · scale + offset' },
    offset: { type: 'number' },
    reverse: { type: 'boolean', description: 'S and C: the state is inverted' },
  },
  required: ['point'],
  additionalProperties: false,
});

const mappings = Type.Record(Type.String(), MappingFileSchema, {
  description: 'point of the model → point of a channel, as voltage_l1: 1003:T:1',
});

/** A model in the site file. */
export const ModelFileSchema = closed({
  id: modelId('unique within the site', ['grid_meter']),
  name: Type.Optional(Type.String({ minLength: 1, description: 'default: the id' })),
  template: Type.String({ minLength: 1, description: 'id of a template', examples: ['meter_three_phase'] }),
  parameters: Type.Optional(Type.Record(Type.String(), ParameterValueSchema)),
  parent: Type.Optional(modelId('the model that it is part of')),
  points: Type.Optional(mappings),
});
export type ModelFile = Static<typeof ModelFileSchema>;
export type MappingFile = Static<typeof MappingFileSchema>;
