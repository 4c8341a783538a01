import { StatewattError } from '../../errors/error.js';

/** What ties a transaction to a batch: `statewatt:mint:<batch>:<part>`. */
export interface MintMemo {
  readonly batch: string;
  /** A batch that does not fit one transaction has parts 0, 1, … */
  readonly part: number;
}

const BATCH = /^[A-Za-z0-9._/-]{1,64}$/;
const MEMO = /^(?:\[\d+\] )?statewatt:mint:([A-Za-z0-9._/-]{1,64}):(\d{1,9})$/;

/** @throws `chain.batch_invalid` */
export function formatMintMemo({ batch, part }: MintMemo): string {
  if (!BATCH.test(batch)) {
    throw new StatewattError(
      'chain.batch_invalid',
      'invalid',
      `${JSON.stringify(batch.slice(0, 80))} is no name of a batch; wanted: 1 to 64 of A–Z a–z 0–9 . _ / -`,
    );
  }
  return `statewatt:mint:${batch}:${part}`;
}

/** Reads a memo as it was written, or as `getSignaturesForAddress` shows it; undefined for any other text. */
export function parseMintMemo(text: string): MintMemo | undefined {
  const match = MEMO.exec(text);
  return match === null ? undefined : { batch: match[1] as string, part: Number(match[2]) };
}
