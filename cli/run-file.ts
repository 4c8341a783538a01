import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import Type, { type Static } from 'typebox';
import { StatewattError, errorMessage } from '../errors/error.js';
import { SELDOM_USED, validator } from '../site/validator.js';

/** What a running node writes into its data folder, so that the commands on the same machine find it. */
export const RunFileSchema = Type.Object({
  nats: Type.Object({ url: Type.String({ minLength: 1 }) }),
  http: Type.Object({ url: Type.String({ minLength: 1 }) }),
  /** Of the embedded engine. */
  history: Type.Optional(Type.Object({ url: Type.String({ minLength: 1 }) })),
  pid: Type.Integer({ minimum: 1 }),
  node: Type.String(),
  startedAt: Type.Union([Type.String(), Type.Number()]),
  /** Lets the commands on this machine in where access is controlled; renewed while the node runs. */
  token: Type.Optional(Type.String()),
});
export type RunFile = Static<typeof RunFileSchema>;

const isRunFile = validator(() => new Ajv(SELDOM_USED).compile<RunFile>(RunFileSchema));

export function runFilePath(dataFolder: string): string {
  return join(dataFolder, 'run.json');
}

/**
 * Reads the run file of a data folder.
 * @throws `cli.no_node` when there is none, `cli.run_file_invalid` when it is not one
 */
export async function readRunFile(dataFolder: string): Promise<RunFile> {
  const path = runFilePath(dataFolder);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new StatewattError(
      'cli.no_node',
      'unavailable',
      `no running node: ${path} cannot be read (${errorMessage(cause)}). Start one with \`statewatt up\`, ` +
        'or name its data folder with --data DIR or its NATS server with --nats URL or NATS_URL',
      { cause },
    );
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, errorMessage(cause), cause);
  }
  if (isRunFile(content)) return content;
  const problem = isRunFile.errors?.[0];
  throw invalid(path, `${problem?.instancePath || 'the file'} ${problem?.message}`);
}

function invalid(path: string, why: string, cause?: unknown): StatewattError {
  const message = `${path} is no run file of a node: ${why}. Allowed is what \`statewatt up\` writes`;
  return new StatewattError('cli.run_file_invalid', 'unavailable', message, { cause });
}
