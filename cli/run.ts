import { CommanderError, type Command } from 'commander';
import { StatewattError, toStatewattError } from '../errors/error.js';
import { Cli, type GlobalOptions } from './cli.js';
import type { Dependencies } from './dependencies.js';
import { EXIT, exitCodeOf, type ExitCode } from './exit-codes.js';
import { OutputClosed } from './output.js';
import { createProgram } from './program.js';
import { safeLines } from './render/text.js';

/**
 * Runs one command line to its end and answers the process's exit code. Never throws: whatever goes wrong is told on
 * `err`, in one line with its code, or with --json as `{"error": …}`.
 *
 * @param args without the names of node and the script
 */
export async function runCli(args: readonly string[], dependencies: Dependencies): Promise<ExitCode> {
  const cli = new Cli(dependencies);
  const program = createProgram(cli);
  try {
    await program.parseAsync(args, { from: 'user' });
    return cli.exitCode;
  } catch (thrown) {
    if (thrown instanceof OutputClosed) return EXIT.ok;
    return report(thrown, cli, program);
  }
}

async function report(thrown: unknown, cli: Cli, program: Command): Promise<ExitCode> {
  const isUsage = thrown instanceof CommanderError;
  if (isUsage && thrown.exitCode === 0) return EXIT.ok; // Help or version, as asked for.
  if (isUsage && thrown.code === 'commander.help') return EXIT.usage; // No command: the help was printed.
  const error = isUsage ? usageError(thrown) : toStatewattError(thrown);
  const text = program.opts<GlobalOptions>().json
    ? JSON.stringify({ error: error.toJSON() })
    : `statewatt: ${error.code}: ${safeLines(error.message)}${hintOf(error)}`;
  try {
    await cli.remark(text);
  } catch (failure) {
    // Nobody reads our errors either; the exit code still tells.
    if (!(failure instanceof OutputClosed)) throw failure;
  }
  return isUsage ? EXIT.usage : exitCodeOf(error.category);
}

/** How the command line does what an error asks for. */
function hintOf({ code }: StatewattError): string {
  return code === 'access.not_signed_in' ? ' Here that is --token or STATEWATT_TOKEN.' : '';
}

/** Commander's `error: unknown option '--x'\n(Did you mean --y?)` as one line. */
function usageError(thrown: CommanderError): StatewattError {
  const message = thrown.message.replace(/^error: /, '').replaceAll('\n', ' ');
  return new StatewattError('cli.usage', 'invalid', `${message.replace(/([^.!?)])$/, '$1.')} See statewatt --help`);
}
