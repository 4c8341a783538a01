import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { MAX_NEW_MODELS, type ModelVerdict } from '../../actors/client/model-data.js';
import type { NewModel } from '../../actors/client/model-schemas.js';
import { errorMessage, StatewattError } from '../../errors/error.js';
import type { Cli } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { parseModel } from '../parse.js';
import type { Column } from '../render/table.js';
import { NOTHING, safe } from '../render/text.js';
import { examples } from './help.js';

/** `models create` and `models remove`: models of callers. */
export function addModelChanges(models: Command, cli: Cli): void {
  models
    .command('create')
    .description('make the models of a file, each for itself; those of the site file are made there')
    .argument('<file>', 'JSON: a list of models, or one, as POST /api/v1/models takes it; - for the standard input')
    .addHelpText(
      'after',
      examples(
        'statewatt models create models.json',
        `echo '{"id": "roof", "template": "pv_inverter"}' | statewatt models create -`,
      ),
    )
    .action(async (file: string) => {
      const wanted = await readModels(file);
      return cli.withClient(async (client) => {
        const verdicts: ModelVerdict[] = [];
        for (let at = 0; at < wanted.length; at += MAX_NEW_MODELS) {
          verdicts.push(...(await client.createModels(wanted.slice(at, at + MAX_NEW_MODELS))).verdicts);
        }
        const created = verdicts.filter(({ model }) => model !== undefined).length;
        const refused = verdicts.length - created;
        if (refused > 0) cli.exitCode = EXIT.bad;
        if (cli.json) return cli.document({ created, refused, verdicts });
        await cli.line(`${created} made, ${refused} refused`);
        if (refused > 0) {
          await cli.table(
            REFUSALS,
            verdicts.filter(({ error }) => error !== undefined),
          );
        }
      });
    });

  models
    .command('remove')
    .description('remove one that does not stand in the site file')
    .argument('<id>', 'model', parseModel)
    .addHelpText('after', examples('statewatt models remove roof'))
    .action((id: string) =>
      cli.withClient(async (client) => {
        await client.removeModel(id);
        if (!cli.json) await cli.line(`${safe(id)}: removed`);
      }),
    );
}

const REFUSALS: readonly Column<ModelVerdict>[] = [
  { title: 'ID', value: ({ id }) => safe(id) },
  { title: 'WHY', value: ({ error }) => safe(error?.message ?? NOTHING), shrinks: true },
];

/** What a model must be is for the site to say; here only that there are some. */
async function readModels(file: string): Promise<NewModel[]> {
  let read: unknown;
  try {
    read = JSON.parse(file === '-' ? await text(process.stdin) : await readFile(file, 'utf8'));
  } catch (error) {
    throw new StatewattError('cli.unreadable_file', 'invalid', `${file}: ${errorMessage(error)}`);
  }
  const models = Array.isArray(read) ? read : [read];
  if (models.length > 0 && models.every(isObject)) return models as NewModel[];
  throw new StatewattError('cli.unreadable_file', 'invalid', `${file}: no models; allowed is a list of JSON objects`);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
