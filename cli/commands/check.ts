import type { Command } from 'commander';
import { StatewattError } from '../../errors/error.js';
import type { Site } from '../../site/model.js';
import type { Cli } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { safe, safeLines } from '../render/text.js';
import { GROUPS, examples } from './help.js';

export function addCheck(program: Command, cli: Cli): void {
  program
    .command('check')
    .helpGroup(GROUPS.run)
    .summary("validate a site's configuration")
    .description('Validates a configuration and prints every problem with its place. Starts nothing.')
    .argument('<site>', 'site.yaml, a folder that holds one, or a VoltageEMS configuration folder')
    .addHelpText('after', examples('statewatt check site.yaml', 'statewatt check config/ --json'))
    .action(async (path: string) => {
      let site: Site;
      try {
        site = await cli.dependencies.check(path);
      } catch (error) {
        if (!(error instanceof StatewattError) || error.code !== 'config.invalid') throw error;
        await printProblems(cli, error);
        return;
      }
      await printSummary(cli, path, site);
    });
}

/** The problems are this command's answer, so they go to stdout and not to stderr. */
async function printProblems(cli: Cli, error: StatewattError): Promise<void> {
  cli.exitCode = EXIT.bad;
  if (cli.json) await cli.document({ valid: false, problems: error.details?.problems ?? [] });
  else await cli.line(safeLines(error.message));
}

async function printSummary(cli: Cli, path: string, site: Site): Promise<void> {
  const points = site.channels.reduce((sum, channel) => sum + channel.points.length, 0);
  if (cli.json) {
    await cli.document({ valid: true, site: site.name, channels: site.channels.length, points, files: site.files });
    return;
  }
  const parts = [
    `site ${safe(site.name)}`,
    count(site.channels.length, 'channel'),
    count(points, 'point'),
    count(site.files.length, 'file'),
  ];
  await cli.line(`${safe(path)}: valid (${parts.join(', ')})`);
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
