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
    .summary('node → partition → actors → children')
    .description(
      'Shows which node has which partitions, how the actors do that each supervises, and below an actor its children, ' +
        'wherever they live.',
    )
    .option('--kind <kind>', 'only actors of this kind')
    .addHelpText('after', examples('statewatt tree', 'statewatt tree --kind channel'))
    .action((options: { kind?: string }) =>
      cli.withClient(async (client) => {
        const [nodes, all] = await Promise.all([client.nodes(), client.actors()]);
        const actors = all.filter(({ kind }) => options.kind === undefined || kind === options.kind);
        const branches = grow(nodes, actors);
        if (cli.json) await cli.document(branches);
        else {
          const family = new Family(actors, all);
          await cli.out.write(branches.map((branch) => draw(branch, family, cli.colour)).join(''));
        }
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

function draw({ node, draining, actors, owned, partitions }: Branch, family: Family, colour: boolean): string {
  const lines = [
    `${safe(node)}  ${count(owned, 'partition')}, ${count(actors, 'actor')}${draining ? ', draining' : ''}`,
  ];
  partitions.forEach(({ partition, actors: living }, index) => {
    const last = index === partitions.length - 1;
    lines.push(`${last ? '└─' : '├─'} ${partition}  ${summary(living)}`);
    const top = living.filter(({ ref }) => family.isTop(ref));
    lines.push(...leaves(top, last ? '   ' : '│  ', { node, family, colour }));
  });
  return lines.map((line) => `${line}\n`).join('');
}

/** What the supervisor of a partition has to do with. */
function summary(living: readonly ActorView[]): string {
  const restarts = living.reduce((sum, actor) => sum + actor.restarts, 0);
  const failed = living.filter(({ state }) => state === 'failed').length;
  const troubles = [restarts > 0 ? count(restarts, 'restart') : '', failed > 0 ? `${failed} failed` : ''];
  return [count(living.length, 'actor'), ...troubles.filter((text) => text !== '')].join(', ');
}

interface Place {
  /** Where the actors above live. */
  readonly node: string;
  readonly family: Family;
  readonly colour: boolean;
}

function leaves(actors: readonly (ActorView | string)[], indent: string, place: Place): string[] {
  return actors.flatMap((actor, index) => {
    const last = index === actors.length - 1;
    const line = `${indent}${last ? '└─' : '├─'} `;
    if (typeof actor === 'string') return [`${line}${safe(actor)}  not active`];
    const below = leaves(place.family.childrenOf(actor), `${indent}${last ? '   ' : '│  '}`, place);
    return [`${line}${leaf(actor, place)}`, ...below];
  });
}

function leaf({ ref, state, restarts, lastError, node }: ActorView, place: Place): string {
  const shown = place.colour ? paint(safe(state), actorTone(state)) : safe(state);
  const more = [
    node === place.node ? '' : `on ${safe(node)}`,
    restarts > 0 ? count(restarts, 'restart') : '',
    state === 'failed' ? safe(lastError ?? '') : '',
  ];
  return [`${safe(ref)}  ${shown}`, ...more.filter((text) => text !== '')].join(', ');
}

/** Who is drawn below whom: each actor once. */
class Family {
  readonly #actors: ReadonlyMap<string, ActorView>;
  readonly #parents = new Map<string, string>();

  /** Active, but not to be shown. */
  readonly #hidden: ReadonlySet<string>;

  constructor(actors: readonly ActorView[], all: readonly ActorView[]) {
    this.#hidden = new Set(all.filter((actor) => !actors.includes(actor)).map(({ ref }) => ref));
    this.#actors = new Map(actors.map((actor) => [actor.ref, actor]));
    for (const { ref, children = [] } of actors) {
      for (const child of children) if (!this.#isAbove(child, ref)) this.#parents.set(child, ref);
    }
  }

  /** Whether no actor that is shown has it as a child. */
  isTop(ref: string): boolean {
    return !this.#parents.has(ref);
  }

  /** The active ones, and refs of the others. */
  childrenOf({ ref, children = [] }: ActorView): (ActorView | string)[] {
    return children
      .filter((child) => this.#parents.get(child) === ref && !this.#hidden.has(child))
      .map((child) => this.#actors.get(child) ?? child);
  }

  /** Actors can have each other as children; a tree cannot. */
  #isAbove(ref: string, of: string): boolean {
    for (let above: string | undefined = of; above !== undefined; above = this.#parents.get(above)) {
      if (above === ref) return true;
    }
    return false;
  }
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}
