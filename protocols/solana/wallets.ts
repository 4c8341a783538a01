import { PublicKey, type AccountInfo, type Address, type Connection } from '@solana/web3.js';
import { decodeBase58 } from '../../site/metering/base58.js';
import { SYSTEM_PROGRAM, TOKEN_PROGRAM } from './programs.js';
import { ask } from './rpc.js';
import { tokenAccountOf } from './token-instructions.js';
import { readTokenAccount } from './token-state.js';

/** Where a wallet's tokens go, or why it can have none. */
export type WalletCheck =
  | { readonly wallet: string; readonly tokenAccount: string; readonly create: boolean }
  | { readonly wallet: string; readonly code: WalletRefusal; readonly message: string };

/** Why a wallet cannot be minted to. */
export type WalletRefusal =
  | 'chain.wallet_invalid'
  | 'chain.wallet_off_curve'
  | 'chain.wallet_not_system'
  | 'chain.token_account_unusable'
  | 'chain.token_account_frozen';

interface Known {
  readonly key: Address;
  readonly tokenAccount: Address;
}

/** Accounts that one request may ask for; a wallet and its token account each. */
const ACCOUNTS_PER_REQUEST = 100;
/** Addresses that are remembered: finding one takes a millisecond. */
const MAX_KNOWN = 100_000;

/** Finds the token accounts of wallets for one mint, and says which wallets cannot be minted to. */
export class Wallets {
  readonly #connection: Connection;
  readonly #mint: Address;
  readonly #known = new Map<string, Known | WalletCheck>();

  constructor(connection: Connection, mint: string) {
    this.#connection = connection;
    this.#mint = new PublicKey(mint);
  }

  /**
   * One request for every 50 wallets.
   *
   * @returns for each wallet, in their order
   * @throws `chain.unavailable` and the like
   */
  async check(wallets: readonly string[]): Promise<WalletCheck[]> {
    const found = await Promise.all(wallets.map((wallet) => this.#find(wallet)));
    const states = new Map<Known, [wallet: Account, tokenAccount: Account]>();
    const unique = [...new Set(found.filter(isKnown))];
    const size = ACCOUNTS_PER_REQUEST / 2;
    for (let from = 0; from < unique.length; from += size) {
      const part = unique.slice(from, from + size);
      const keys = part.flatMap(({ key, tokenAccount }) => [key, tokenAccount]);
      const accounts = await ask('wallets cannot be looked up', this.#connection.getMultipleAccountsInfo(keys));
      part.forEach((known, index) => {
        states.set(known, [accounts[index * 2] ?? null, accounts[index * 2 + 1] ?? null]);
      });
    }
    return found.map((entry, index) => {
      if (!isKnown(entry)) return entry;
      const [account, token] = states.get(entry) ?? [null, null];
      return this.#judge(wallets[index] as string, entry, account, token);
    });
  }

  async #find(wallet: string): Promise<Known | WalletCheck> {
    const known = this.#known.get(wallet);
    if (known !== undefined) return known;
    const found = await this.#derive(wallet);
    if (this.#known.size >= MAX_KNOWN) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    }
    this.#known.set(wallet, found);
    return found;
  }

  async #derive(wallet: string): Promise<Known | WalletCheck> {
    const bytes = decodeBase58(wallet, 32);
    if (bytes === undefined) {
      const shown = JSON.stringify(wallet.slice(0, 60));
      return { wallet, code: 'chain.wallet_invalid', message: `${shown} is no address; wanted: 32 bytes in base58` };
    }
    if (!PublicKey.isOnCurve(bytes)) {
      const message = `${wallet} is the address of a program's account, which nobody has a key for`;
      return { wallet, code: 'chain.wallet_off_curve', message };
    }
    const key = new PublicKey(bytes);
    return { key, tokenAccount: await tokenAccountOf(key, this.#mint) };
  }

  #judge(wallet: string, known: Known, account: Account, token: Account): WalletCheck {
    if (account !== null && !isOwnedBy(account, SYSTEM_PROGRAM)) {
      const message = `${wallet} is an account of the program ${account.owner.toBase58()}, not a wallet`;
      return { wallet, code: 'chain.wallet_not_system', message };
    }
    const tokenAccount = known.tokenAccount.toBase58();
    // Somebody may have sent lamports to the address; then it still has to be created.
    if (token === null || isOwnedBy(token, SYSTEM_PROGRAM)) return { wallet, tokenAccount, create: true };
    const state = isOwnedBy(token, TOKEN_PROGRAM) ? readTokenAccount(token.data) : undefined;
    const belongs =
      state !== undefined &&
      Buffer.from(state.owner).equals(known.key.toBytes()) &&
      Buffer.from(state.mint).equals(this.#mint.toBytes());
    if (!belongs) {
      const message = `the token account ${tokenAccount} of ${wallet} belongs to somebody else now`;
      return { wallet, code: 'chain.token_account_unusable', message };
    }
    if (state.frozen) {
      const message = `the token account ${tokenAccount} of ${wallet} is frozen`;
      return { wallet, code: 'chain.token_account_frozen', message };
    }
    return { wallet, tokenAccount, create: false };
  }
}

type Account = AccountInfo<Uint8Array> | null;

function isKnown(entry: Known | WalletCheck): entry is Known {
  return 'key' in entry;
}

function isOwnedBy(account: AccountInfo<Uint8Array>, program: Buffer): boolean {
  return program.equals(account.owner.toBytes());
}
