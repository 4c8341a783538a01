import { isAlias, isMap, isScalar, isSeq, parseDocument, type Document, type Scalar } from 'yaml';
import { maskSecrets } from '../problems.js';

/** Keys whose value is a secret. Those that name a file (`password_file`, `key` and `credentials` of TLS and NATS) are not. */
const SECRET = /(^|[^a-z])(pass(word|phrase|wd)|pwd|secret|token|api[ _-]?key|authorization|cookie)s?$/i;
const NO_FILE_OF_SETTINGS = /\.csv$/i;
/** In a comment, such as of an entry that was turned off. */
const IN_COMMENT =
  /^(\s*#.*?(?:pass(?:word|phrase|wd)|pwd|secret|token|api[ _-]?key|authorization|cookie)s?["']?\s*[:=]\s*)(?!.*\$\{)\S.*$/i;
const REFERENCE = /\$\{[A-Za-z_][A-Za-z0-9_]*\}/;
export const MASK = '***';

/** A text without its secrets, and how many there were. */
export interface Masked {
  readonly text: string;
  readonly secrets: number;
}

/**
 * A file of a configuration as it may be kept: passwords, tokens and logins in URLs that stand in it themselves are
 * `"***"`; those that are references to the environment (`${NAME}`) are no secrets. What is no YAML is masked line by line.
 */
export function withoutSecrets(path: string, text: string): Masked {
  if (NO_FILE_OF_SETTINGS.test(path)) return { text, secrets: 0 };
  const ranges = secretRanges(parseDocument(text, { logLevel: 'silent' }), text);
  let masked = text;
  let secrets = ranges.length;
  for (const [from, to] of ranges.sort((a, b) => b[0] - a[0]))
    masked = `${masked.slice(0, from)}"${MASK}"${masked.slice(to)}`;
  masked = masked
    .split('\n')
    .map((line) => {
      const safe = withoutLogins(line.replace(IN_COMMENT, `$1${MASK}`));
      if (safe !== line) secrets += 1;
      return safe;
    })
    .join('\n');
  return { text: masked, secrets };
}

/** A value as it may be shown: that of a secret key, and logins in URLs, are masked. */
export function shownValue(key: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (SECRET.test(words(key)) && !REFERENCE.test(value)) return MASK;
  return withoutLogins(value);
}

/** Logins in URLs that are no references. */
function withoutLogins(text: string): string {
  return text.replace(/[a-z][a-z0-9+.-]*:\/\/[^\s"'/@]*@/gi, (login) =>
    REFERENCE.test(login) ? login : maskSecrets(login),
  );
}

type Range = [from: number, to: number];

/** Where values of secret keys stand in the text, each once. */
function secretRanges(document: Document, text: string): Range[] {
  const found = new Map<number, Range>();
  const take = (scalar: Scalar): void => {
    const [from, to] = scalar.range ?? [0, 0];
    const written = text.slice(from, to).trimEnd();
    if (written === '' || scalar.value === null || REFERENCE.test(written)) return;
    found.set(from, [from, from + written.length]);
  };
  const visit = (node: unknown, secret: boolean, seen: ReadonlySet<unknown>): void => {
    if (seen.has(node)) return;
    const below = new Set(seen).add(node);
    if (isAlias(node)) visit(node.resolve(document), secret, below);
    else if (isScalar(node)) {
      if (secret) take(node);
    } else if (isSeq(node)) for (const item of node.items) visit(item, secret, below);
    else if (isMap(node)) {
      for (const { key, value } of node.items) {
        visit(value, secret || (isScalar(key) && SECRET.test(words(String(key.value)))), below);
      }
    }
  };
  visit(document.contents, false, new Set());
  return [...found.values()];
}

/** `dbPassword` as `db Password`. */
function words(key: string): string {
  return key.replace(/([a-z0-9])([A-Z])/g, '$1 $2');
}
