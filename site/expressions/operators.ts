import type { Compute } from './run.js';
import type { BinaryOperator } from './tree.js';

/** Numbers closer than this, in relation to the larger one (or to 1), are equal: scaled readings are rarely exact. */
const TOLERANCE = 1e-9;

/** −1, 0 or 1; NaN when either is unknown. */
export function compare(a: number, b: number): number {
  if (a === b) return 0;
  const difference = a - b;
  if (Math.abs(difference) <= TOLERANCE * Math.max(1, Math.abs(a), Math.abs(b)) && Number.isFinite(difference))
    return 0;
  return difference > 0 ? 1 : difference < 0 ? -1 : NaN;
}

/** Kleene's three-valued logic: one false makes `and` false whatever the rest, one true makes `or` true. */
export function and(a: number, b: number): number {
  if (a === 0 || b === 0) return 0;
  return a === 1 && b === 1 ? 1 : NaN;
}

export function or(a: number, b: number): number {
  if (a === 1 || b === 1) return 1;
  return a === 0 && b === 0 ? 0 : NaN;
}

/** Both sides are always computed, because either may have a state that moves on with time. */
export function binary(op: BinaryOperator, left: Compute, right: Compute, deadband: number): Compute {
  switch (op) {
    case 'or':
      return () => or(left(), right());
    case 'and':
      return () => and(left(), right());
    case '+':
      return () => left() + right();
    case '-':
      return () => left() - right();
    case '*':
      return () => left() * right();
    case '/':
      return () => divide(left(), right());
    case '%':
      return () => left() % right();
    case '==':
      return () => truth(compare(left(), right()), (order) => order === 0);
    case '!=':
      return () => truth(compare(left(), right()), (order) => order !== 0);
    case '>':
      return withDeadband(left, right, -deadband, (order) => order > 0);
    case '>=':
      return withDeadband(left, right, -deadband, (order) => order >= 0);
    case '<':
      return withDeadband(left, right, deadband, (order) => order < 0);
    case '<=':
      return withDeadband(left, right, deadband, (order) => order <= 0);
  }
}

function divide(a: number, b: number): number {
  return b === 0 ? NaN : a / b;
}

function truth(order: number, test: (order: number) => boolean): number {
  return Number.isNaN(order) ? NaN : test(order) ? 1 : 0;
}

/** A comparison that is true stays so until the value has gone back by the deadband. */
function withDeadband(left: Compute, right: Compute, shift: number, test: (order: number) => boolean): Compute {
  if (shift === 0) return () => truth(compare(left(), right()), test);
  let held = false;
  return () => {
    const result = truth(compare(left(), right() + (held ? shift : 0)), test);
    if (!Number.isNaN(result)) held = result === 1;
    return result;
  };
}
