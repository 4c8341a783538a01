import type { Command } from 'commander';
import { CHANNEL_COMMANDS, type ChannelCommandName, type ChannelView } from '../../actors/client/schemas.js';
import type { Cli } from '../cli.js';
import { parseChannel } from '../parse.js';
import { printFields } from '../render/fields.js';
import type { Column } from '../render/table.js';
import { NOTHING, formatAge, formatSpan, formatTime, safe } from '../render/text.js';
import { channelTone } from '../render/tone.js';
import { GROUPS, examples } from './help.js';

const DESCRIPTIONS: Record<ChannelCommandName, string> = {
  start: 'connect to the device and read it',
  stop: 'end reading and close the link',
  pause: 'stop reading, keep the link',
  resume: 'read again after a pause',
  reset: 'try again now, after a fault',
};

export function addChannels(program: Command, cli: Cli): void {
  const channels = program
    .command('channels')
    .helpGroup(GROUPS.look)
    .summary('list, show, start, stop, pause, resume, reset')
    .description(
      'Device channels: what they are, how they do, and commands to them. Lists them when no command is given.',
    )
    .addHelpText(
      'after',
      examples('statewatt channels', 'statewatt channels show 1001', 'statewatt channels pause 1001'),
    );

  channels
    .command('list', { isDefault: true })
    .description('list every channel')
    .allowExcessArguments() // Checked here: as the default command it gets what no other command is called.
    .action((_options: object, command: Command) => {
      const [unknown] = command.args;
      if (unknown !== undefined)
        command.error(`error: unknown command '${unknown}'. Allowed are ${allowed(channels)}.`);
      return cli.withClient(async (client) => {
        const list = await client.channels();
        if (cli.json) await cli.document(list);
        else await cli.table(columns(cli.now()), list);
      });
    });

  channels
    .command('show')
    .description('one channel and its statistics')
    .argument('<id>', 'channel', parseChannel)
    .action((id: number) =>
      cli.withClient(async (client) => {
        const channel = await client.channel(id);
        if (cli.json) await cli.document(channel);
        else await printChannel(cli, channel);
      }),
    );

  for (const name of CHANNEL_COMMANDS) {
    channels
      .command(name)
      .description(DESCRIPTIONS[name])
      .argument('<id>', 'channel', parseChannel)
      .action((id: number) =>
        cli.withClient(async (client) => {
          const channel = await client.commandChannel(id, name);
          if (cli.json) await cli.document(channel);
          else await cli.line(`channel ${channel.id} (${safe(channel.name)}) is ${channel.state}`);
        }),
      );
  }
}

function allowed(channels: Command): string {
  return channels.commands.map((command) => command.name()).join(', ');
}

function columns(now: number): readonly Column<ChannelView>[] {
  return [
    { title: 'ID', value: (channel) => String(channel.id), align: 'right' },
    { title: 'NAME', value: (channel) => safe(channel.name), shrinks: true },
    { title: 'PROTOCOL', value: (channel) => safe(channel.protocol) },
    { title: 'ADDRESS', value: (channel) => safe(channel.address), shrinks: true },
    { title: 'STATE', value: (channel) => channel.state, tone: (channel) => channelTone(channel.state) },
    { title: 'FOR', value: (channel) => formatAge(channel.since, now), align: 'right' },
    { title: 'POINTS', value: (channel) => String(totalPoints(channel)), align: 'right' },
    { title: 'LAST GOOD', value: (channel) => formatAge(channel.stats.lastGoodAt, now), align: 'right' },
    { title: 'ERRORS', value: (channel) => String(totalErrors(channel)), align: 'right' },
    { title: 'LAST ERROR', value: (channel) => safe(channel.stats.lastError ?? NOTHING), shrinks: true },
  ];
}

async function printChannel(cli: Cli, channel: ChannelView): Promise<void> {
  const { stats, points } = channel;
  const now = cli.now();
  const trip = stats.roundTripMs;
  await printFields(cli, [
    ['channel', String(channel.id)],
    ['name', safe(channel.name)],
    ['actor', safe(channel.ref)],
    ['protocol', safe(channel.protocol)],
    ['address', safe(channel.address)],
    ['enabled', channel.enabled ? 'yes' : 'no'],
    ['state', `${channel.state} for ${formatAge(channel.since, now)}`, channelTone(channel.state)],
    ['polling', `every ${formatSpan(channel.pollingIntervalMs)}`],
    ['points', `${points.T} T, ${points.S} S, ${points.C} C, ${points.A} A`],
    ['reads', `${stats.totalReads}, ${stats.readErrors} failed`],
    ['frames', `${stats.totalFrames}, ${stats.missedCycles} cycles missed, ${stats.droppedValues} values dropped`],
    ['links', `${stats.connectionErrors} failed or lost, ${stats.reconnectCount} opened again`],
    ['round trip', `p50 ${ms(trip.p50)}, p95 ${ms(trip.p95)}, p99 ${ms(trip.p99)}, max ${ms(trip.max)}`],
    ['last good', stats.lastGoodAt === null ? NOTHING : `${formatAge(stats.lastGoodAt, now)} ago`],
    ['last error', lastError(stats)],
  ]);
}

function lastError({ lastError: text, lastErrorAt: at }: ChannelView['stats']): string {
  if (text === null) return NOTHING;
  return at === null ? safe(text) : `${safe(text)} (${formatTime(at)})`;
}

function ms(value: number): string {
  return `${Number(value.toFixed(2))} ms`;
}

function totalPoints({ points }: ChannelView): number {
  return points.T + points.S + points.C + points.A;
}

function totalErrors({ stats }: ChannelView): number {
  return stats.readErrors + stats.connectionErrors;
}
