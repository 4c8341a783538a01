import type { Command } from 'commander';
import { StatewattError } from '../../errors/error.js';
import type { Cli } from '../cli.js';
import type { UpOptions } from '../run-site.js';
import { examples, GROUPS } from './help.js';

export function addNode(program: Command, cli: Cli): void {
  program
    .command('node')
    .helpGroup(GROUPS.run)
    .summary('join the nodes of a running site')
    .description(
      'Runs a further node of a site: it takes its share of the channels, and all of them when the others go. ' +
        'It needs the site’s configuration, its NATS (--nats or NATS_URL) and its history (CLICKHOUSE_URL). ' +
        'Ctrl-C or SIGTERM hands its channels over and stops it.',
    )
    .argument('[site]', 'the same configuration as the other nodes have (default: site.yaml)')
    .option('--http-port <port>', 'port of its web page and HTTP interface (default: any that is free)')
    .option('--http-host <address>', 'address that HTTP listens on (default: 127.0.0.1, this machine only)')
    .addHelpText('after', examples('CLICKHOUSE_URL=http://10.0.0.2:8123 statewatt node --nats nats://10.0.0.1:4222'))
    .action((site: string | undefined, options: UpOptions) => join(cli, site, options));
}

async function join(cli: Cli, site: string | undefined, options: UpOptions): Promise<void> {
  const { env } = cli.dependencies;
  const missing = [
    ...(cli.options.nats === undefined && !env.NATS_URL ? ['the site’s NATS: --nats URL or NATS_URL'] : []),
    ...(env.CLICKHOUSE_URL ? [] : ['the site’s history: CLICKHOUSE_URL']),
  ];
  if (missing.length > 0) {
    throw new StatewattError('node.cannot_join', 'invalid', `a node that joins needs ${missing.join(', and ')}`);
  }
  const { runSite } = await import('../run-site.js');
  await runSite(cli, site, { ...options, httpPort: options.httpPort ?? '0', joins: true });
}
