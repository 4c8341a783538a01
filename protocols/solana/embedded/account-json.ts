import { encodeBase58 } from '../../../site/metering/base58.js';
import { formatUnits } from '../../../site/metering/energy.js';
import { TOKEN_PROGRAM } from '../programs.js';
import { readMint, readTokenAccount } from '../token-state.js';
import { countParam, configParam } from './params.js';
import { invalidParams } from './rpc-error.js';
import type { AccountState } from './vm.js';

/** An account as `getAccountInfo` answers it; null for one that is not there. */
export function accountJson(account: AccountState | undefined, config: Readonly<Record<string, unknown>>): unknown {
  if (account === undefined || (account.lamports === 0n && account.data.length === 0)) return null;
  let data = Buffer.from(account.data);
  if (config['dataSlice'] !== undefined && config['dataSlice'] !== null) {
    const slice = configParam(config['dataSlice']);
    const offset = countParam(slice['offset'], 'dataSlice.offset');
    data = data.subarray(offset, offset + countParam(slice['length'], 'dataSlice.length'));
  }
  return {
    data: encodeData(data, config['encoding'] ?? 'base58'),
    executable: account.executable,
    lamports: account.lamports,
    owner: encodeBase58(account.owner),
    rentEpoch: account.rentEpoch,
    space: account.data.length,
  };
}

function encodeData(data: Buffer, encoding: unknown): unknown {
  // A node that has no parser for an account answers its bytes in base64; this one has none at all.
  if (encoding === 'base64' || encoding === 'jsonParsed') return [data.toString('base64'), 'base64'];
  if (encoding !== 'base58' && encoding !== 'binary') {
    throw invalidParams(`unsupported encoding: ${String(encoding)}. Supported encodings: base58, base64, jsonParsed`);
  }
  if (data.length > 128) {
    throw invalidParams('Encoded binary (base 58) data should be less than 128 bytes, please use Base64 encoding.');
  }
  return encoding === 'binary' ? encodeBase58(data) : [encodeBase58(data), 'base58'];
}

/** What `getTokenAccountBalance` answers. */
export function tokenBalanceJson(
  account: AccountState | undefined,
  mintOf: (key: Uint8Array) => AccountState | undefined,
): unknown {
  if (account === undefined) throw invalidParams('Invalid param: could not find account');
  const token = Buffer.from(account.owner).equals(TOKEN_PROGRAM) ? readTokenAccount(account.data) : undefined;
  if (token === undefined) throw invalidParams('Invalid param: not a Token account');
  const mint = readMint(mintOf(token.mint)?.data ?? new Uint8Array(0));
  if (mint === undefined) throw invalidParams('Invalid param: could not find mint');
  return amountJson(token.amount, mint.decimals);
}

/** What `getTokenSupply` answers. */
export function tokenSupplyJson(account: AccountState | undefined): unknown {
  if (account === undefined) throw invalidParams('Invalid param: could not find account');
  const mint = Buffer.from(account.owner).equals(TOKEN_PROGRAM) ? readMint(account.data) : undefined;
  if (mint === undefined) throw invalidParams('Invalid param: not a Token mint');
  return amountJson(mint.supply, mint.decimals);
}

function amountJson(units: bigint, decimals: number): unknown {
  const text = formatUnits(units, decimals);
  return { amount: units.toString(), decimals, uiAmount: Number(text), uiAmountString: text };
}
