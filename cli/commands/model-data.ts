import type { Command } from 'commander';
import type { StatewattClient } from '../../actors/client/client.js';
import type { ModelChange } from '../../actors/client/model-data.js';
import { StatewattError } from '../../errors/error.js';
import type { Cli } from '../cli.js';
import { parseCount, parseModel } from '../parse.js';
import { NOTHING, formatTime, formatValue, safe } from '../render/text.js';
import { paint, qualityTone } from '../render/tone.js';
import { examples } from './help.js';
import { addPastOptions, printPast, type PastOptions } from './past.js';

interface WatchOptions {
  point?: string[];
  count?: number;
}

/** `models watch` and `models history`: what the points of a model are, and were. */
export function addModelData(models: Command, cli: Cli): void {
  models
    .command('watch')
    .description('changes of its points as they happen, until Ctrl-C; with --json each line is one JSON document')
    .argument('<id>', 'model', parseModel)
    .option('--point <name...>', 'only these points')
    .option('--count <n>', 'end after so many lines', parseCount)
    .addHelpText(
      'after',
      examples(
        'statewatt models watch roof',
        'statewatt models watch roof --point power energy --count 10',
        "statewatt models watch roof --json | jq -r '[.time, .name, .value] | @csv'",
      ),
    )
    .action((id: string, options: WatchOptions) => cli.withClient((client) => watch(cli, client, id, options)));

  const history = models
    .command('history')
    .description('past values of a point, as the model sees them')
    .argument('<id>', 'model', parseModel)
    .argument('<point>', 'name of the point');
  addPastOptions(history, cli)
    .addHelpText(
      'after',
      examples(
        'statewatt models history roof power --from -15m',
        'statewatt models history roof power --from -7d --resolution 1h --csv > week.csv',
      ),
    )
    .action((model: string, point: string, options: PastOptions, command: Command) =>
      printPast(
        cli,
        command,
        {
          name: safe(`model:${model}:${point}`),
          ask: (client, range) => client.modelHistory({ model, point, ...range }),
        },
        options,
      ),
    );
}

async function watch(
  cli: Cli,
  client: StatewattClient,
  id: string,
  { point: names, count = Infinity }: WatchOptions,
): Promise<void> {
  await checkNames(client, id, names);
  const interrupted = cli.dependencies.interruption();
  const stop = new AbortController();
  let left = count;
  try {
    for await (const { points, remade } of client.watchModel(id, AbortSignal.any([interrupted, stop.signal]))) {
      if (remade) await cli.remark(`${safe(id)} is another one now, or was set: statewatt models show ${safe(id)}`);
      const shown = points.filter(({ name }) => names?.includes(name) ?? true).slice(0, left);
      for (const point of shown) await cli.out.write(lineOf(cli, id, point));
      left -= shown.length;
      if (left === 0) return;
    }
  } catch (error) {
    if (!interrupted.aborted) throw error;
  } finally {
    stop.abort();
  }
  if (interrupted.aborted) return;
  throw new StatewattError(
    'cli.stream_ended',
    'unavailable',
    'the node ended the stream of changes; it may be stopping',
  );
}

/** What does not exist would be waited for in vain. */
async function checkNames(client: StatewattClient, id: string, names: readonly string[] = []): Promise<void> {
  const { points } = await client.model(id);
  const missing = names.find((wanted) => points.every(({ name }) => name !== wanted));
  if (missing === undefined) return;
  const allowed = points.map(({ name }) => name).join(', ');
  throw new StatewattError(
    'models.point_not_found',
    'not_found',
    `${id} has no point ${missing}; it has ${allowed || 'none'}`,
  );
}

function lineOf(cli: Cli, model: string, point: ModelChange['points'][number]): string {
  if (cli.json) return `${JSON.stringify({ model, ...point })}\n`;
  const { name, value, quality, time } = point;
  const when = time === null ? NOTHING.padEnd(23) : formatTime(time);
  const shown = cli.colour ? paint(quality, qualityTone(quality)) : quality;
  return `${when}  ${safe(name)}  ${formatValue(value)}  ${shown}\n`;
}
