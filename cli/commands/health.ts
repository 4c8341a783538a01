import type { Command } from 'commander';
import type { PartHealth } from '../../actors/client/schemas.js';
import type { Cli } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import type { Column } from '../render/table.js';
import { formatSpan, safe } from '../render/text.js';
import { healthTone } from '../render/tone.js';
import { GROUPS, examples } from './help.js';

const COLUMNS: readonly Column<[string, PartHealth]>[] = [
  { title: 'PART', value: ([name]) => safe(name) },
  { title: 'STATUS', value: ([, part]) => part.status, tone: ([, part]) => healthTone(part.status) },
  { title: 'DETAIL', value: ([, part]) => safe(part.detail), shrinks: true },
];

export function addHealth(program: Command, cli: Cli): void {
  program
    .command('health')
    .helpGroup(GROUPS.look)
    .summary('the node and each of its parts')
    .description('Shows how the node and each of its parts are. Exit code 1 when unhealthy or not yet ready.')
    .addHelpText('after', examples('statewatt health', 'until statewatt health; do sleep 1; done'))
    .action(() =>
      cli.withClient(async (client) => {
        const health = await client.health();
        cli.exitCode = health.ready && health.status !== 'unhealthy' ? EXIT.ok : EXIT.bad;
        if (cli.json) {
          await cli.document(health);
          return;
        }
        await cli.line(
          `${health.status}${health.ready ? '' : ', not ready'}: site ${safe(health.site)}, node ${safe(health.node)}, ` +
            `version ${safe(health.version)}, up for ${formatSpan(health.uptimeMs)}`,
          healthTone(health.status),
        );
        await cli.table(COLUMNS, Object.entries(health.parts));
      }),
    );
}
