import type { Command } from 'commander';
import type { Cli } from '../cli.js';
import { parseRef } from '../parse.js';
import { safe } from '../render/text.js';
import { GROUPS, examples } from './help.js';

const WORKER = 'worker';

export function addKill(program: Command, cli: Cli): void {
  program
    .command('kill')
    .helpGroup(GROUPS.act)
    .summary('crash an actor, as a fault would')
    .description('Crashes an actor, as a fault would. Its supervisor starts it again under its policy.')
    .argument('<ref>', 'actor, such as channel/1001; worker: a worker thread of some node', (text) =>
      text === WORKER ? text : parseRef(text),
    )
    .addHelpText('after', examples('statewatt kill channel/1001', 'statewatt kill worker'))
    .action((ref: string) =>
      cli.withClient(async (client) => {
        if (ref === WORKER) {
          const killed = await client.killWorker();
          if (cli.json) await cli.document(killed);
          else await cli.line(`worker thread ${killed.thread ?? '–'} of ${safe(killed.node)} was ended`);
          return;
        }
        await client.killActor(ref);
        if (cli.json) await cli.document({ ref, killed: true });
        else await cli.line(`${ref} was killed; its supervisor starts it again`);
      }),
    );
}

export function addRestart(program: Command, cli: Cli): void {
  program
    .command('restart')
    .helpGroup(GROUPS.act)
    .summary('stop an actor in order and start it from its journal')
    .description('Stops an actor in order and starts it from its journal. Brings back one that has failed for good.')
    .argument('<ref>', 'actor, such as channel/1001', parseRef)
    .addHelpText('after', examples('statewatt restart channel/1001'))
    .action((ref: string) =>
      cli.withClient(async (client) => {
        const actor = await client.restartActor(ref);
        if (cli.json) await cli.document(actor);
        else await cli.line(`${safe(actor.ref)} was restarted and is ${safe(actor.state)}`);
      }),
    );
}
