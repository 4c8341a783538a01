import { StatewattError } from '../../errors/error.js';
import type { HistoryResolution } from './types.js';

/** Where a page ended, and what it was a page of. A row's position never changes, so new data moves no page. */
export interface Cursor {
  /** `channel:kind:id`. */
  point: string;
  resolution: HistoryResolution;
  from: number;
  to: number;
  /** Of the last row. */
  time: number;
  /** Of the last raw row, decimal; '0' for rollups. */
  sequence: string;
  batch: string;
}

const RESOLUTIONS: readonly string[] = ['raw', '1m', '1h', '1d'] satisfies HistoryResolution[];
const DECIMAL = /^\d{1,20}$/;

export function encodeCursor(cursor: Cursor): string {
  const { point, resolution, from, to, time, sequence, batch } = cursor;
  return Buffer.from(JSON.stringify([point, resolution, from, to, time, sequence, batch])).toString('base64url');
}

/** @throws `history.invalid_query` when it is none of ours, or of another point */
export function decodeCursor(text: string, point: string): Cursor {
  const fields = parse(text);
  if (Array.isArray(fields) && fields.length === 7) {
    const [of, resolution, from, to, time, sequence, batch] = fields as unknown[];
    if (
      of === point &&
      typeof resolution === 'string' &&
      RESOLUTIONS.includes(resolution) &&
      Number.isSafeInteger(from) &&
      Number.isSafeInteger(to) &&
      Number.isSafeInteger(time) &&
      typeof sequence === 'string' &&
      DECIMAL.test(sequence) &&
      typeof batch === 'string' &&
      DECIMAL.test(batch)
    ) {
      return {
        point,
        resolution: resolution as HistoryResolution,
        from: from as number,
        to: to as number,
        time: time as number,
        sequence,
        batch,
      };
    }
  }
  throw new StatewattError(
    'history.invalid_query',
    'invalid',
    `cursor ${JSON.stringify(text)} is not one of point ${point}; give nextCursor of the page before`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
