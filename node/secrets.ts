/** Shown in place of a secret. */
export const MASK = '••••••';

/** Names end in one of these words when they hold a secret: `password`, `dbPassword`, `api_key`, `accessToken` …. */
const SECRET = /(^|[^a-z])(pass(word|phrase|wd)s?|pwd|secrets?|token|key|credentials?|authorization)$/;
/** Names that end alike and hold none. */
const HARMLESS = /(public|primary|foreign|idempotency) key$/;

function tellsOfSecret(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[-_.]+/g, ' ')
    .toLowerCase();
  return SECRET.test(words) && !HARMLESS.test(words);
}

/** A copy of any JSON in which every field whose name tells of a secret is masked; null and absent stay as they are. */
export function maskSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskSecrets);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]: [string, unknown]) => {
      const masked = field !== null && field !== undefined && tellsOfSecret(name);
      return [name, masked ? MASK : maskSecrets(field)];
    }),
  );
}
