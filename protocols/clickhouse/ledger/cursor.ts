import { StatewattError } from '../../../errors/error.js';

/** What a page ended with, as one text. */
export function formatCursor(parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** @throws `ledger.invalid_cursor` */
export function parseCursor(cursor: string): string[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (Array.isArray(parsed) && parsed.every((each) => typeof each === 'string')) return parsed;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw invalidCursor(cursor);
}

export function invalidCursor(cursor: string): StatewattError {
  return new StatewattError(
    'ledger.invalid_cursor',
    'invalid',
    `"${cursor.slice(0, 100)}" is no cursor of these readings; pass on the nextCursor of the page before.`,
  );
}
