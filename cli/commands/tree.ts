import type { Command } from 'commander';
import type { ActorView, NodeView } from '../../actors/client/schemas.js';
import type { SupervisorView } from '../../actors/client/supervision-schemas.js';
import type { Cli } from '../cli.js';
import { safe } from '../render/text.js';
import { actorTone, paint } from '../render/tone.js';
import { GROUPS, examples } from './help.js';

/** A partition with what lives in it; null: its supervisor did not answer, the partition is changing hands. */
interface Limb {
  readonly partition: number;
  readonly supervisor: SupervisorView | null;
  readonly actors: readonly ActorView[];
}

/** A node with what lives in its partitions; partitions without actors are left out of `partitions`. */
interface Branch extends Omit<NodeView, 'partitions'> {
  readonly owned: number;
  readonly partitions: readonly Limb[];
}

export function addTree(program: Command, cli: Cli): void {
  program
    .command('tree')
    .helpGroup(GROUPS.look)
    .summary('node → partition and its supervisor → actors → children')
    .description(
      'Shows which node has which partitions, what the supervisor of each had to do (restarts, actors given up, ' +
        'escalations), how much of its restart intensity an actor has used up, and below an actor its children, wherever ' +
        'they live.',
    )
    .option('--kind <kind>', 'only actors of this kind')
    .addHelpText('after', examples('statewatt tree', 'statewatt tree --kind channel'))
    .action((options: { kind?: string }) =>
      cli.withClient(async (client) => {
        const [nodes, all, supervisors] = await Promise.all([client.nodes(), client.actors(), client.supervisors()]);
        const actors = all.filter(({ kind }) => options.kind === undefined || kind === options.kind);
        const branches = grow(nodes, actors, supervisors);
        if (cli.json) await cli.document(branches);
        else {
          const family = new Family(actors, all);
          const budgets = supervisors.flatMap((supervisor) => supervisor.budgets);
          const drawing = { family, budgets, colour: cli.colour };
          await cli.out.write(branches.map((branch) => draw(branch, drawing)).join(''));
        }
      }),
    );
}

function grow(
  nodes: readonly NodeView[],
  actors: readonly ActorView[],
  supervisors: readonly SupervisorView[],
): Branch[] {
  return nodes.map((node) => {
    const here = new Map<number, ActorView[]>();
    for (const actor of actors) {
      if (actor.node === node.node) here.set(actor.partition, [...(here.get(actor.partition) ?? []), actor]);
    }
    const partitions = [...here]
      .sort(([a], [b]) => a - b)
      .map(([partition, living]) => ({
        partition,
        supervisor: supervisors.find((each) => each.partition === partition) ?? null,
        actors: living.sort((a, b) => a.ref.localeCompare(b.ref, 'en', { numeric: true })),
      }));
    return { ...node, owned: node.partitions.length, partitions };
  });
}

function draw({ node, draining, actors, owned, partitions }: Branch, drawing: Drawing): string {
  const lines = [
    `${safe(node)}  ${count(owned, 'partition')}, ${count(actors, 'actor')}${draining ? ', draining' : ''}`,
  ];
  partitions.forEach((limb, index) => {
    const last = index === partitions.length - 1;
    lines.push(`${last ? '└─' : '├─'} ${limb.partition}  ${summary(limb)}`);
    const top = limb.actors.filter(({ ref }) => drawing.family.isTop(ref));
    lines.push(...leaves(top, last ? '   ' : '│  ', { ...drawing, node }));
  });
  return lines.map((line) => `${line}\n`).join('');
}

/** What the supervisor of a partition had to do, also with actors that are not shown. */
function summary({ supervisor, actors }: Limb): string {
  if (supervisor === null) return `${count(actors.length, 'actor')}, changing hands`;
  const { restarts, failed, escalations } = supervisor;
  const troubles = [
    restarts > 0 ? count(restarts, 'restart') : '',
    failed > 0 ? `${failed} failed` : '',
    escalations > 0 ? count(escalations, 'escalation') : '',
  ];
  return [count(supervisor.actors, 'actor'), ...troubles.filter((text) => text !== '')].join(', ');
}

/** `2 of 5 crashes in 60 s`; one more than allowed is escalated. */
function used({ of, crashes, intensity, windowMs }: SupervisorView['budgets'][number]): string {
  return `${of === 'self' ? '' : `${of} children: `}${crashes} of ${intensity} crashes in ${windowMs / 1000} s`;
}

interface Drawing {
  readonly family: Family;
  /** Of all partitions. */
  readonly budgets: SupervisorView['budgets'];
  readonly colour: boolean;
}

interface Place extends Drawing {
  /** Where the actors above live. */
  readonly node: string;
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
    ...place.budgets.filter((budget) => budget.ref === ref).map(used),
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
