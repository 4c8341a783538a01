import type { Readable } from 'node:stream';
import type { MeteringClient } from '../../../actors/client/metering.js';
import { StatewattError, toStatewattError } from '../../../errors/error.js';

/** Readings that are submitted together. */
const BATCH = 1_000;
/** Characters of a line: a reading has some 250. */
const MAX_LINE = 4_096;
/** A node that is busy is asked again for so long. */
const PATIENCE_MS = 30_000;

/**
 * Submits readings, one a line, and answers a line for each, in their order. No more is read than is being submitted.
 * What is no JSON is a reading that is rejected.
 */
export async function* submitLines(metering: MeteringClient, body: Readable): AsyncGenerator<string> {
  try {
    for await (const readings of batches(body)) {
      const { results } = await patiently(() => metering.submit(readings));
      yield `${results.map((result) => JSON.stringify(result)).join('\n')}\n`;
    }
  } catch (thrown) {
    // The answer has begun: what is wrong can only be its last line.
    yield `${JSON.stringify({ error: toStatewattError(thrown).toJSON() })}\n`;
  }
}

async function* batches(body: Readable): AsyncGenerator<unknown[]> {
  let waiting: unknown[] = [];
  let rest = '';
  body.setEncoding('utf8');
  for await (const piece of body) {
    const lines = (rest + String(piece)).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE) throw tooLong();
    for (const line of lines) {
      if (line.length > MAX_LINE) throw tooLong();
      if (line.trim() !== '') waiting.push(parseLine(line));
      if (waiting.length < BATCH) continue;
      yield waiting;
      waiting = [];
    }
  }
  if (rest.trim() !== '') waiting.push(parseLine(rest));
  if (waiting.length > 0) yield waiting;
}

/** What is no JSON is no reading either. */
function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return line;
    throw error;
  }
}

/** Waits while the node is busy: that is what holds the sender up. */
async function patiently<T>(submit: () => Promise<T>): Promise<T> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await submit();
    } catch (error) {
      if (!(error instanceof StatewattError) || error.category !== 'busy' || performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs ?? 100));
    }
  }
}

function tooLong(): StatewattError {
  return new StatewattError('readings.line_too_long', 'invalid', `a line has more than ${MAX_LINE} characters`);
}
