import { Option, type Command } from 'commander';
import { RESOLUTIONS, type HistoryQuery } from '../../actors/client/schemas.js';
import { formatPointAddress, type PointAddress } from '../../site/points.js';
import type { Cli } from '../cli.js';
import { parseAddress, parseLimit, parseTime } from '../parse.js';
import { csvWriter, jsonWriter, tableWriter } from '../render/history.js';
import { safe } from '../render/text.js';
import { GROUPS, examples } from './help.js';
import { addHistoryFiles } from './history-files.js';
import { addHistoryMapping } from './history-mapping.js';

interface HistoryOptions {
  from?: number;
  to?: number;
  resolution?: HistoryQuery['resolution'];
  limit?: number;
  cursor?: string;
  all?: boolean;
  csv?: boolean;
}

export function addHistory(program: Command, cli: Cli): void {
  const time = (text: string) => parseTime(text, cli.now());
  const history = program
    .command('history')
    .helpGroup(GROUPS.look)
    .summary("a point's past values")
    .description(
      "Prints a point's past values in the order of time, a page at a time. " +
        'A time is ISO 8601 (local unless it says otherwise), a span back from now (-90s, -15m, -1h, -7d, -2w), or now.',
    )
    .argument('<address>', 'point, such as comsrv:1001:T:1', parseAddress)
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
    .option('--csv', 'comma-separated values, times in UTC')
    .addHelpText(
      'after',
      examples(
        'statewatt history comsrv:1001:T:1 --from -15m',
        'statewatt history 1001:T:1 --from -7d --resolution 1h',
        'statewatt history 1001:T:1 --from 2026-05-01 --to 2026-05-02 --all --csv > day.csv',
      ),
    )
    .action((address: PointAddress, options: HistoryOptions, command: Command) => {
      if (options.csv && cli.json) command.error('error: --csv and --json exclude each other');
      const query = toQuery(address, options);
      if (query.from !== undefined && query.from >= (query.to ?? cli.now())) {
        command.error('error: --from must be before --to');
      }
      return cli.withClient(async (client) => {
        const writer = options.csv ? csvWriter(cli) : cli.json ? jsonWriter(cli) : tableWriter(cli);
        let page = await client.history(query);
        await writer.begin(page);
        await writer.rows(page);
        while (options.all && page.nextCursor !== null) {
          page = await client.history({
            ...query,
            from: page.from,
            to: page.to,
            resolution: page.resolution,
            cursor: page.nextCursor,
          });
          await writer.rows(page);
        }
        await writer.end(page);
        if (page.nextCursor !== null && !cli.json) {
          await cli.remark(`There are more: --all shows every row, --cursor ${safe(page.nextCursor)} the next page.`);
        } else if (page.rows.length === 0 && options.cursor === undefined && !cli.json) {
          await cli.remark(`No values of ${formatPointAddress(address)} in this time.`);
        }
      });
    });
  addHistoryFiles(history, cli);
  addHistoryMapping(history, cli);
}

function toQuery({ channel, kind, id }: PointAddress, options: HistoryOptions): HistoryQuery {
  return {
    channel,
    kind,
    id,
    ...(options.from === undefined ? {} : { from: options.from }),
    ...(options.to === undefined ? {} : { to: options.to }),
    ...(options.resolution === undefined ? {} : { resolution: options.resolution }),
    ...(options.limit === undefined ? {} : { limit: options.limit }),
    ...(options.cursor === undefined ? {} : { cursor: options.cursor }),
  };
}
