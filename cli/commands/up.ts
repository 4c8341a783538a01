import type { Command } from 'commander';
import type { Cli } from '../cli.js';
import type { UpOptions } from '../run-site.js';
import { examples, GROUPS } from './help.js';

const ENVIRONMENT_HELP = `
Environment (docs/configuration.md has them all):
  NATS_URL             use this NATS instead of an own nats-server
  REDIS_URL            realtime values go to this Redis instead of the process's memory
  CLICKHOUSE_URL       history goes to this ClickHouse instead of the embedded engine
  STATEWATT_DATA       data folder (default: .statewatt)
  STATEWATT_HTTP_PORT  port of the web page and the HTTP interface (default: 8080)
  STATEWATT_LOG_LEVEL  fatal, error, warn, info (default), debug, trace or silent
`;

export function addUp(program: Command, cli: Cli): void {
  program
    .command('up')
    .helpGroup(GROUPS.run)
    .summary('run a site until it is stopped')
    .description(
      'Runs a site: devices, live values, history, web page, HTTP and NATS interfaces. ' +
        'What the environment does not name elsewhere runs embedded. Ctrl-C or SIGTERM stops everything in order.',
    )
    .argument('[site]', 'site.yaml, a folder that holds one, or a VoltageEMS configuration folder (default: site.yaml)')
    .option('--demo', 'also run the simulated devices of the demo; without a site, run the demo site')
    .option('--nodes <n>', 'run so many nodes, each a process of its own, that share the channels (default: 1)')
    .option('--http-port <port>', 'port of the web page and the HTTP interface; 0 = any that is free')
    .option('--http-host <address>', 'address that HTTP listens on (default: 127.0.0.1, this machine only)')
    .addHelpText('after', ENVIRONMENT_HELP)
    .addHelpText(
      'after',
      examples(
        'statewatt up --demo',
        'statewatt up site.yaml --nodes 3',
        'REDIS_URL=redis://10.0.0.1 statewatt up site.yaml',
      ),
    )
    .action(async (site: string | undefined, options: UpOptions) => {
      const { runSite } = await import('../run-site.js');
      await runSite(cli, site, options);
    });
}
