import type { MeterEvent } from '../../../../actors/client/meter-watch.js';
import type { MintBatchView } from '../../../../actors/client/minting.js';
import { formatUnits } from '../../../../site/metering/energy.js';
import type { AccountKind, LedgerStatus, LedgerSumName } from '../../../../site/minting/ledger.js';
import { formatAmount } from '../format.js';

export type MintBatchState = MintBatchView['state'];

/** Base units as tokens, exactly. */
export function formatTokens(units: string, decimals: number): string {
  return formatAmount(formatUnits(BigInt(units), decimals));
}

export const ACCOUNT_NAMES: Readonly<Record<AccountKind, { one: string; many: string }>> = {
  user: { one: 'User', many: 'users' },
  wallet: { one: 'Wallet', many: 'wallets' },
  meter: { one: 'Meter', many: 'meters' },
};

export const SUM_NAMES: Readonly<Record<LedgerSumName, string>> = {
  minted: 'Minted',
  pending: 'Pending',
  failed: 'Failed',
  held: 'Held',
  refused: 'Refused',
};

export const STATUS_NAMES: Readonly<Record<LedgerStatus, string>> = {
  held: 'held',
  failed: 'failed',
  accepted: 'accepted',
  minting: 'minting',
  minted: 'minted',
  refused: 'refused',
};

/** What a status means for whose reading it is. */
export const STATUS_MEANINGS: Readonly<Record<LedgerStatus, string>> = {
  held: 'It waits until a person lets it through or refuses it.',
  failed: 'Its batch is parked until a person has it tried again.',
  accepted: 'Tokens are owed for it; it is in no batch yet.',
  minting: 'Its batch is on its way to the chain.',
  minted: 'Its tokens are in the wallet.',
  refused: 'A person has refused it: there are no tokens for it.',
};

/** What a mint batch does in each state, and what one can do about it. */
export const BATCH_MEANINGS: Readonly<Record<MintBatchState, string>> = {
  collecting: 'It is being put together.',
  building: 'It is put together and its fee is estimated.',
  signing: 'It is tried out on the chain and signed.',
  submitting: 'It is being sent.',
  confirming: 'The chain is asked for it.',
  retrying: 'Its last try failed; it is tried again by itself.',
  settled: 'Its tokens are on the chain.',
  parked: 'It is not tried again by itself. See to what is wrong, then retry it.',
  split: 'Some wallet could not be paid: its readings went on in other batches.',
};

/** Whether a person is waited for, or may hurry it. */
export function canRetry(state: MintBatchState): boolean {
  return state === 'parked' || state === 'retrying';
}

/** Whether it is worth a line: what a reading is received for is told right behind it, unless it is held. */
export function isNews({ type, held }: MeterEvent): boolean {
  return type !== 'MeterReadingReceived' || held === true;
}

/** What an event says, in a few words. */
export function describeEvent(event: MeterEvent, decimals: number): string {
  const { type, kwh_amount: kwh, held, error_reason: reason = 'no reason was told', tokens_minted: minted } = event;
  const amount = `${formatAmount(kwh)} kWh`;
  switch (type) {
    case 'MeterReadingReceived':
      return held === true ? `${amount} held for a person` : `${amount} received`;
    case 'MeterReadingValidated':
      return `${amount} accepted`;
    case 'MeterReadingValidationFailed':
      return `${amount} rejected: ${reason}`;
    case 'TokensMinted':
      return `${amount} minted: ${formatTokens(minted ?? '0', decimals)} tokens`;
    case 'MintFailed':
      return `${amount} not minted: ${reason}`;
    case 'BatchMintingCompleted':
      return `batch of ${event.total ?? 0} readings, ${amount}: ${event.successful ?? 0} minted, ${event.failed ?? 0} failed`;
  }
}
