import { ExpressionError } from './error.js';
import { parse, SyntaxError as ParserError } from './generated/parser.mjs';
import type { Position, Tree } from './tree.js';

/** Characters of one expression. */
export const MAX_LENGTH = 4_000;
/** Open parentheses, calls included; bounds the parser's stack. */
export const MAX_NESTING = 100;

/** What the parser says of a text that does not fit. */
interface Refusal extends Error {
  readonly expected: readonly { readonly type: string; readonly text?: string; readonly description?: string }[] | null;
  readonly found: string | null;
  readonly location: { readonly start: Position & { readonly offset: number } };
}

/** @throws ExpressionError `expression.syntax`, `expression.too_big` */
export function parseExpression(source: string): Tree {
  checkSize(source);
  try {
    return (parse as (text: string) => Tree)(source);
  } catch (error) {
    if (!(error instanceof ParserError)) throw error;
    throw syntaxError(source, error);
  }
}

function checkSize(source: string): void {
  if (source.length > MAX_LENGTH) {
    const at = { line: 1, column: 1 };
    throw new ExpressionError(
      'too_big',
      source.slice(0, 80),
      at,
      `${source.length} characters`,
      `${MAX_LENGTH} at most`,
    );
  }
  let open = 0;
  for (let index = 0; index < source.length; index++) {
    if (source[index] === '(') open += 1;
    else if (source[index] === ')') open -= 1;
    if (open > MAX_NESTING) {
      const found = `${open} open parentheses`;
      throw new ExpressionError('too_big', source, positionOf(source, index), found, `${MAX_NESTING} at most`);
    }
  }
}

function positionOf(source: string, offset: number): Position {
  const before = source.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) as string).length + 1 };
}

function syntaxError(source: string, refusal: Refusal): ExpressionError {
  const { start } = refusal.location;
  const allowed = [...new Set((refusal.expected ?? []).map(describe))].filter((what) => what !== 'space').sort();
  return new ExpressionError('syntax', source, start, foundAt(source, start.offset), list(allowed));
}

function describe(expectation: { type: string; text?: string; description?: string }): string {
  if (expectation.type === 'end') return 'the end';
  return expectation.type === 'literal' ? (expectation.text as string) : (expectation.description ?? expectation.type);
}

/** The whole word or sign, not only its first character. */
function foundAt(source: string, offset: number): string {
  const word = /^(?:[\p{L}\p{N}_.:]+|[<>=!&|]+|[^\s])/u.exec(source.slice(offset));
  return word === null ? 'the end' : `"${word[0]}"`;
}

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
