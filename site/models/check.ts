import { show } from '../config/problems.js';
import { expandPoints } from './expand.js';
import { describeParameter, isAllowed } from './parameters.js';
import type { TemplateFile } from './schema.js';
import type { ModelOrigin, ParameterDefinition, ParameterValue, Template } from './template.js';

/**
 * Makes a template of a file that has the right shape. Its parameters are checked, and its points are expanded once with
 * all conditions on and once with all off; what is wrong is reported at `origin`. Undefined then.
 */
export function checkTemplate(file: TemplateFile, origin: ModelOrigin): Template | undefined {
  const parameters = (file.parameters ?? []).map(toParameter);
  const template: Template = {
    id: file.id,
    name: file.name,
    description: file.description ?? '',
    product: file.product ?? file.id,
    standard: file.standard ?? '',
    parameters,
    points: file.points.map(({ name, title = name, kind = 'T', unit = '', description = '', ...rest }) => ({
      name,
      title,
      kind,
      unit,
      description,
      text: rest.text ?? false,
      each: rest.each ?? {},
      ...(rest.when === undefined ? {} : { when: rest.when }),
      ...(rest.min === undefined ? {} : { min: rest.min }),
      ...(rest.max === undefined ? {} : { max: rest.max }),
      ...(rest.symbols === undefined ? {} : { symbols: rest.symbols }),
      ...(rest.iec61850 === undefined ? {} : { iec61850: rest.iec61850 }),
      ...(rest.sunspec === undefined ? {} : { sunspec: rest.sunspec }),
      ...(rest.expression === undefined ? {} : { expression: rest.expression }),
    })),
  };
  const sound = checkParameters(parameters, origin) && tryOut(template, origin);
  return sound ? template : undefined;
}

/** Whether a template's points can be made, with all its conditions on and with all off. */
export function tryOut(template: Template, origin: ModelOrigin): boolean {
  return [true, false].every((on) => expandPoints(template, sample(template.parameters, on), origin) !== undefined);
}

function toParameter(file: NonNullable<TemplateFile['parameters']>[number]): ParameterDefinition {
  const { type = 'number', unit = '', description = '', ...rest } = file;
  return {
    name: rest.name,
    type,
    unit,
    description,
    ...(rest.default === undefined ? {} : { default: rest.default }),
    ...(rest.min === undefined ? {} : { min: rest.min }),
    ...(rest.max === undefined ? {} : { max: rest.max }),
    ...(rest.choices === undefined ? {} : { choices: rest.choices }),
  };
}

function checkParameters(parameters: readonly ParameterDefinition[], origin: ModelOrigin): boolean {
  const names = new Set<string>();
  let sound = true;
  for (const [index, parameter] of parameters.entries()) {
    const at = origin.at('parameters', index);
    if (names.has(parameter.name)) {
      at.report('name', `${show(parameter.name)}, which another parameter has too`, 'each name once');
      sound = false;
    }
    names.add(parameter.name);
    if (parameter.default !== undefined && !isAllowed(parameter, parameter.default)) {
      at.report('default', show(parameter.default), describeParameter(parameter));
      sound = false;
    }
  }
  return sound;
}

/** Some values that the parameters may have. */
function sample(parameters: readonly ParameterDefinition[], on: boolean): Record<string, ParameterValue> {
  return Object.fromEntries(
    parameters.map(({ name, type, default: standard, min, max, choices }) => {
      if (type === 'boolean') return [name, on];
      return [name, standard ?? (type === 'text' ? (choices?.[0] ?? 'text') : (min ?? max ?? 1))];
    }),
  );
}
