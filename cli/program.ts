import { Command } from 'commander';
import type { Cli, GlobalOptions } from './cli.js';
import { COMMANDS } from './commands/index.js';
import { DEFAULT_DATA_FOLDER } from './target.js';

const AFTER_HELP = `
Exit codes:
  0  ok
  1  the answer is bad: unhealthy, refused, not confirmed, invalid configuration
  2  the command line is wrong
  3  no node, or a part that it needs, can be reached
  4  there is no such actor, alarm, channel, point or dead letter
  5  no answer in time

Examples:
  statewatt health
  statewatt points --channel 1001
  statewatt history comsrv:1001:T:1 --from -1h
`;

/** The whole command line, not yet parsed. Problems are thrown, never printed; the process is never ended. */
export function createProgram(cli: Cli): Command {
  const { version, out, err } = cli.dependencies;
  const program = new Command('statewatt')
    .description('Runs an energy site and looks into a running one.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help for a command')
    .option('--json', 'answer for programs: one JSON document, or one per line for tail')
    .option('--nats <url>', 'NATS server of the running site (environment: NATS_URL)')
    .option('--data <folder>', `data folder of the node (environment: STATEWATT_DATA; default: ${DEFAULT_DATA_FOLDER})`)
    .option(
      '--token <token>',
      'token of a user, or an API key, where access is controlled (environment: STATEWATT_TOKEN)',
    )
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      writeOut: (text) => void out.write(text),
      writeErr: (text) => void err.write(text),
      outputError: () => undefined,
      getOutHelpWidth: () => cli.out.width ?? 100,
      getErrHelpWidth: () => cli.err.width ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride()
    .addHelpText('after', AFTER_HELP)
    .addHelpCommand(
      new Command('help').argument('[command]').description('print help for a command').helpGroup('Help:'),
    )
    .hook('preAction', () => {
      cli.options = program.opts<GlobalOptions>();
    });
  for (const add of COMMANDS) add(program, cli);
  return program;
}
