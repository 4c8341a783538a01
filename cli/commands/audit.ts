import type { Command } from 'commander';
import type { AuditEntry, AuditQuery } from '../../actors/client/access.js';
import type { Cli } from '../cli.js';
import { parseTime, parseLimit } from '../parse.js';
import type { Column } from '../render/table.js';
import { NOTHING, formatTime, safe } from '../render/text.js';
import { GROUPS, examples } from './help.js';

export function addAudit(program: Command, cli: Cli): void {
  program
    .command('audit')
    .helpGroup(GROUPS.access)
    .summary('who did what')
    .description('Who asked for what, and whether it was allowed; newest first. What only reads is not listed.')
    .option('--who <name>', 'only of this user; of an API key: key:<name>')
    .option('--from <time>', 'ISO 8601, or back from now as -1h', (text) => parseTime(text, cli.now()))
    .option('--to <time>', 'until before this time', (text) => parseTime(text, cli.now()))
    .option('--limit <n>', 'entries at most (default: 100)', parseLimit)
    .option('--cursor <cursor>', 'go on from there')
    .addHelpText('after', examples('statewatt audit --from -1d', 'statewatt audit --who olga'))
    .action((query: AuditQuery) =>
      cli.withClient(async (client) => {
        const page = await client.access.audit({ ...query, limit: Math.min(query.limit ?? 100, 1_000) });
        if (cli.json) return cli.document(page);
        await cli.table(COLUMNS, page.entries);
        if (page.nextCursor !== null) await cli.remark(`There are more: repeat with --cursor ${page.nextCursor}`);
      }),
    );
}

const COLUMNS: readonly Column<AuditEntry>[] = [
  { title: 'WHEN', value: (entry) => formatTime(entry.at) },
  { title: 'WHO', value: (entry) => safe(entry.who) },
  { title: 'ROLE', value: (entry) => entry.role ?? NOTHING },
  { title: 'FROM', value: (entry) => safe(entry.address) },
  {
    title: 'VERDICT',
    value: (entry) => entry.verdict,
    tone: (entry) => (entry.verdict === 'denied' ? 'alarm' : 'none'),
  },
  { title: 'WHAT', value: (entry) => safe(entry.what), shrinks: true },
  { title: 'REF', value: (entry) => safe(entry.ref), shrinks: true },
];
