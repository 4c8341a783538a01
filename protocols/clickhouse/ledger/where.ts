import type { LedgerFilter } from '../../../site/minting/ledger.js';
import { BY_METER, BY_USER, BY_WALLET, type LedgerTable } from './schema.js';

export type Params = Record<string, string | number | readonly number[]>;

/** A condition with its parameters: no value ever stands in a statement's text. */
export interface Where {
  readonly sql: string;
  readonly params: Params;
}

/** The table in whose order the readings of a filter lie next to each other. */
export function tableOf({ meter, user, wallet }: LedgerFilter): LedgerTable {
  if (meter !== undefined) return BY_METER;
  if (user !== undefined) return BY_USER;
  return wallet === undefined ? BY_METER : BY_WALLET;
}

/** All but the status, which only the newest row of a reading says. */
export function whereOf({ meter, user, wallet, from, to }: LedgerFilter): Where {
  const conditions: string[] = [];
  const params: Params = {};
  const equal = (name: string, value: string | undefined) => {
    if (value === undefined) return;
    conditions.push(`${name} = {${name}:String}`);
    params[name] = value;
  };
  equal('meter', meter);
  equal('user', user);
  equal('wallet', wallet);
  if (from !== undefined) {
    conditions.push('end >= {from:Int64}');
    params.from = from;
  }
  if (to !== undefined) {
    conditions.push('end < {to:Int64}');
    params.to = to;
  }
  return { sql: conditions.length === 0 ? '1' : conditions.join(' AND '), params };
}
