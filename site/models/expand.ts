import { choices, show } from '../config/problems.js';
import { formulasOf } from './formulas.js';
import { MAX_MODEL_POINTS, type ModelPoint } from './model.js';
import type { EachTerm, ModelOrigin, NumberTerm, ParameterValue, PointTemplate, Template } from './template.js';

type Values = Readonly<Record<string, ParameterValue>>;

const PLACEHOLDER = /\$\{([^}]*)\}/g;
const TERM = /^(-?)\$\{([A-Za-z][A-Za-z0-9_]*)\}$/;
const POINT_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

/**
 * The points of a model: those of its template with the parameters put in, repeated and left out as it says. What is
 * wrong is reported at `origin`, the template's or the model's; undefined then.
 *
 * @param values every parameter of the template
 */
export function expandPoints(template: Template, values: Values, origin: ModelOrigin): ModelPoint[] | undefined {
  const points: ModelPoint[] = [];
  const origins: ModelOrigin[] = [];
  const names = new Set<string>();
  let sound = true;
  for (const [index, point] of template.points.entries()) {
    const at = origin.at('points', index);
    const expansion = new Expansion(values, at);
    for (const point_ of expansion.pointsOf(point)) {
      if (names.has(point_.name)) {
        at.report('name', `${show(point_.name)}, which another point has too`, 'each name once');
        sound = false;
      }
      names.add(point_.name);
      origins.push(at);
      if (points.push(point_) > MAX_MODEL_POINTS) {
        at.report('each', `more than ${MAX_MODEL_POINTS} points`, `at most ${MAX_MODEL_POINTS} points in a model`);
        return undefined;
      }
    }
    sound &&= expansion.sound;
  }
  sound &&= formulasOf(points, (slot) => origins[slot] as ModelOrigin) !== undefined;
  return sound ? points : undefined;
}

/** Puts the values into one point of a template; remembers whether anything was wrong. */
class Expansion {
  sound = true;
  readonly #values: Values;
  readonly #origin: ModelOrigin;

  constructor(values: Values, origin: ModelOrigin) {
    this.#values = values;
    this.#origin = origin;
  }

  /** None when its condition does not hold. */
  *pointsOf(point: PointTemplate): Generator<ModelPoint> {
    if (point.when !== undefined && !this.#holds(point.when)) return;
    const variables = Object.entries(point.each).map(([name, term]) => [name, this.#each(name, term)] as const);
    for (const scope of combinations(variables, this.#values)) {
      yield this.#pointIn(point, scope);
      if (!this.sound) return; // Told once, not for each repetition.
    }
  }

  #pointIn(point: PointTemplate, scope: Values): ModelPoint {
    const name = this.#text('name', point.name, scope);
    if (!POINT_NAME.test(name)) {
      this.#report('name', show(name), 'a letter, then up to 63 letters, digits and _');
    }
    const optional = <K extends 'iec61850' | 'sunspec' | 'expression'>(field: K) =>
      point[field] === undefined ? {} : { [field]: this.#text(field, point[field], scope) };
    const limit = (field: 'min' | 'max') =>
      point[field] === undefined ? {} : { [field]: this.#number(field, point[field], scope) };
    return {
      name,
      kind: point.kind,
      title: point.title === point.name ? name : this.#text('title', point.title, scope),
      unit: this.#text('unit', point.unit, scope),
      description: this.#text('description', point.description, scope),
      text: point.text,
      ...limit('min'),
      ...limit('max'),
      ...(point.symbols === undefined ? {} : { symbols: point.symbols }),
      ...optional('iec61850'),
      ...optional('sunspec'),
      ...optional('expression'),
    };
  }

  #holds(condition: string): boolean {
    const negated = condition.startsWith('!');
    const value = this.#values[negated ? condition.slice(1) : condition];
    if (typeof value === 'boolean') return value !== negated;
    const booleans = Object.keys(this.#values).filter((name) => typeof this.#values[name] === 'boolean');
    this.#report('when', show(condition), booleans.length === 0 ? 'a boolean parameter' : choices(booleans));
    return false;
  }

  #each(variable: string, term: EachTerm): readonly (string | number)[] {
    if (typeof term === 'object') return term;
    const field = `each.${variable}`;
    const count = this.#number(field, term, this.#values);
    if (Number.isInteger(count) && count >= 0 && count <= MAX_MODEL_POINTS) {
      return Array.from({ length: count }, (_, index) => index + 1);
    }
    if (this.sound) this.#report(field, String(count), `a whole number from 0 to ${MAX_MODEL_POINTS}`);
    return [];
  }

  #number(field: string, term: NumberTerm, scope: Values): number {
    if (typeof term === 'number') return term;
    const match = TERM.exec(term);
    const value = match === null ? undefined : scope[match[2] as string];
    if (typeof value === 'number') return match?.[1] === '-' ? -value : value;
    this.#report(field, show(term), 'a number, ${parameter} or -${parameter} of a number parameter');
    return NaN;
  }

  #text(field: string, text: string, scope: Values): string {
    return text.replace(PLACEHOLDER, (whole, name: string) => {
      if (Object.hasOwn(scope, name)) return String(scope[name]);
      this.#report(
        field,
        whole,
        choices(Object.keys(scope).map((known) => `\${${known}}`)) || 'no ${…}: nothing to put in',
      );
      return '';
    });
  }

  #report(field: string, found: string, allowed: string): void {
    this.sound = false;
    this.#origin.report(field, found, allowed);
  }
}

/** Every combination of the variables' values, each with the parameters; the last variable moves fastest. */
function* combinations(
  variables: readonly (readonly [string, readonly (string | number)[]])[],
  scope: Values,
): Generator<Values> {
  const [first, ...rest] = variables;
  if (first === undefined) {
    yield scope;
    return;
  }
  const [name, values] = first;
  for (const value of values) yield* combinations(rest, { ...scope, [name]: value });
}
