import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { choices, nearest, show, type Problems } from './problems.js';
import { SiteFileSchema, type SiteFile } from './schema/site.js';
import { formatPath, type KeyPath, type YamlSource } from './yaml-source.js';

let compiled: ValidateFunction<SiteFile> | undefined;

/** Whether the file has the shape of a site; every deviation is noted where it is written. */
export function isSiteFile(yaml: YamlSource, problems: Problems): SiteFile | undefined {
  compiled ??= new Ajv2020({ allErrors: true, verbose: true, strict: false }).compile<SiteFile>(SiteFileSchema);
  const { value } = yaml;
  if (compiled(value)) return value;
  const told = new Set<string>();
  for (const error of compiled.errors ?? []) report(error, yaml, problems, told);
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
    problems.add(yaml.place(path), formatPath(path), show(error.data), describe(schema));
  }
}

/** Once per place: a value of the wrong type also breaks the other rules for it. */
function isNew(told: Set<string>, path: string): boolean {
  if (told.has(path)) return false;
  told.add(path);
  return true;
}

/** The schema of a missing key; for the tag of a branch it stands beside the branches, not in the failing schema. */
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
  if (Array.isArray(type)) return 'a port number or the name of a serial port';
  if (type === 'integer') return `a whole number${range}`;
  if (type === 'number') return `a number${range}`;
  if (type === 'boolean') return 'true or false';
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
