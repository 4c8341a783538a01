import type { ErrorObject, ValidateFunction } from 'ajv';

/** Says whether a value is as its schema wants it, as a function of Ajv does. */
export interface Validator<T = unknown> {
  (value: unknown): value is T;
  /** What is wrong with the value that was checked last. */
  errors?: ErrorObject[] | null;
}

/**
 * Compiles a schema when the first value comes: that takes milliseconds, and the product knows hundreds of schemas, of
 * which one run uses few.
 */
export function validator<T>(compile: () => ValidateFunction<T>): Validator<T> {
  let compiled: ValidateFunction<T> | undefined;
  const validate: Validator<T> = (value): value is T => {
    compiled ??= compile();
    const isValid = compiled(value);
    validate.errors = compiled.errors ?? null;
    return isValid;
  };
  return validate;
}

/**
 * Options of an Ajv for schemas that the product itself brings. They are right, the tests see to that, and to compile the
 * meta-schemas takes longer than to compile most of them.
 */
export const OWN_SCHEMAS = { validateSchema: false } as const;

/** Of an Ajv that checks few values in a run: what it would save at each costs more than it saves, at compiling. */
export const SELDOM_USED = { ...OWN_SCHEMAS, code: { optimize: false } } as const;
