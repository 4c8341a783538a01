import { StatewattError } from '../../errors/error.js';
import type { Position } from './tree.js';

/** What is wrong with an expression. */
export type ExpressionProblem =
  'syntax' | 'too_big' | 'unknown_point' | 'unknown_function' | 'wrong_arguments' | 'wrong_type';

/**
 * An expression that cannot be used. Code `expression.<problem>`; the message says where, what was found and what is
 * allowed, and shows the line.
 */
export class ExpressionError extends StatewattError {
  readonly line: number;
  readonly column: number;
  readonly found: string;
  readonly allowed: string;

  constructor(problem: ExpressionProblem, source: string, at: Position, found: string, allowed: string) {
    const { line, column } = at;
    const text = source.split('\n')[line - 1] ?? '';
    const gutter = ` ${line} | `;
    const caret = `${' '.repeat(gutter.length - 2)}| ${' '.repeat(column - 1)}^`;
    const message = `line ${line}, column ${column}: found ${found}, allowed ${allowed}\n${gutter}${text}\n${caret}`;
    super(`expression.${problem}`, 'invalid', message, { details: { line, column, found, allowed } });
    this.line = line;
    this.column = column;
    this.found = found;
    this.allowed = allowed;
  }
}
