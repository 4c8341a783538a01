import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { Check } from 'typebox/schema';
import { choices, nearest, show, type Problems } from './problems.js';
import type { ChannelFile } from './schema/channel.js';
import { SiteFileSchema, type SiteFile } from './schema/site.js';
import { formatPath, type KeyPath, type YamlSource } from './yaml-source.js';
import { SELDOM_USED, validator, type Validator } from '../validator.js';

const isSiteFile = validator(() =>
  new Ajv2020({ ...SELDOM_USED, allErrors: true, verbose: true, strict: false, strictNumbers: true }).compile<SiteFile>(
    SiteFileSchema,
  ),
);

/**
 * Characters of a site file up to which it is quicker to interpret the schema than to compile it, which takes half a second
 * of every start. What is wrong is told by the compiled one in any case.
 */
const SMALL = 32_768;

/** Whether a value is a site file, without what is wrong. Slow for a large one. */
export function looksRight(value: unknown): value is SiteFile {
  return Check(SiteFileSchema, value);
}

/** What of a site file can be used. */
export interface CheckedSite {
  /** Only the keys whose values have the right shape. */
  readonly file: Partial<SiteFile>;
  /** In the order of the file; undefined for those with a fault. */
  readonly channels: readonly (ChannelFile | undefined)[];
}

/** Checks the shape of a site file; every deviation is noted where it is written. Undefined: it is no site at all. */
export function checkSiteFile(yaml: YamlSource, problems: Problems): CheckedSite | undefined {
  const { value } = yaml;
  if ((yaml.size <= SMALL && looksRight(value)) || isSiteFile(value)) return { file: value, channels: value.channels };
  const told = new Set<string>();
  const faulty = new Set<string>();
  for (const error of isSiteFile.errors ?? []) {
    report(error, yaml, problems, told);
    faulty.add(error.instancePath.split('/').slice(1, 3).join('/'));
  }
  if (typeof value !== 'object' || value === null || faulty.has('channels')) return undefined;
  const { channels = [] } = value as { channels?: ChannelFile[] };
  const keys = Object.entries(value).filter(([key]) => ![...faulty].some((path) => path.split('/')[0] === key));
  return {
    file: Object.fromEntries(keys),
    channels: channels.map((channel, index) => (faulty.has(`channels/${index}`) ? undefined : channel)),
  };
}

/** Checks a whole file by a schema; every deviation is noted where it is written. Undefined when there is one. */
export function checkFile<T>(validate: Validator<T>, yaml: YamlSource, problems: Problems): T | undefined {
  const { value } = yaml;
  if (validate(value)) return value;
  const told = new Set<string>();
  for (const error of validate.errors ?? []) report(error, yaml, problems, told);
  return undefined;
}

interface JsonSchema {
  type?: string | string[];
  enum?: readonly (string | number)[];
  properties?: Record<string, JsonSchema>;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  minLength?: number;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
}

function report(error: ErrorObject, yaml: YamlSource, problems: Problems, told: Set<string>): void {
  if (error.keyword === 'if') return; // says only that the branch failed; its own errors are there too
  const path = toPath(error.instancePath, yaml.value);
  const schema = error.parentSchema as JsonSchema;
  if (error.keyword === 'additionalProperties') {
    const key = (error.params as { additionalProperty: string }).additionalProperty;
    const known = Object.keys(schema.properties ?? {});
    const near = nearest(key, known);
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    const full = [...path, key];
    const why = `unknown key, allowed ${choices(known)}${hint}`;
    if (!isNew(told, `${formatPath(full)}?`)) return;
    problems.add(yaml.place(full, true), formatPath(full), show(key), choices(known), why);
  } else if (error.keyword === 'required') {
    const key = (error.params as { missingProperty: string }).missingProperty;
    const full = formatPath([...path, key]);
    if (!isNew(told, full)) return;
    const allowed = describe(propertySchema(error, key));
    problems.add(yaml.place(path), full, 'nothing', allowed, `missing, allowed ${allowed}`);
  } else if (isNew(told, formatPath(path))) {
    const allowed = describe(schema);
    const near = typeof error.data === 'string' ? nearest(error.data, (schema.enum ?? []).map(String)) : undefined;
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    const why = `found ${show(error.data)}, allowed ${allowed}${hint}`;
    problems.add(yaml.place(path), formatPath(path), show(error.data), allowed, why);
  }
}

/** Once per place: a value of the wrong type also breaks the other rules for it. */
function isNew(told: Set<string>, path: string): boolean {
  if (told.has(path)) return false;
  told.add(path);
  return true;
}

/** The schema of a missing key. */
function propertySchema(error: ErrorObject, key: string): JsonSchema {
  const schema = error.parentSchema as JsonSchema;
  return schema.properties?.[key] ?? {};
}

function describe(schema: JsonSchema): string {
  if (schema.enum !== undefined) return choices(schema.enum);
  const { type, minimum, maximum, exclusiveMinimum } = schema;
  const range =
    minimum !== undefined && maximum !== undefined
      ? ` from ${minimum} to ${maximum}`
      : minimum !== undefined
        ? ` from ${minimum}`
        : exclusiveMinimum !== undefined
          ? ` greater than ${exclusiveMinimum}${maximum === undefined ? '' : ` up to ${maximum}`}`
          : '';
  if (Array.isArray(type)) {
    if (type.includes('integer'))
      return maximum === 65_535 ? 'a port number or the name of a serial port' : 'a whole number or text';
    return choices(type.map((one) => describe({ ...schema, type: one })));
  }
  if (type === 'integer') return `a whole number${range}`;
  if (type === 'number') return `a number${range}`;
  if (type === 'boolean') return 'true or false';
  if (type === 'string' && schema.pattern !== undefined) return `text like ${schema.pattern}`;
  if (type === 'string') return schema.minLength === undefined ? 'text' : 'text that is not empty';
  if (type === 'array') return schema.maxItems === undefined ? 'a list' : `a list of ${schema.maxItems} numbers`;
  if (type === 'object') return `keys: ${choices(Object.keys(schema.properties ?? {}))}`;
  return 'a value';
}

/** A JSON pointer (RFC 6901) as a path; steps into lists become numbers. */
function toPath(pointer: string, root: unknown): KeyPath {
  const path: (string | number)[] = [];
  let value = root;
  for (const escaped of pointer.split('/').slice(1)) {
    const step = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(value) ? Number(step) : step);
    value = (value as Record<string, unknown>)[step];
  }
  return path;
}
