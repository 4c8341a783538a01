import { StatewattError } from '../errors/error.js';

const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/**
 * The text with each `${NAME}` replaced by the environment variable of that name. Secrets are written so in
 * configurations, and are put in only where they are used: they are in no journal, log or answer.
 *
 * @throws `config.variable_missing`
 */
export function resolveReferences(
  text: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  return text.replace(REFERENCE, (_, name: string) => {
    const value = env[name];
    if (value !== undefined && value !== '') return value;
    throw new StatewattError(
      'config.variable_missing',
      'invalid',
      `the environment variable ${name}, which the configuration refers to, is not set on this node`,
      { details: { variable: name } },
    );
  });
}
