import type { Command } from 'commander';
import type { ModelDetail, ModelPointView, ModelView, TemplateView } from '../../actors/client/model-schemas.js';
import { hierarchyOf, type ModelNode } from '../../site/models/hierarchy.js';
import type { Cli } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { parseModel, parseModelValue, parseSeconds } from '../parse.js';
import { printFields } from '../render/fields.js';
import type { Column } from '../render/table.js';
import { NOTHING, formatAge, formatValue, safe } from '../render/text.js';
import { GROUPS, examples } from './help.js';
import { addModelChanges } from './model-changes.js';
import { addModelData } from './model-data.js';

export function addModels(program: Command, cli: Cli): void {
  const models = program
    .command('models')
    .helpGroup(GROUPS.look)
    .summary('list, show, tree, templates, create, remove, write, watch, history')
    .description('Models of equipment, made from templates. Lists them when no command is given.')
    .addHelpText(
      'after',
      examples(
        'statewatt models',
        'statewatt models show grid_meter',
        'statewatt models write battery power_setpoint 5000',
        'statewatt models create models.json',
        'statewatt models watch battery --point soc',
        'statewatt models history battery soc --from -1d --resolution 1m',
      ),
    );

  models
    .command('list', { isDefault: true })
    .description('list every model')
    .action(() =>
      cli.withClient(async (client) => {
        const list = await client.models();
        if (cli.json) await cli.document(list);
        else await cli.table(MODELS, list);
      }),
    );

  models
    .command('show')
    .description('one model with its points and their values')
    .argument('<id>', 'model', parseModel)
    .action((id: string) =>
      cli.withClient(async (client) => {
        const detail = await client.model(id);
        if (cli.json) await cli.document(detail);
        else await printModel(cli, detail);
      }),
    );

  models
    .command('tree')
    .description('the site as a tree: products, their models, the parts of these')
    .action(() =>
      cli.withClient(async (client) => {
        const tree = hierarchyOf(await client.models());
        if (cli.json) return cli.document(tree);
        for (const { product, models: roots } of tree) {
          await cli.line(safe(product === '' ? '(template is missing)' : product));
          for (const node of roots) await printNode(cli, node, 1);
        }
      }),
    );

  models
    .command('templates')
    .description('what models may be made from')
    .action(() =>
      cli.withClient(async (client) => {
        const list = await client.templates();
        if (cli.json) await cli.document(list);
        else await cli.table(TEMPLATES, list);
      }),
    );

  models
    .command('write')
    .description('write a point: at the channel that it stands for, or as the value that it holds')
    .argument('<id>', 'model', parseModel)
    .argument('<point>', 'name of the point')
    .argument('<value>', 'a number; for C and S points also on, off, true, false')
    .option('--text', 'take the value as text')
    .option('--deadline <seconds>', 'how long to wait for the answer, 0.001 … 60 (default: 5)', parseSeconds)
    .action((model: string, point: string, text: string, options: { text?: boolean; deadline?: number }) =>
      cli.withClient(async (client) => {
        const value = parseModelValue(text, options.text === true);
        const deadline = options.deadline === undefined ? {} : { deadlineMs: options.deadline };
        const reply = await client.writeModel({ model, point, value, ...deadline });
        if (!reply.confirmed) cli.exitCode = EXIT.bad;
        if (cli.json) return cli.document(reply);
        const { address, written, confirmed, answer } = reply;
        const agrees = confirmed ? 'confirmed' : 'NOT confirmed';
        await cli.line(`${safe(address)}: written ${formatValue(written)}, ${agrees}: ${safe(answer)}`);
      }),
    );
  addModelChanges(models, cli);
  addModelData(models, cli);
}

const MODELS: readonly Column<ModelView>[] = [
  { title: 'ID', value: (model) => safe(model.id) },
  { title: 'NAME', value: (model) => safe(model.name), shrinks: true },
  { title: 'TEMPLATE', value: (model) => safe(model.template) },
  { title: 'PRODUCT', value: (model) => safe(model.product) },
  { title: 'PART OF', value: (model) => safe(model.parent ?? NOTHING) },
  { title: 'FROM', value: (model) => (model.source === 'site' ? 'site file' : 'caller') },
  { title: 'PROBLEM', value: (model) => safe(model.problem ?? NOTHING), shrinks: true },
];

const TEMPLATES: readonly Column<TemplateView>[] = [
  { title: 'ID', value: (template) => safe(template.id) },
  { title: 'PRODUCT', value: (template) => safe(template.product) },
  { title: 'DESCRIPTION', value: (template) => safe(template.description), shrinks: true },
  {
    title: 'PARAMETERS',
    value: (template) => safe(template.parameters.map(({ name }) => name).join(', ')),
    shrinks: true,
  },
];

function points(now: number): readonly Column<ModelPointView>[] {
  return [
    { title: 'POINT', value: (point) => safe(point.name) },
    { title: 'KIND', value: (point) => point.kind },
    { title: 'VALUE', value: valueOf, align: 'right' },
    { title: 'UNIT', value: (point) => safe(point.unit) },
    { title: 'QUALITY', value: (point) => point.quality },
    { title: 'AGE', value: (point) => formatAge(point.time, now), align: 'right' },
    { title: 'FROM', value: (point) => safe(point.point ?? NOTHING) },
    { title: 'TITLE', value: (point) => safe(point.title), shrinks: true },
  ];
}

/** A number of an enumeration with what it means. */
function valueOf({ value, symbols }: ModelPointView): string {
  if (value === null) return NOTHING;
  const meaning = symbols?.[String(value)];
  const text = formatValue(value);
  return safe(meaning === undefined ? text : `${text} ${meaning}`);
}

async function printModel(cli: Cli, { model, points: list }: ModelDetail): Promise<void> {
  const parameters = Object.entries(model.parameters).map(([name, value]) => `${name} ${value}`);
  await printFields(cli, [
    ['model', safe(model.id)],
    ['name', safe(model.name)],
    ['actor', safe(model.ref)],
    ['template', safe(model.template)],
    ['parameters', safe(parameters.join(', ') || NOTHING)],
    ['part of', safe(model.parent ?? NOTHING)],
    ['from', model.source === 'site' ? 'the site file' : 'a caller'],
    ['problem', safe(model.problem ?? NOTHING)],
  ]);
  if (list.length > 0) await cli.table(points(cli.now()), list);
}

async function printNode(cli: Cli, { model, parts }: ModelNode<ModelView>, depth: number): Promise<void> {
  await cli.line(`${'  '.repeat(depth)}${safe(model.id)}  ${safe(model.name)}`);
  for (const part of parts) await printNode(cli, part, depth + 1);
}
