import { Ajv, type AnySchema, type ErrorObject } from 'ajv';
import type { FastifySchemaCompiler, FastifySchemaValidationError } from 'fastify';
import type { TSchema } from 'typebox';
import { StatewattError } from '../../errors/error.js';
import { OWN_SCHEMAS, validator } from '../../site/validator.js';

/** One place of a request that is wrong: where, what was found, what is allowed. */
export interface RequestProblem {
  path: string;
  found: string;
  allowed: string;
}

const shared = {
  ...OWN_SCHEMAS,
  allErrors: true,
  verbose: true,
  useDefaults: true,
  strict: true,
  allowUnionTypes: true,
} as const;
/**
 * Bodies say their types in JSON; the other parts of a request are text, so numbers are read from it. With strictNumbers
 * Ajv would skip the bounds of a number that it read as Infinity.
 */
const bodies = new Ajv(shared);
const texts = new Ajv({ ...shared, coerceTypes: true, strictNumbers: false });
for (const ajv of [bodies, texts]) ajv.addKeyword('example');

/** Compiles a route's request schemas, once, when the first request comes. */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) =>
  validator(() => (httpPart === 'body' ? bodies : texts).compile(schema as AnySchema));

/**
 * All that validation found wrong, in one error.
 * @param part Fastify's name of the part of the request: body, querystring, params or headers.
 */
export function invalidRequest(validation: readonly FastifySchemaValidationError[], part: string): StatewattError {
  return requestError('http.invalid_request', validation, part === 'querystring' ? 'query' : part);
}

/**
 * All that Ajv found wrong, in one error.
 * @param name what was checked; every path begins with it.
 */
export function requestError(
  code: string,
  validation: readonly FastifySchemaValidationError[],
  name: string,
): StatewattError {
  const problems = new Map<string, RequestProblem>();
  for (const error of validation as readonly ErrorObject[]) {
    const problem = toProblem(name, error);
    // A union fails in each of its branches and then as a whole; the whole, last, says all that is allowed.
    if (!problems.has(problem.path) || error.keyword === 'anyOf') problems.set(problem.path, problem);
  }
  const errors = [...problems.values()];
  const text = errors.map(({ path, found, allowed }) => `${path}: found ${found}, allowed: ${allowed}`).join('; ');
  return new StatewattError(code, 'invalid', `The request is not valid. ${text}.`, { details: { errors } });
}

function toProblem(part: string, error: ErrorObject): RequestProblem {
  const path = part + error.instancePath.replaceAll('/', '.');
  const schema = (error.parentSchema ?? {}) as JsonSchema;
  const params = error.params as { missingProperty?: string; additionalProperty?: string };
  if (params.missingProperty !== undefined) {
    const missing = schema.properties?.[params.missingProperty] ?? {};
    return { path: `${path}.${params.missingProperty}`, found: 'nothing', allowed: describe(missing) };
  }
  if (params.additionalProperty !== undefined) {
    const value = (error.data as Record<string, unknown>)[params.additionalProperty];
    const names = Object.keys(schema.properties ?? {}).join(', ');
    return {
      path: `${path}.${params.additionalProperty}`,
      found: show(value),
      allowed: names === '' ? 'no fields' : `only the names ${names}`,
    };
  }
  return { path, found: show(error.data), allowed: describe(schema) };
}

interface JsonSchema {
  type?: string;
  enum?: readonly unknown[];
  anyOf?: readonly JsonSchema[];
  properties?: Record<string, JsonSchema>;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
}

/** What a schema allows, in words: `integer from 1 to 10000`, `one of T, S, C, A`. */
function describe(schema: JsonSchema): string {
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (schema.anyOf !== undefined) return schema.anyOf.map(describe).join(' or ');
  const type = schema.type ?? 'any value';
  if (type === 'string')
    return `string${range(schema.minLength, schema.maxLength)}${schema.minLength ? ' characters' : ''}`;
  const names = Object.keys(schema.properties ?? {});
  if (type === 'object') return names.length === 0 ? 'empty object' : `object with ${names.join(', ')}`;
  return type + range(schema.minimum, schema.maximum);
}

function range(min: number | undefined, max: number | undefined): string {
  if (min === undefined) return max === undefined ? '' : ` up to ${max}`;
  return max === undefined ? ` of at least ${min}` : ` from ${min} to ${max}`;
}

const MAX_SHOWN = 100;

/** What is nested too deeply to be written is named by its type. */
function textOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) return Array.isArray(value) ? 'a deeply nested array' : 'a deeply nested object';
    throw error;
  }
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'number') return String(value);
  const text = textOf(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
