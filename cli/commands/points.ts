import type { Command } from 'commander';
import type { PointsPage, PointsQuery, PointView } from '../../actors/client/schemas.js';
import type { PointKind } from '../../site/points.js';
import type { Cli } from '../cli.js';
import { parseChannel, parseKind, parseLimit } from '../parse.js';
import type { Column } from '../render/table.js';
import { formatAge, formatValue, safe } from '../render/text.js';
import { qualityTone } from '../render/tone.js';
import { GROUPS, examples } from './help.js';

interface PointsOptions {
  channel?: number;
  kind?: PointKind;
  name?: string;
  limit?: number;
  cursor?: string;
  all?: boolean;
}

export function addPoints(program: Command, cli: Cli): void {
  program
    .command('points')
    .helpGroup(GROUPS.look)
    .summary('points and their newest values')
    .description('Lists points and their newest values, a page at a time.')
    .option('--channel <id>', 'only of this channel', parseChannel)
    .option('--kind <kind>', 'only of this kind: T, S, C or A', parseKind)
    .option('--name <text>', 'only with this in their name, any case')
    .option('--limit <n>', 'points of a page, 1 … 10000 (default: 1000)', parseLimit)
    .option('--cursor <cursor>', 'go on where a page ended: its nextCursor')
    .option('--all', 'every page')
    .addHelpText(
      'after',
      examples(
        'statewatt points --channel 1001 --kind T',
        'statewatt points --name power',
        'statewatt points --all --json | jq \'.points[] | select(.quality != "good")\'',
      ),
    )
    .action((options: PointsOptions) =>
      cli.withClient(async (client) => {
        const { all, ...query } = options;
        const page = await collect((next) => client.points(next), query, all === true);
        if (cli.json) {
          await cli.document(page);
          return;
        }
        await cli.table(columns(cli.now()), page.points);
        if (page.nextCursor !== null) {
          await cli.remark(`There are more: --all shows every point, --cursor ${safe(page.nextCursor)} the next page.`);
        }
      }),
    );
}

/** One page, or all of them as one. */
async function collect(
  ask: (query: PointsQuery) => Promise<PointsPage>,
  query: PointsQuery,
  all: boolean,
): Promise<PointsPage> {
  let page = await ask(query);
  const points = [...page.points];
  while (all && page.nextCursor !== null) {
    page = await ask({ ...query, cursor: page.nextCursor });
    points.push(...page.points);
  }
  return { points, nextCursor: page.nextCursor };
}

function columns(now: number): readonly Column<PointView>[] {
  return [
    { title: 'ADDRESS', value: (point) => point.address },
    { title: 'NAME', value: (point) => safe(point.name), shrinks: true },
    { title: 'VALUE', value: (point) => formatValue(point.value), align: 'right', shrinks: true },
    { title: 'UNIT', value: (point) => safe(point.unit) },
    { title: 'QUALITY', value: (point) => point.quality, tone: (point) => qualityTone(point.quality) },
    { title: 'AGE', value: (point) => formatAge(point.time, now), align: 'right' },
    { title: 'WRITABLE', value: (point) => (point.writable ? 'yes' : '') },
  ];
}
