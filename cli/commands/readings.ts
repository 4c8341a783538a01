import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import type { StatewattClient } from '../../actors/client/client.js';
import type { ReadingResult } from '../../actors/client/metering.js';
import { StatewattError, errorMessage } from '../../errors/error.js';
import type { Cli } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { safe } from '../render/text.js';
import { GROUPS, examples } from './help.js';

/** Readings that are submitted together. */
const BATCH = 1_000;
/** Verdicts that are told; of the others only how many there are. */
const TOLD = 20;

export function addReadings(program: Command, cli: Cli): void {
  const readings = program
    .command('readings')
    .helpGroup(GROUPS.act)
    .summary('submit')
    .description('Readings of meters.')
    .addHelpText('after', examples('statewatt readings submit readings.ndjson'));
  readings
    .command('submit')
    .description('submit signed readings, one a line as JSON; submitting a file again does nothing twice')
    .argument('<file>', 'the readings')
    .action((file: string) => cli.withClient((client) => submit(cli, client, file)));
}

interface Counts {
  accepted: number;
  held: number;
  rejected: number;
  duplicates: number;
  failed: number;
}

async function submit(cli: Cli, client: StatewattClient, file: string): Promise<void> {
  const counts: Counts = { accepted: 0, held: 0, rejected: 0, duplicates: 0, failed: 0 };
  const bad: (ReadingResult & { line: number })[] = [];
  let before = 0;
  for await (const batch of batches(file)) {
    const { results, ...more } = await client.metering.submit(batch);
    for (const name of Object.keys(counts) as (keyof Counts)[]) counts[name] += more[name];
    for (const [index, result] of results.entries()) {
      if (result.verdict !== 'accepted' && result.verdict !== 'held') bad.push({ line: before + index + 1, ...result });
    }
    before += batch.length;
  }
  if (bad.length > 0) cli.exitCode = EXIT.bad;
  if (cli.json) {
    await cli.document({ ...counts, bad });
    return;
  }
  for (const { line, code = '', message = '' } of bad.slice(0, TOLD)) {
    await cli.line(`reading ${line}: ${safe(code)}: ${safe(message)}`, 'alarm');
  }
  if (bad.length > TOLD) await cli.line(`… and ${bad.length - TOLD} more`, 'alarm');
  const { accepted, held, rejected, duplicates, failed } = counts;
  await cli.line(
    `${accepted} accepted (${duplicates} of them and of those held submitted before), ${held} held, ${rejected} rejected, ${failed} failed`,
  );
}

async function* batches(file: string): AsyncGenerator<unknown[]> {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity });
  let waiting: unknown[] = [];
  try {
    for await (const line of lines) {
      if (line.trim() === '') continue;
      waiting.push(parse(line));
      if (waiting.length < BATCH) continue;
      yield waiting;
      waiting = [];
    }
  } catch (error) {
    throw new StatewattError('readings.file', 'invalid', `${file} cannot be read: ${errorMessage(error)}`, {
      cause: error,
    });
  }
  if (waiting.length > 0) yield waiting;
}

/** What is no JSON is judged as a reading all the same: it is rejected. */
function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return line;
    throw error;
  }
}
