import { PublicKey, type Address, type Connection } from '@solana/web3.js';
import { parseMintMemo, type MintMemo } from './mint-memo.js';
import { TOKEN_PROGRAM } from './programs.js';
import { ask } from './rpc.js';

/** A transaction of the mint, as the chain remembers it. */
export interface MintTransaction {
  /** Base58. */
  readonly signature: string;
  readonly slot: number;
  /** ms since the Unix epoch. */
  readonly time: number | undefined;
  readonly failed: boolean;
  /** undefined: it was not made by this program, or is no mint. */
  readonly memo: MintMemo | undefined;
}

/** What one transaction minted to one token account. */
export interface MintedAmount {
  /** Base58. */
  readonly tokenAccount: string;
  /** Base units. */
  readonly amount: bigint;
}

/** The most that one request answers. */
const PAGE = 1_000;
const MINT_TO = 7;
const MINT_TO_CHECKED = 14;

/** Reads from the chain what has been minted, so that it can be reconciled with what should have been. */
export class MintHistory {
  readonly #connection: Connection;
  readonly #mint: Address;

  constructor(connection: Connection, mint: string) {
    this.#connection = connection;
    this.#mint = new PublicKey(mint);
  }

  /**
   * All transactions that name the mint, the newest first.
   *
   * @param until the signature at which to end, itself left out: where an earlier reading began
   * @throws `chain.unavailable` …
   */
  async *transactions({ until }: { until?: string } = {}): AsyncGenerator<MintTransaction> {
    let before: string | undefined;
    for (;;) {
      const page = await ask(
        'the mint’s transactions cannot be listed',
        this.#connection.getSignaturesForAddress(
          this.#mint,
          {
            limit: PAGE,
            ...(before === undefined ? {} : { before: before }),
            ...(until === undefined ? {} : { until: until }),
          },
          'confirmed',
        ),
      );
      for (const { signature, slot, blockTime, err, memo } of page) {
        yield {
          signature,
          slot: Number(slot),
          time: blockTime === null || blockTime === undefined ? undefined : Number(blockTime) * 1000,
          failed: err !== null,
          memo: memo === null ? undefined : parseMintMemo(memo),
        };
      }
      before = page.at(-1)?.signature;
      if (page.length < PAGE || before === undefined) return;
    }
  }

  /**
   * What a transaction minted, from its own instructions; undefined when the endpoint does not have it.
   *
   * @throws `chain.unavailable` …
   */
  async minted(signature: string): Promise<MintedAmount[] | undefined> {
    const found = await ask(
      'the transaction cannot be read',
      this.#connection.getTransaction(signature, { commitment: 'confirmed', maxSupportedTransactionVersion: 0 }),
    );
    if (found === null) return undefined;
    if (found.meta?.err !== null) return [];
    const { message } = found.transaction;
    const keys = message.staticAccountKeys;
    return message.compiledInstructions.flatMap(({ programIdIndex, accountKeyIndexes, data }) => {
      const bytes = Buffer.from(data);
      const [mint, account] = accountKeyIndexes.map((index) => keys[index]);
      const isMint = bytes[0] === MINT_TO || bytes[0] === MINT_TO_CHECKED;
      const program = keys[programIdIndex];
      if (!isMint || mint?.equals(this.#mint) !== true || account === undefined) return [];
      if (program === undefined || !TOKEN_PROGRAM.equals(program.toBytes())) return [];
      return [{ tokenAccount: account.toBase58(), amount: bytes.readBigUInt64LE(1) }];
    });
  }

  /** Lamports that a transaction paid; undefined when the endpoint does not have it at hand. */
  async fee(signature: string): Promise<bigint | undefined> {
    const found = await ask(
      'the transaction cannot be read',
      this.#connection.getTransaction(signature, { commitment: 'confirmed', maxSupportedTransactionVersion: 0 }),
    );
    return found?.meta === null || found === null ? undefined : BigInt(found.meta.fee);
  }

  /** Base units of all that has been minted and not burned. @throws `chain.unavailable` … */
  async supply(): Promise<bigint> {
    const { value } = await ask('the supply cannot be asked for', this.#connection.getTokenSupply(this.#mint));
    return BigInt(value.amount);
  }

  /** Base units that a wallet’s token account holds; 0n when there is none. @throws `chain.unavailable` … */
  async balance(tokenAccount: string): Promise<bigint> {
    const account = await ask(
      'the balance cannot be asked for',
      this.#connection.getAccountInfo(new PublicKey(tokenAccount)),
    );
    return account === null || account.data.length < 72 ? 0n : Buffer.from(account.data).readBigUInt64LE(64);
  }
}
