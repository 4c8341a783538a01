import type { Command } from 'commander';
import { historyOfAny, isOfModel, type AnyPoint } from '../../actors/client/addresses.js';
import { formatModelAddress } from '../../site/models/address.js';
import { formatPointAddress } from '../../site/points.js';
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
    .argument('<address>', 'point, such as comsrv:1001:T:1 or model:roof:power', parseAddress);
  addPastOptions(history, cli)
    .addHelpText(
      'after',
      examples(
        'statewatt history comsrv:1001:T:1 --from -15m',
        'statewatt history 1001:T:1 --from -7d --resolution 1h',
        'statewatt history model:roof:power --from -1d',
        'statewatt history 1001:T:1 --from 2026-05-01 --to 2026-05-02 --all --csv > day.csv',
      ),
    )
    .action((address: AnyPoint, options: PastOptions, command: Command) =>
      printPast(
        cli,
        command,
        {
          name: isOfModel(address) ? formatModelAddress(address) : formatPointAddress(address),
          ask: (client, range) => historyOfAny(client, address, range),
        },
        options,
      ),
    );
  addHistoryFiles(history, cli);
  addHistoryMapping(history, cli);
}
