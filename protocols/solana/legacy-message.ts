/** One instruction, with addresses as bytes. */
export interface Instruction {
  readonly program: Buffer;
  readonly accounts: readonly AccountUse[];
  readonly data: Uint8Array;
}

export interface AccountUse {
  readonly key: Buffer;
  readonly signer: boolean;
  readonly writable: boolean;
}

export const readonly = (key: Buffer): AccountUse => ({ key, signer: false, writable: false });
export const writable = (key: Buffer): AccountUse => ({ key, signer: false, writable: true });

interface Entry {
  readonly key: Buffer;
  signer: boolean;
  writable: boolean;
}

/**
 * A message of the legacy form, compiled: each account once, the payer first, then signers before others and writable before
 * readonly ones (https://solana.com/docs/core/transactions). web3.js does the same through objects of several layers, which
 * takes it some hundred times as long.
 */
export function compileMessage(payer: Buffer, blockhash: Buffer, instructions: readonly Instruction[]): Uint8Array {
  const entries = new Map<string, Entry>();
  const use = ({ key, signer, writable: writes }: AccountUse) => {
    const name = key.toString('latin1');
    const known = entries.get(name);
    if (known === undefined) entries.set(name, { key, signer, writable: writes });
    else {
      known.signer ||= signer;
      known.writable ||= writes;
    }
  };
  use({ key: payer, signer: true, writable: true });
  for (const { program, accounts } of instructions) {
    accounts.forEach(use);
    use(readonly(program));
  }
  // Sorting is stable, so the payer stays the first of the writable signers.
  const ordered = [...entries.values()].sort((one, other) => rank(one) - rank(other));
  const places = new Map(ordered.map(({ key }, place) => [key.toString('latin1'), place]));
  const place = (key: Buffer) => places.get(key.toString('latin1')) as number;
  const count = (wanted: (entry: Entry) => boolean) => ordered.filter(wanted).length;

  const parts: Uint8Array[] = [
    Uint8Array.of(
      count(({ signer }) => signer),
      count((entry) => entry.signer && !entry.writable),
      count((entry) => !entry.signer && !entry.writable),
    ),
    shortLength(ordered.length),
    ...ordered.map(({ key }) => key),
    blockhash,
    shortLength(instructions.length),
  ];
  for (const { program, accounts, data } of instructions) {
    parts.push(Uint8Array.of(place(program)), shortLength(accounts.length));
    parts.push(
      Uint8Array.from(accounts, ({ key }) => place(key)),
      shortLength(data.length),
      data,
    );
  }
  // A buffer of its own: others may look at all of a message's buffer.
  return new Uint8Array(Buffer.concat(parts));
}

function rank({ signer, writable: writes }: Entry): number {
  return (signer ? 0 : 2) + (writes ? 0 : 1);
}

/** Seven bits in each byte, the lowest first (“compact-u16”). */
function shortLength(length: number): Uint8Array {
  return length < 0x80 ? Uint8Array.of(length) : Uint8Array.of((length & 0x7f) | 0x80, length >> 7);
}
