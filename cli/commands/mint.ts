import { Argument, type Command } from 'commander';
import type { MintBatchView, MintingView } from '../../actors/client/minting.js';
import type { Cli } from '../cli.js';
import { printFields } from '../render/fields.js';
import type { Column } from '../render/table.js';
import { NOTHING, formatAge, formatTime, safe } from '../render/text.js';
import { GROUPS, examples } from './help.js';

const AUTO = { on: true, off: false, configured: null } as const;

export function addMint(program: Command, cli: Cli): void {
  const mint = program
    .command('mint')
    .helpGroup(GROUPS.act)
    .summary('tokens for readings: show, batch, retry, now, auto')
    .description('Minting: what waits, what is under way, and what it cost. Shows that when no command is given.')
    .addHelpText(
      'after',
      examples('statewatt mint', 'statewatt mint batch 812-1', 'statewatt mint retry 812-1', 'statewatt mint auto off'),
    );
  const show = (ask: () => Promise<MintingView>) => ask().then((view) => printMinting(cli, view));
  mint
    .command('show', { isDefault: true })
    .description('what waits, batches that are not settled, and the last that were')
    .action(() => cli.withClient((client) => show(() => client.minting.view())));
  mint
    .command('now')
    .description('mint all that waits now')
    .action(() => cli.withClient((client) => show(() => client.minting.mint())));
  mint
    .command('auto')
    .description('mint as readings come (on), only when told to (off), or as it is configured')
    .addArgument(new Argument('<state>').choices(Object.keys(AUTO)))
    .action((state: keyof typeof AUTO) => cli.withClient((client) => show(() => client.minting.auto(AUTO[state]))));
  mint
    .command('batch')
    .description('one batch, its transaction and its readings')
    .argument('<id>', 'batch')
    .action((id: string) => cli.withClient(async (client) => printBatch(cli, await client.minting.batch(id))));
  mint
    .command('retry')
    .description('try a batch that is parked, or waits for its next try, now')
    .argument('<id>', 'batch')
    .action((id: string) =>
      cli.withClient(async (client) => {
        const batch = await client.minting.retry(id);
        if (cli.json) await cli.document(batch);
        else await cli.line(`${safe(batch.id)} is ${batch.state}`);
      }),
    );
}

async function printMinting(cli: Cli, view: MintingView): Promise<void> {
  if (cli.json) {
    await cli.document(view);
    return;
  }
  await printFields(cli, [
    ['minting', `${view.auto ? 'as readings come' : 'when told to'}${view.wanted ? ', told to now' : ''}`],
    ['waiting', `${view.waiting} readings`],
    ['under way', `${view.moving} batches`],
    ['minted', `${view.minted} of ${view.readings} readings, ${view.tokens} base units`],
    ['fees', `${view.feesPaid} lamports paid, ${view.feesEstimated} expected`],
    ['problem', view.problem === null ? NOTHING : safe(view.problem), view.problem === null ? 'none' : 'alarm'],
  ]);
  const now = cli.now();
  const columns: readonly Column<MintingView['open'][number]>[] = [
    { title: 'BATCH', value: ({ id }) => safe(id) },
    { title: 'STATE', value: ({ state }) => state },
    { title: 'SINCE', value: ({ since }) => formatAge(since, now), align: 'right' },
    { title: 'READINGS', value: ({ readings }) => String(readings), align: 'right' },
  ];
  await cli.table(columns, [...view.open, ...view.recent]);
}

async function printBatch(cli: Cli, batch: MintBatchView): Promise<void> {
  if (cli.json) {
    await cli.document(batch);
    return;
  }
  const { transaction, outcome, error, retryAt } = batch;
  await printFields(cli, [
    ['batch', safe(batch.id)],
    ['state', batch.state],
    ['since', formatTime(batch.since)],
    ['tokens', `${batch.tokens} base units for ${batch.items.length} readings`],
    ['attempts', String(batch.attempts)],
    ['signature', safe(transaction?.signature ?? NOTHING)],
    ['slot', outcome === null ? NOTHING : String(outcome.slot)],
    ['fee', `${outcome?.fee ?? NOTHING} lamports paid, ${transaction?.feeEstimate ?? NOTHING} expected`],
    ['part of', safe(batch.parent ?? NOTHING)],
    ['parts', batch.children.length === 0 ? NOTHING : safe(batch.children.join(', '))],
    ['next try', retryAt === null ? NOTHING : formatTime(retryAt)],
    ['last error', error === null ? NOTHING : `${formatTime(error.at)}  ${safe(error.message)}`],
  ]);
  const columns: readonly Column<MintBatchView['items'][number]>[] = [
    { title: 'METER', value: ({ meter }) => safe(meter) },
    { title: 'SEQUENCE', value: ({ sequence }) => String(sequence), align: 'right' },
    { title: 'TOKENS', value: ({ tokens }) => tokens, align: 'right' },
    { title: 'USER', value: ({ user }) => safe(user), shrinks: true },
    { title: 'WALLET', value: ({ wallet }) => safe(wallet), shrinks: true },
  ];
  await cli.table(columns, batch.items);
}
