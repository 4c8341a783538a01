import { sep } from 'node:path';
import type { Command } from 'commander';
import { StatewattError } from '../../errors/error.js';
import { summaryOf } from '../../site/config/versions/changes.js';
import type { Site } from '../../site/model.js';
import type { Cli } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { printDiff } from '../render/changes.js';
import { safeLines } from '../render/text.js';
import { GROUPS, examples } from './help.js';

export function addDiff(program: Command, cli: Cli): void {
  program
    .command('diff')
    .helpGroup(GROUPS.run)
    .summary('what an edit would change on the running site')
    .description(
      'Tells what would be another on the running site if its configuration were this one; without one, what lies on the ' +
        'disk of the node and is not in force. Changes nothing. Exit code 0: nothing, 1: something, 2: it cannot be used.',
    )
    .argument('[site]', 'site.yaml, or a folder that holds one (default: that of the node)')
    .addHelpText(
      'after',
      examples('statewatt diff', 'statewatt diff draft/site.yaml', 'statewatt diff draft/site.yaml --json'),
    )
    .action((path: string | undefined) => diff(cli, path));
}

async function diff(cli: Cli, path: string | undefined): Promise<void> {
  try {
    if (path === undefined) {
      await cli.withClient(async (client) => printDiff(cli, await client.configuration.diff({})));
      return;
    }
    const after = await cli.dependencies.check(path);
    await cli.withClient(async (client) => {
      // Loaded here, for the other commands need nothing of them.
      const { loadRunningSite } = await import('../running-site.js');
      const { describeChanges } = await import('../../site/config/versions/describe.js');
      const { site: before, number } = await loadRunningSite(client, siteFileOf(after, path));
      const changes = describeChanges(before, after);
      await printDiff(cli, { from: number, to: null, summary: summaryOf(changes), changes });
    });
  } catch (error) {
    if (!(error instanceof StatewattError) || error.code !== 'config.invalid') throw error;
    cli.exitCode = EXIT.usage;
    if (cli.json) await cli.document({ valid: false, problems: error.details?.problems ?? [] });
    else await cli.line(safeLines(error.message));
  }
}

/** The site file itself, where a folder was named: what it names is looked for beside it. */
function siteFileOf({ files }: Site, path: string): string {
  const depth = (file: string): number => file.split(sep).length;
  const [first] = files.filter((file) => /\.ya?ml$/.test(file)).sort((a, b) => depth(a) - depth(b));
  return first ?? path;
}
