import { InvalidArgumentError, type Command } from 'commander';
import { FORWARDER_COMMANDS, type ForwarderView } from '../../actors/client/forwarding.js';
import type { Cli } from '../cli.js';
import { printFields } from '../render/fields.js';
import type { Column } from '../render/table.js';
import { NOTHING, formatAge, formatTime, safe } from '../render/text.js';
import { channelTone } from '../render/tone.js';
import { GROUPS, examples } from './help.js';

const ABOUT = {
  pause: 'send nothing until it is resumed; what comes meanwhile waits in the stream',
  resume: 'go on where it ended; of a faulted one: try again',
  skip: 'leave out the batch that the target refuses, and go on',
} as const;

export function addForwarding(program: Command, cli: Cli): void {
  const forwarding = program
    .command('forwarding')
    .helpGroup(GROUPS.look)
    .summary('targets that readings are sent to: list, show, pause, resume, skip')
    .description('Targets outside that readings are forwarded to. Lists them when no command is given.')
    .addHelpText(
      'after',
      examples('statewatt forwarding', 'statewatt forwarding show cloud', 'statewatt forwarding pause cloud'),
    );

  forwarding
    .command('list', { isDefault: true })
    .description('list every target')
    .action(() =>
      cli.withClient(async (client) => {
        const list = await client.forwarding.list();
        if (cli.json) await cli.document(list);
        else await cli.table(columns(cli.now()), list);
      }),
    );

  forwarding
    .command('show')
    .description('one target and its statistics')
    .argument('<id>', 'target', parseId)
    .action((id: string) =>
      cli.withClient(async (client) => {
        const view = await client.forwarding.get(id);
        if (cli.json) await cli.document(view);
        else await printForwarder(cli, view);
      }),
    );

  for (const command of FORWARDER_COMMANDS) {
    forwarding
      .command(command)
      .description(ABOUT[command])
      .argument('<id>', 'target', parseId)
      .action((id: string) =>
        cli.withClient(async (client) => {
          const view = await client.forwarding.command(id, command);
          if (cli.json) await cli.document(view);
          else await cli.line(`${safe(view.id)} is ${view.state}`);
        }),
      );
  }
}

function columns(now: number): readonly Column<ForwarderView>[] {
  return [
    { title: 'ID', value: (view) => safe(view.id) },
    { title: 'TYPE', value: (view) => view.type },
    { title: 'STATE', value: (view) => view.state, tone: (view) => channelTone(view.state) },
    { title: 'SENT', value: (view) => String(view.stats.sent), align: 'right' },
    { title: 'BEHIND', value: (view) => String(view.stats.behind), align: 'right' },
    { title: 'FAILED', value: (view) => String(view.stats.failed), align: 'right' },
    { title: 'LAST SENT', value: (view) => formatAge(view.stats.lastSentAt, now), align: 'right' },
    { title: 'ADDRESS', value: (view) => safe(view.address), shrinks: true },
    { title: 'LAST ERROR', value: (view) => safe(view.stats.lastError ?? NOTHING), shrinks: true },
  ];
}

async function printForwarder(cli: Cli, { stats, ...view }: ForwarderView): Promise<void> {
  const time = (at: number | null) => (at === null ? NOTHING : formatTime(at));
  await printFields(cli, [
    ['target', safe(view.id)],
    ['name', safe(view.name)],
    ['actor', safe(view.ref)],
    ['node', safe(view.node ?? NOTHING)],
    ['type', view.type],
    ['address', safe(view.address)],
    ['state', view.state, channelTone(view.state)],
    ['since', time(view.since)],
    ['points', String(view.points)],
    [
      'sent',
      `${stats.sent} points in ${stats.batches} batches, the last ${formatAge(stats.lastSentAt, cli.now())} ago`,
    ],
    ['sent up to', time(stats.sentUpTo)],
    ['behind', `${stats.behind} frames`],
    ['outages', `${stats.outages}, ${stats.reconnects} times back, ${stats.failed} attempts failed`],
    ['lost', `${stats.lost} frames`, stats.lost > 0 ? 'alarm' : 'none'],
    ['left out', `${stats.skipped} points`],
    ['last error', stats.lastError === null ? NOTHING : `${time(stats.lastErrorAt)}  ${safe(stats.lastError)}`],
  ]);
}

function parseId(text: string): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError('Allowed are 1 to 64 of A-Z a-z 0-9 _ -.');
}
