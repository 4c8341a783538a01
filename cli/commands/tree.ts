import type { Command } from 'commander';
import type { ActorView, NodeView } from '../../actors/client/schemas.js';
import type { Cli } from '../cli.js';
import { safe } from '../render/text.js';
import { actorTone, paint } from '../render/tone.js';
import { GROUPS, examples } from './help.js';

/** A node with what lives in its partitions; partitions without actors are left out of `partitions`. */
interface Branch extends Omit<NodeView, 'partitions'> {
  readonly owned: number;
  readonly partitions: readonly { readonly partition: number; readonly actors: readonly ActorView[] }[];
}

export function addTree(program: Command, cli: Cli): void {
  program
    .command('tree')
    .helpGroup(GROUPS.look)
    .summary('node → partition → actors')
    .description('Shows which node has which partitions, and the actors in them with their states and restarts.')
    .option('--kind <kind>', 'only actors of this kind')
    .addHelpText('after', examples('statewatt tree', 'statewatt tree --kind channel'))
    .action((options: { kind?: string }) =>
      cli.withClient(async (client) => {
        const [nodes, all] = await Promise.all([client.nodes(), client.actors()]);
        const actors = all.filter(({ kind }) => options.kind === undefined || kind === options.kind);
        const branches = grow(nodes, actors);
        if (cli.json) await cli.document(branches);
        else await cli.out.write(branches.map((branch) => draw(branch, cli.colour)).join(''));
      }),
    );
}

function grow(nodes: readonly NodeView[], actors: readonly ActorView[]): Branch[] {
  return nodes.map((node) => {
    const here = new Map<number, ActorView[]>();
    for (const actor of actors) {
      if (actor.node === node.node) here.set(actor.partition, [...(here.get(actor.partition) ?? []), actor]);
    }
    const partitions = [...here]
      .sort(([a], [b]) => a - b)
      .map(([partition, living]) => ({
        partition,
        actors: living.sort((a, b) => a.ref.localeCompare(b.ref, 'en', { numeric: true })),
      }));
    return { ...node, owned: node.partitions.length, partitions };
  });
}

function draw({ node, draining, actors, owned, partitions }: Branch, colour: boolean): string {
  const lines = [
    `${safe(node)}  ${count(owned, 'partition')}, ${count(actors, 'actor')}${draining ? ', draining' : ''}`,
  ];
  partitions.forEach(({ partition, actors: living }, index) => {
    const last = index === partitions.length - 1;
    lines.push(`${last ? '└─' : '├─'} ${partition}`);
    living.forEach((actor, each) => {
      lines.push(`${last ? '  ' : '│ '} ${each === living.length - 1 ? '└─' : '├─'} ${leaf(actor, colour)}`);
    });
  });
  return lines.map((line) => `${line}\n`).join('');
}

function leaf({ ref, state, restarts, lastError }: ActorView, colour: boolean): string {
  const shown = colour ? paint(safe(state), actorTone(state)) : safe(state);
  const troubles = [restarts > 0 ? count(restarts, 'restart') : '', state === 'failed' ? safe(lastError ?? '') : ''];
  return [`${safe(ref)}  ${shown}`, ...troubles.filter((text) => text !== '')].join(', ');
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
