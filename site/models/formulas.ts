import { nearest } from '../config/problems.js';
import { compileExpression, ExpressionError, type Expression, type PointScope } from '../expressions/index.js';
import type { ModelPoint } from './model.js';
import type { ModelOrigin } from './template.js';

/** A point that is computed from others of its model. */
export interface Formula {
  /** Its place among the model's points. */
  readonly slot: number;
  readonly expression: Expression;
  /** Places of the points that it reads, in the order of the expression's. */
  readonly inputs: readonly number[];
}

/** A channel that no site has: addresses in it stand for the model's own points. */
const OWN = -1;

/**
 * The formulas of a model, each after those that it needs. A point that is mapped to a channel's is not computed.
 *
 * @param at where a point is written; what is wrong is reported there, and undefined answered
 */
export function formulasOf(points: readonly ModelPoint[], at: (slot: number) => ModelOrigin): Formula[] | undefined {
  const scope = ownPoints(points);
  const formulas = new Map<number, Formula>();
  let sound = true;
  for (const [slot, point] of points.entries()) {
    if (point.expression === undefined || point.route !== undefined) continue;
    const formula = compile(point, slot, scope, at(slot));
    if (formula === undefined) sound = false;
    else formulas.set(slot, formula);
  }
  return sound ? inOrder(formulas, points, at) : undefined;
}

function compile(point: ModelPoint, slot: number, scope: PointScope, at: ModelOrigin): Formula | undefined {
  const { expression: source = '', kind, text } = point;
  if (text || (kind !== 'T' && kind !== 'S')) {
    return void at.report('expression', `it at a point of kind ${kind}${text ? ' with text' : ''}`, 'it at T and S');
  }
  try {
    const expression = compileExpression(source, { points: scope, result: kind === 'T' ? 'number' : 'condition' });
    return { slot, expression, inputs: expression.points.map(({ id }) => id) };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    at.report('expression', error.found, error.allowed);
    return undefined;
  }
}

/** The points of a model, by their names. */
function ownPoints(points: readonly ModelPoint[]): PointScope {
  const slots = new Map(points.map(({ name }, slot) => [name, slot]));
  return {
    find: ({ channel, id }) => (channel !== OWN ? undefined : points[id]?.text === true ? 'text' : 'number'),
    alias: (name) => {
      const slot = slots.get(name);
      return slot === undefined ? undefined : { channel: OWN, kind: (points[slot] as ModelPoint).kind, id: slot };
    },
    allowed: (written) => {
      const near = nearest(written, [...slots.keys()]);
      return `the names of the model's points${near === undefined ? '' : `, "${near}" perhaps`}`;
    },
  };
}

/** Each after those that it needs; what needs itself is reported. */
function inOrder(
  formulas: ReadonlyMap<number, Formula>,
  points: readonly ModelPoint[],
  at: (slot: number) => ModelOrigin,
): Formula[] | undefined {
  const ordered = new Set<Formula>();
  const visit = (formula: Formula, path: readonly number[]): boolean => {
    if (ordered.has(formula)) return true;
    const way = [...path, formula.slot];
    if (path.includes(formula.slot)) {
      const names = way.map((slot) => (points[slot] as ModelPoint).name).join(' from ');
      at(formula.slot).report('expression', `a point that is computed from itself: ${names}`, 'other points');
      return false;
    }
    for (const slot of formula.inputs) {
      const needed = formulas.get(slot);
      if (needed !== undefined && !visit(needed, way)) return false;
    }
    ordered.add(formula);
    return true;
  };
  for (const formula of formulas.values()) if (!visit(formula, [])) return undefined;
  return [...ordered];
}
