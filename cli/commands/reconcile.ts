import type { Command } from 'commander';
import type { Difference, Reconciliation } from '../../actors/client/minting.js';
import type { Cli } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { printFields } from '../render/fields.js';
import type { Column } from '../render/table.js';
import { NOTHING, safe } from '../render/text.js';
import { GROUPS, examples } from './help.js';

/** What each kind of difference is, in words. */
const WORDS: Readonly<Record<Difference['kind'], string>> = {
  no_batch: 'on the chain, of no batch',
  unknown_batch: 'on the chain, of a batch that the journal does not know',
  other_transaction: 'on the chain, by another transaction than the journal has',
  not_settled: 'on the chain, not in the journal',
  other_amount: 'other amounts or wallets',
  not_on_chain: 'in the journal, not on the chain',
  ledger: 'other in the ledger than in the journal',
};

export function addReconcile(program: Command, cli: Cli): void {
  program
    .command('reconcile')
    .helpGroup(GROUPS.look)
    .summary('compare what was minted on the chain with the journal')
    .description(
      'Compare all that was minted on the chain with the journal and the ledger, both ways. Prints every difference, and ends ' +
        'with 1 when there is one.',
    )
    .addHelpText('after', examples('statewatt reconcile', 'statewatt reconcile --json'))
    .action(() => cli.withClient(async (client) => print(cli, await client.minting.reconcile())));
}

async function print(cli: Cli, result: Reconciliation): Promise<void> {
  if (result.found > 0) cli.exitCode = EXIT.bad;
  if (cli.json) {
    await cli.document(result);
    return;
  }
  const { transactions, batches, underWay, chain, journal, ledger, found, differences } = result;
  await printFields(cli, [
    ['chain', `${chain} base units by ${transactions} transactions`],
    ['journal', `${journal} base units by ${batches} batches`],
    ['ledger', ledger === null ? 'not compared: it is behind the journal' : `${ledger} base units`],
    ['under way', `${underWay} transactions`],
    ['differences', String(found), found === 0 ? 'none' : 'alarm'],
  ]);
  if (found === 0) return;
  const columns: readonly Column<Difference>[] = [
    { title: 'DIFFERENCE', value: ({ kind }) => WORDS[kind] },
    { title: 'BATCH', value: ({ batch }) => safe(batch ?? NOTHING) },
    { title: 'CHAIN', value: ({ chain }) => chain ?? NOTHING, align: 'right' },
    { title: 'JOURNAL', value: ({ journal }) => journal ?? NOTHING, align: 'right' },
    { title: 'LEDGER', value: ({ ledger }) => ledger ?? NOTHING, align: 'right' },
    { title: 'SIGNATURE', value: ({ signature }) => safe(signature ?? NOTHING), shrinks: true },
  ];
  await cli.table(columns, differences);
  if (found > differences.length) await cli.remark(`… and ${found - differences.length} more`);
}
