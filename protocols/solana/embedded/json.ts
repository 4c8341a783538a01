/**
 * JSON with whole numbers of any size, which JSON itself allows and Solana’s interface uses: amounts of lamports and the
 * like are unsigned 64-bit integers there. Only for plain data.
 */
export function stringify(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(stringify).join(',')}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => `${JSON.stringify(name)}:${stringify(member)}`);
  return `{${members.join(',')}}`;
}
