import type { Command } from 'commander';
import { formatAddress, isOfModel, type AnyPoint } from '../../actors/client/addresses.js';
import type { StatewattClient } from '../../actors/client/client.js';
import type { PointView } from '../../actors/client/schemas.js';
import { watchAny, type AnyPointsUpdate } from '../../actors/client/watch-points.js';
import { StatewattError } from '../../errors/error.js';
import type { Cli } from '../cli.js';
import { parseAddress, parseChannel, parseCount } from '../parse.js';
import { NOTHING, displayWidth, formatTime, formatValue, safe } from '../render/text.js';
import { paint, qualityTone } from '../render/tone.js';
import { GROUPS, examples } from './help.js';

interface TailOptions {
  channel?: number;
  point?: AnyPoint;
  count?: number;
}

export function addTail(program: Command, cli: Cli): void {
  program
    .command('tail')
    .helpGroup(GROUPS.look)
    .summary('changes as they happen')
    .description('Prints a line for each change of a point until Ctrl-C. With --json each line is one JSON document.')
    .option('--channel <id>', 'only this channel', parseChannel)
    .option('--point <address>', 'only this point, such as comsrv:1001:T:1 or model:roof:power', parseAddress)
    .option('--count <n>', 'end after so many lines', parseCount)
    .addHelpText(
      'after',
      examples(
        'statewatt tail --channel 1001',
        'statewatt tail --point comsrv:1001:T:1 --count 10',
        'statewatt tail --point model:roof:power',
        "statewatt tail --json | jq -r '[.time, .address, .value] | @csv'",
      ),
    )
    .action((options: TailOptions, command: Command) => {
      const { channel, point } = options;
      if (channel !== undefined && point !== undefined && (isOfModel(point) || point.channel !== channel)) {
        command.error(`error: point ${formatAddress(point)} is not of channel ${channel}`);
      }
      return cli.withClient((client) => tail(cli, client, options));
    });
}

async function tail(cli: Cli, client: StatewattClient, { channel, point, count = Infinity }: TailOptions) {
  const interrupted = cli.dependencies.interruption();
  const stop = new AbortController();
  const signal = AbortSignal.any([interrupted, stop.signal]);
  const format = cli.json ? lines : aligned(cli);
  let left = count;
  try {
    for await (const update of await updates(client, channel, point, signal)) {
      const shown = update.points.slice(0, left);
      if (shown.length > 0) await cli.out.write(format(shown));
      left -= shown.length;
      if (left === 0) return;
    }
  } catch (error) {
    if (!interrupted.aborted) throw error;
  } finally {
    stop.abort();
  }
  if (!interrupted.aborted) {
    throw new StatewattError(
      'cli.stream_ended',
      'unavailable',
      'the node ended the stream of changes; it may be stopping',
    );
  }
}

/** @throws what is told of a point or a channel that does not exist: it would be waited for in vain */
async function updates(
  client: StatewattClient,
  channel: number | undefined,
  point: AnyPoint | undefined,
  signal: AbortSignal,
): Promise<AsyncIterable<AnyPointsUpdate>> {
  if (point !== undefined) return watchAny(client, [point], signal);
  if (channel !== undefined) await client.channel(channel);
  return client.watchPoints(channel === undefined ? {} : { channel }, signal);
}

function lines(changes: readonly PointView[]): string {
  return changes.map((change) => `${JSON.stringify(change)}\n`).join('');
}

/** Columns that widen as wider texts come by: what is to come cannot be known. */
function aligned(cli: Cli): (changes: readonly PointView[]) => string {
  const widths = [0, 0, 8, 0];
  const pad = (text: string, column: number) => ' '.repeat((widths[column] as number) - displayWidth(text));
  return (changes) => {
    const rows = changes.map((change) => ({
      time: change.time === null ? NOTHING.padEnd(23) : formatTime(change.time),
      cells: [change.address, safe(change.name), formatValue(change.value), safe(change.unit)] as const,
      quality: cli.colour ? paint(change.quality, qualityTone(change.quality)) : change.quality,
    }));
    for (const { cells } of rows) {
      cells.forEach((text, column) => (widths[column] = Math.max(widths[column] as number, displayWidth(text))));
    }
    return rows
      .map(({ time, cells: [address, name, value, unit], quality }) => {
        const left = `${time}  ${address}${pad(address, 0)}  ${name}${pad(name, 1)}`;
        return `${left}  ${pad(value, 2)}${value}  ${unit}${pad(unit, 3)}  ${quality}\n`;
      })
      .join('');
  };
}
