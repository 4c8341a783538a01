import { choices, nearest, show } from '../config/problems.js';
import type { ModelOrigin, ParameterDefinition, ParameterValue } from './template.js';

type Values = Readonly<Record<string, ParameterValue>>;

/**
 * The parameters of a model: those given, checked, and the defaults of the others. What is wrong is reported at `origin`,
 * field by field; undefined then.
 */
export function readParameters(
  definitions: readonly ParameterDefinition[],
  given: Values,
  origin: ModelOrigin,
): Values | undefined {
  const names = definitions.map(({ name }) => name);
  const values: Record<string, ParameterValue> = {};
  let sound = true;
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    const near = nearest(name, names);
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    const allowed = names.length === 0 ? 'no parameters' : choices(names);
    origin.report(name, show(name), allowed, `unknown parameter, allowed ${allowed}${hint}`);
    sound = false;
  }
  for (const definition of definitions) {
    const { name } = definition;
    const value = Object.hasOwn(given, name) ? given[name] : definition.default;
    const allowed = describeParameter(definition);
    if (value === undefined) {
      origin.report(name, 'nothing', allowed, `missing, allowed ${allowed}`);
      sound = false;
    } else if (!isAllowed(definition, value)) {
      origin.report(name, show(value), allowed);
      sound = false;
    } else {
      values[name] = value;
    }
  }
  return sound ? values : undefined;
}

/** Whether a value may be that of the parameter. */
export function isAllowed(definition: ParameterDefinition, value: ParameterValue): boolean {
  const { min = -Infinity, max = Infinity } = definition;
  switch (definition.type) {
    case 'boolean':
      return typeof value === 'boolean';
    case 'text':
      return typeof value === 'string' && (definition.choices?.includes(value) ?? true);
    case 'number':
      return typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max;
  }
}

/** What a parameter may be, in words. */
export function describeParameter({ type, unit, min, max, choices: texts }: ParameterDefinition): string {
  if (type === 'boolean') return 'true or false';
  if (type === 'text') return texts === undefined ? 'text' : choices(texts);
  const range =
    min !== undefined && max !== undefined
      ? ` from ${min} to ${max}`
      : min !== undefined
        ? ` from ${min}`
        : max === undefined
          ? ''
          : ` up to ${max}`;
  return `a number${range}${unit === '' ? '' : ` ${unit}`}`;
}
