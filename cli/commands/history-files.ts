import { createReadStream } from 'node:fs';
import { Option, type Command } from 'commander';
import { EXPORT_FORMATS, EXPORT_RESOLUTIONS, type ExportQuery } from '../../actors/client/archive-schemas.js';
import type { HistoryQuery } from '../../actors/client/schemas.js';
import { IMPORT_FORMATS, importFile, type ImportFormat, type ImportSummary } from '../../actors/client/import-file.js';
import type { AnyPoint } from '../../actors/client/addresses.js';
import type { Cli } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { fileError, writeFile } from '../output-file.js';
import { parseAddress, parseChannel, parseTime } from '../parse.js';
import { safe } from '../render/text.js';
import { examples } from './help.js';

interface ExportOptions extends Omit<ExportQuery, 'points' | 'resolution'> {
  resolution?: NonNullable<HistoryQuery['resolution']>;
  output?: string;
}

/** Options that `history` has too are read as its own. */
function optionsOf(command: Command): ExportOptions {
  return command.optsWithGlobals<ExportOptions>();
}

/** `history export` and `history import`: values as files. */
export function addHistoryFiles(history: Command, cli: Cli): void {
  const time = (text: string) => parseTime(text, cli.now());
  history
    .command('export')
    .description('values of points as a file: CSV, or Parquet')
    .argument(
      '[address...]',
      'points, such as comsrv:1001:T:1 or model:roof:power',
      (text: string, before?: AnyPoint[]) => [...(before ?? []), parseAddress(text)],
    )
    .option('--channel <id>', 'every point of a channel, instead of addresses', parseChannel)
    .option('--from <time>', 'first moment (default: one hour before --to)', time)
    .option('--to <time>', 'moment after the last (default: now)', time)
    .addOption(
      new Option('--resolution <step>', 'raw values (default), or means over an interval').choices(EXPORT_RESOLUTIONS),
    )
    .addOption(new Option('--format <format>', 'csv (default) or parquet').choices(EXPORT_FORMATS))
    .option('-o, --output <file>', 'where to write it (default: the standard output)')
    .addHelpText(
      'after',
      examples(
        'statewatt history export 1001:T:1 1001:T:2 --from -1d -o day.csv',
        'statewatt history export --channel 1001 --from 2026-05-01 --to 2026-06-01 --format parquet -o may.parquet',
      ),
    )
    .action((points: AnyPoint[] | undefined, _options: unknown, command: Command) => {
      const { output, channel, from, to, resolution, format } = optionsOf(command);
      if (resolution === 'auto') command.error('error: --resolution of an export is raw, 1m, 1h or 1d');
      const query: ExportQuery = {
        ...(channel === undefined ? {} : { channel }),
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        ...(resolution === undefined ? {} : { resolution }),
        ...(format === undefined ? {} : { format }),
      };
      const given = points ?? [];
      if (given.length > 0 === (query.channel !== undefined))
        command.error('error: give either addresses or --channel');
      if (output === undefined && query.format === 'parquet' && cli.out.isTerminal) {
        command.error('error: Parquet is not for a terminal; give --output');
      }
      return cli.withClient(async (client) => {
        const pieces = client.archive.export(
          { ...query, ...(given.length > 0 ? { points: given } : {}) },
          cli.dependencies.interruption(),
        );
        if (output === undefined) for await (const piece of pieces) await cli.out.write(piece);
        else await writeFile(output, pieces);
      });
    });

  history
    .command('import')
    .description(
      'add values that come late or from elsewhere. Each point and time is there once, however often a file is imported; ' +
        'what the site has measured itself stays',
    )
    .argument('<file>', 'CSV or NDJSON, or - for the standard input')
    .addOption(new Option('--format <format>', 'default: by the name of the file, else csv').choices(IMPORT_FORMATS))
    .addHelpText(
      'after',
      examples('statewatt history import may.csv', 'gunzip -c logger.csv.gz | statewatt history import -'),
    )
    .action((file: string, options: { format?: ImportFormat }) =>
      cli.withClient(async (client) => {
        const format = options.format ?? (/\.(ndjson|jsonl)$/i.test(file) ? 'ndjson' : 'csv');
        const source = file === '-' ? process.stdin : createReadStream(file);
        const summary = await importFile(client.archive, readable(source as AsyncIterable<Uint8Array>, file), format);
        if (summary.refused > 0) cli.exitCode = EXIT.bad;
        if (cli.json) await cli.document(summary);
        else await printSummary(cli, summary);
      }),
    );
}

async function* readable(source: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
  const pieces = source[Symbol.asyncIterator]();
  for (;;) {
    let next;
    try {
      next = await pieces.next();
    } catch (error) {
      throw fileError(path, error);
    }
    if (next.done === true) return;
    yield next.value;
  }
}

async function printSummary(
  cli: Cli,
  { rows, stored, replaced, measured, refused, problems }: ImportSummary,
): Promise<void> {
  const notes = [
    ...(replaced > 0 ? [`${replaced} of them had been imported before`] : []),
    ...(measured > 0 ? [`${measured} left out, as the site has measured them itself`] : []),
    ...(refused > 0 ? [`${refused} refused`] : []),
  ];
  await cli.line(`${rows} rows: ${[`${stored} stored`, ...notes].join('; ')}`);
  for (const { line, problem } of problems) await cli.remark(`line ${line}: ${safe(problem)}`);
  if (refused > problems.length) await cli.remark(`… and ${refused - problems.length} more`);
}
