import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import type { StatewattClient } from '../../actors/client/client.js';
import type { ActorView, NodeView } from '../../actors/client/schemas.js';
import { toStatewattError } from '../../errors/error.js';
import type { Cli } from '../cli.js';
import { parseCount, parseSeconds } from '../parse.js';
import { renderTable, type Column } from '../render/table.js';
import { NOTHING, formatAge, safe } from '../render/text.js';
import { actorTone } from '../render/tone.js';
import { GROUPS, examples } from './help.js';

interface TopOptions {
  once?: boolean;
  interval: number;
  limit: number;
}

type BusyActor = ActorView & { readonly commandsPerSecond: number };

interface Sample {
  /** Monotonic ms. */
  readonly at: number;
  readonly nodes: readonly NodeView[];
  /** Busiest first. */
  readonly actors: readonly BusyActor[];
}

/** Home, and clear what is below: the table is drawn over the former one. */
const REDRAW = '\u001b[H\u001b[J';

export function addTop(program: Command, cli: Cli): void {
  program
    .command('top')
    .helpGroup(GROUPS.look)
    .summary('nodes and busiest actors, live')
    .description(
      'Shows the nodes and the busiest actors by commands taken per second. On a terminal it is redrawn until Ctrl-C; ' +
        'elsewhere, with --once or --json, it measures over one interval and ends.',
    )
    .option('--once', 'measure over one interval and end')
    .option('--interval <seconds>', 'time between two looks', parseSeconds, 1000)
    .option('--limit <n>', 'show so many actors', parseCount, 20)
    .addHelpText(
      'after',
      examples('statewatt top', 'statewatt top --once --limit 5', "statewatt top --json | jq '.nodes'"),
    )
    .action((options: TopOptions) =>
      cli.withClient((client) =>
        cli.json || options.once === true || !cli.out.isTerminal
          ? once(cli, client, options)
          : live(cli, client, options),
      ),
    );
}

async function once(cli: Cli, client: StatewattClient, { interval, limit }: TopOptions): Promise<void> {
  const first = await look(client, undefined);
  await wait(interval);
  const { nodes, actors } = await look(client, first);
  if (cli.json) await cli.document({ nodes, actors: actors.slice(0, limit) });
  else await cli.out.write(draw(cli, nodes, actors.slice(0, limit)));
}

async function live(cli: Cli, client: StatewattClient, { interval, limit }: TopOptions): Promise<void> {
  const interrupted = cli.dependencies.interruption();
  let sample: Sample | undefined;
  while (!interrupted.aborted) {
    let text: string;
    try {
      sample = await look(client, sample);
      text = draw(cli, sample.nodes, sample.actors.slice(0, limit));
    } catch (thrown) {
      const error = toStatewattError(thrown);
      if (!error.retryable) throw error;
      // Nodes that come and go are what one watches here.
      text = `${error.code}: ${safe(error.message)}\n`;
    }
    await cli.out.write(REDRAW + text);
    await wait(interval, undefined, { signal: interrupted }).catch((error: unknown) => {
      if (!interrupted.aborted) throw error;
    });
  }
}

/** The site as it is now, with rates since the look before. */
async function look(client: StatewattClient, before: Sample | undefined): Promise<Sample> {
  const at = performance.now();
  const [nodes, found] = await Promise.all([client.nodes(), client.actors()]);
  const former = new Map(before?.actors.map((actor) => [`${actor.node} ${actor.ref}`, actor.commands]));
  const actors = found.map((actor) => {
    const since = former.get(`${actor.node} ${actor.ref}`) ?? actor.commands;
    // A new activation on the same node counts from zero.
    const taken = Math.max(0, actor.commands - since);
    const seconds = (at - (before?.at ?? at)) / 1000;
    return { ...actor, commandsPerSecond: seconds > 0 ? Number((taken / seconds).toFixed(1)) : 0 };
  });
  actors.sort(
    (a, b) => b.commandsPerSecond - a.commandsPerSecond || b.mailbox - a.mailbox || a.ref.localeCompare(b.ref),
  );
  return { at, nodes, actors };
}

function draw(cli: Cli, nodes: readonly NodeView[], actors: readonly BusyActor[]): string {
  const options = { width: cli.out.width, colour: cli.colour };
  return `${renderTable(nodeColumns(cli.now()), nodes, options)}\n${renderTable(ACTORS, actors, options)}`;
}

function nodeColumns(now: number): readonly Column<NodeView>[] {
  return [
    { title: 'NODE', value: ({ node }) => safe(node), shrinks: true },
    { title: 'PARTITIONS', value: ({ partitions }) => String(partitions.length), align: 'right' },
    { title: 'ACTORS', value: ({ actors }) => String(actors), align: 'right' },
    { title: 'HEARD', value: ({ heardAt }) => formatAge(heardAt, now), align: 'right' },
    {
      title: 'STATE',
      value: ({ draining }) => (draining ? 'draining' : 'working'),
      tone: ({ draining }) => (draining ? 'warning' : 'none'),
    },
  ];
}

const ACTORS: readonly Column<BusyActor>[] = [
  { title: 'REF', value: ({ ref }) => safe(ref) },
  { title: 'STATE', value: ({ state }) => safe(state), tone: ({ state }) => actorTone(state), shrinks: true },
  { title: 'NODE', value: ({ node }) => safe(node), shrinks: true },
  { title: 'COMMANDS/S', value: ({ commandsPerSecond }) => commandsPerSecond.toFixed(1), align: 'right' },
  { title: 'MAILBOX', value: ({ mailbox }) => String(mailbox), align: 'right' },
  { title: 'RESTARTS', value: ({ restarts }) => String(restarts), align: 'right' },
  { title: 'LAST ERROR', value: ({ lastError }) => safe(lastError ?? NOTHING), shrinks: true },
];
