import type { Command } from 'commander';
import { formatPointAddress, type PointAddress } from '../../site/points.js';
import type { Cli } from '../cli.js';
import { parseAddress } from '../parse.js';
import { GROUPS, examples } from './help.js';
import { addHistoryFiles } from './history-files.js';
import { addHistoryMapping } from './history-mapping.js';
import { addPastOptions, printPast, type PastOptions } from './past.js';

export function addHistory(program: Command, cli: Cli): void {
  const history = program
    .command('history')
    .helpGroup(GROUPS.look)
    .summary("a point's past values")
    .description(
      "Prints a point's past values in the order of time, a page at a time. " +
        'A time is ISO 8601 (local unless it says otherwise), a span back from now (-90s, -15m, -1h, -7d, -2w), or now.',
    )
    .argument('<address>', 'point, such as comsrv:1001:T:1', parseAddress);
  addPastOptions(history, cli)
    .addHelpText(
      'after',
      examples(
        'statewatt history comsrv:1001:T:1 --from -15m',
        'statewatt history 1001:T:1 --from -7d --resolution 1h',
        'statewatt history 1001:T:1 --from 2026-05-01 --to 2026-05-02 --all --csv > day.csv',
      ),
    )
    .action((address: PointAddress, options: PastOptions, command: Command) =>
      printPast(
        cli,
        command,
        {
          name: formatPointAddress(address),
          ask: (client, range) => client.history({ ...address, ...range }),
        },
        options,
      ),
    );
  addHistoryFiles(history, cli);
  addHistoryMapping(history, cli);
}
