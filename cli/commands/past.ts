import { Option, type Command } from 'commander';
import type { StatewattClient } from '../../actors/client/client.js';
import { RESOLUTIONS, type HistoryQuery } from '../../actors/client/schemas.js';
import type { Cli } from '../cli.js';
import { parseLimit, parseTime } from '../parse.js';
import { csvWriter, jsonWriter, tableWriter, type PastPage } from '../render/history.js';
import { safe } from '../render/text.js';

/** Which part of the past is asked for. */
export type PastRange = Pick<HistoryQuery, 'from' | 'to' | 'resolution' | 'limit' | 'cursor'>;

export interface PastOptions extends PastRange {
  all?: boolean;
  csv?: boolean;
}

/** Whose past it is, and how a page of it is asked for. */
export interface Past {
  readonly name: string;
  ask(client: StatewattClient, range: PastRange): Promise<PastPage>;
}

/** Gives a command the options of a past. */
export function addPastOptions(command: Command, cli: Cli): Command {
  const time = (text: string) => parseTime(text, cli.now());
  return command
    .option('--from <time>', 'first moment (default: one hour before --to)', time)
    .option('--to <time>', 'moment after the last (default: now)', time)
    .addOption(
      new Option('--resolution <step>', 'raw values, means over an interval, or auto: what suits the span').choices(
        RESOLUTIONS,
      ),
    )
    .option('--limit <n>', 'rows of a page, 1 … 10000 (default: 1000)', parseLimit)
    .option('--cursor <cursor>', 'go on where a page ended: its nextCursor')
    .option('--all', 'every page')
    .option('--csv', 'comma-separated values, times in UTC');
}

/** Prints a page of a past, or with `all` every page as it comes. */
export function printPast(cli: Cli, command: Command, past: Past, options: PastOptions): Promise<void> {
  const { all = false, csv = false, ...rest } = options;
  if (csv && cli.json) command.error('error: --csv and --json exclude each other');
  const range = rangeOf(rest);
  if (range.from !== undefined && range.from >= (range.to ?? cli.now())) {
    command.error('error: --from must be before --to');
  }
  return cli.withClient(async (client) => {
    const writer = csv ? csvWriter(cli) : cli.json ? jsonWriter(cli) : tableWriter(cli);
    let page = await past.ask(client, range);
    await writer.begin(page);
    await writer.rows(page);
    while (all && page.nextCursor !== null) {
      const { from, to, resolution, nextCursor: cursor } = page;
      page = await past.ask(client, { ...range, from, to, resolution, cursor });
      await writer.rows(page);
    }
    await writer.end(page);
    if (page.nextCursor !== null && !cli.json) {
      await cli.remark(`There are more: --all shows every row, --cursor ${safe(page.nextCursor)} the next page.`);
    } else if (page.rows.length === 0 && options.cursor === undefined && !cli.json) {
      await cli.remark(`No values of ${past.name} in this time.`);
    }
  });
}

/** Only what was given: other options of the command stay behind. */
function rangeOf({ from, to, resolution, limit, cursor }: PastRange): PastRange {
  return {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(resolution === undefined ? {} : { resolution }),
    ...(limit === undefined ? {} : { limit }),
    ...(cursor === undefined ? {} : { cursor }),
  };
}
