/**
 * The first dotted number in a text, as numbers: `nats-server: v2.15.1` → [2, 15, 1].
 *
 * @param {string} text
 * @returns {number[] | undefined}
 */
export function parseVersion(text) {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  if (match === null) return undefined;
  return match.slice(1).map((part) => Number(part ?? 0));
}

/**
 * @param {readonly number[]} version
 * @param {string} minimum such as `2.12.0`
 */
export function isAtLeast(version, minimum) {
  const wanted = minimum.split('.').map(Number);
  for (let index = 0; index < wanted.length; index++) {
    const difference = (version[index] ?? 0) - (wanted[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
