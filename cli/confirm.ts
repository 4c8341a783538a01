import { createInterface } from 'node:readline/promises';
import { StatewattError } from '../errors/error.js';

/**
 * Has a person at the terminal type a name before something is done that cannot be undone.
 *
 * @param yes what on the command line says so beforehand
 * @returns whether it was that name
 * @throws `cli.usage` where nobody can be asked
 */
export async function confirmByName(question: string, name: string, yes: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    const why = `nobody can be asked here whether this is meant; say so with ${yes}`;
    throw new StatewattError('cli.usage', 'invalid', why);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(question)).trim() === name;
  } finally {
    terminal.close();
  }
}
