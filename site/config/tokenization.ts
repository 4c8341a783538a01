import { parseDecimal } from '../metering/energy.js';
import {
  checkTokenization,
  TOKENIZATION_DEFAULTS,
  type Tokenization,
  type TokenizationChanges,
} from '../metering/tokenization.js';
import { choices, nearest, show } from './problems.js';
import { TokenizationFileSchema, type TokenizationFile } from './schema/tokenization.js';
import type { Block } from './source.js';

const PREFIX = 'TOKENIZATION_';
type FileKey = keyof TokenizationFile;
const KEYS = Object.keys(TokenizationFileSchema.properties) as FileKey[];
/** Decimals of a kWh ratio or limit that can be counted. */
const MAX_SCALE = 9;

/** Every variable of the section, and what it may hold. */
export const TOKENIZATION_VARIABLES: readonly string[] = KEYS.map(variableOf);

/** The section of a site file, with its problems told where they stand. */
export function readTokenization(file: TokenizationFile, block: Block): TokenizationChanges {
  const changes = toChanges(file, (key, found, allowed) => block.report(key, found, allowed));
  for (const { key, found, allowed } of checkTokenization({ ...TOKENIZATION_DEFAULTS, ...changes })) {
    block.report(fileKey(key), found, allowed);
  }
  return changes;
}

/**
 * What the variables TOKENIZATION_… say; undefined when there is none of them.
 *
 * @param problems gets one line for each variable that cannot be used
 */
export function tokenizationVariables(
  env: Readonly<Record<string, string | undefined>>,
  problems: string[],
): TokenizationChanges | undefined {
  const file: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(env)) {
    const value = text?.trim() ?? '';
    if (!name.startsWith(PREFIX) || value === '') continue;
    const key = KEYS.find((each) => variableOf(each) === name);
    if (key === undefined) {
      const near = nearest(name, TOKENIZATION_VARIABLES);
      const hint = near === undefined ? '' : `; did you mean ${near}?`;
      problems.push(`${name}: unknown variable, allowed ${choices(TOKENIZATION_VARIABLES)}${hint}`);
      continue;
    }
    const parsed = parseVariable(key, value);
    if (parsed === undefined) problems.push(`${name}: found ${show(value)}, allowed ${allowedOf(key)}`);
    else file[key] = parsed;
  }
  const changes = toChanges(file, (key, found, allowed) => {
    problems.push(`${variableOf(key)}: found ${found}, allowed ${allowed}`);
  });
  return Object.keys(file).length === 0 ? undefined : changes;
}

/**
 * The settings in force: those of the environment, else those of the site file, else the defaults.
 *
 * @returns the problems of their combination too, one line each, by the names of the variables
 */
export function effectiveTokenization(
  site: TokenizationChanges | undefined,
  environment: TokenizationChanges | undefined,
): { readonly settings: Tokenization; readonly problems: readonly string[] } {
  const settings = { ...TOKENIZATION_DEFAULTS, ...site, ...environment };
  const problems = checkTokenization(settings).map(
    ({ key, found, allowed }) => `${variableOf(fileKey(key))}: found ${found}, allowed ${allowed}`,
  );
  return { settings, problems };
}

function toChanges(
  file: TokenizationFile,
  report: (key: FileKey, found: string, allowed: string) => void,
): TokenizationChanges {
  const changes: Record<string, unknown> = {};
  for (const key of KEYS) {
    const value = file[key];
    if (value === undefined) continue;
    if (isDecimal(key)) {
      const text = String(value);
      const decimal = parseDecimal(text);
      if (decimal === undefined || decimal.digits === 0n || decimal.scale > MAX_SCALE) {
        report(key, show(value), `a decimal number above 0 with at most ${MAX_SCALE} decimals, such as 2.5`);
        continue;
      }
      changes[settingOf(key)] = text;
    } else {
      changes[settingOf(key)] = value;
    }
  }
  return changes;
}

function parseVariable(key: FileKey, text: string): unknown {
  if (isDecimal(key)) return text;
  const { type, minimum = 0, maximum = 0 } = TokenizationFileSchema.properties[key] as Rule;
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined;
  if (!(type === 'integer' ? /^\d{1,9}$/ : /^\d{1,9}(\.\d{1,9})?$/).test(text)) return undefined;
  const value = Number(text);
  return value >= minimum && value <= maximum ? value : undefined;
}

function allowedOf(key: FileKey): string {
  const { type, minimum, maximum } = TokenizationFileSchema.properties[key] as Rule;
  if (type === 'boolean') return 'true or false';
  return `a ${type === 'integer' ? 'whole ' : ''}number from ${minimum} to ${maximum}`;
}

interface Rule {
  readonly type: string | readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

function isDecimal(key: FileKey): boolean {
  return Array.isArray((TokenizationFileSchema.properties[key] as Rule).type);
}

function variableOf(key: FileKey): string {
  return `${PREFIX}${key.toUpperCase()}`;
}

/** `polling_interval_secs` is `pollingIntervalSecs` in the program. */
function settingOf(key: FileKey): string {
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function fileKey(setting: keyof Tokenization): FileKey {
  return setting.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) as FileKey;
}
