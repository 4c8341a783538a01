import type { Command } from 'commander';
import type { ActorView } from '../../actors/client/schemas.js';
import type { Cli } from '../cli.js';
import type { Column } from '../render/table.js';
import { NOTHING, formatAge, safe } from '../render/text.js';
import { actorTone } from '../render/tone.js';
import { GROUPS, examples } from './help.js';

export function addPs(program: Command, cli: Cli): void {
  program
    .command('ps')
    .helpGroup(GROUPS.look)
    .summary('list the actors')
    .description('Lists the actors: state, node, commands waiting, restarts, and age of the activation.')
    .option('--kind <kind>', 'only actors of this kind')
    .option('--failed', 'only actors that their supervisor has given up')
    .addHelpText('after', examples('statewatt ps', 'statewatt ps --kind channel', 'statewatt ps --failed --json'))
    .action((options: { kind?: string; failed?: boolean }) =>
      cli.withClient(async (client) => {
        const actors = (await client.actors()).filter(
          (actor) =>
            (options.kind === undefined || actor.kind === options.kind) &&
            (options.failed !== true || actor.state === 'failed'),
        );
        actors.sort((a, b) => a.ref.localeCompare(b.ref, 'en', { numeric: true }));
        if (cli.json) await cli.document(actors);
        else await cli.table(columns(cli.now()), actors);
      }),
    );
}

function columns(now: number): readonly Column<ActorView>[] {
  return [
    { title: 'REF', value: (actor) => safe(actor.ref) },
    { title: 'STATE', value: (actor) => safe(actor.state), tone: (actor) => actorTone(actor.state) },
    { title: 'NODE', value: (actor) => safe(actor.node), shrinks: true },
    { title: 'MAILBOX', value: (actor) => String(actor.mailbox), align: 'right' },
    { title: 'RESTARTS', value: (actor) => String(actor.restarts), align: 'right' },
    { title: 'AGE', value: (actor) => formatAge(actor.activatedAt, now), align: 'right' },
    { title: 'LAST ERROR', value: (actor) => safe(actor.lastError ?? NOTHING), shrinks: true },
  ];
}
