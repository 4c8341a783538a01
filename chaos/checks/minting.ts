import { verdict, type Verdict } from './finding.js';

/** A reading that a meter owes tokens for, or that was sent to it. */
export interface WorthReading {
  /** `meter/sequence`. */
  readonly id: string;
  /** Whose tokens they become, base58. */
  readonly wallet: string;
  /** Base units. */
  readonly tokens: bigint;
}

/** A batch, as its journal tells it. */
export interface BatchFacts {
  /** Ids of its readings. */
  readonly readings: readonly string[];
  /** Signatures of the transactions that were made for it. */
  readonly signed: readonly string[];
}

/** A transaction that the chain has taken, without an error. */
export interface ChainMint {
  readonly signature: string;
  /** As its memo says; undefined: it names none. */
  readonly batch: string | undefined;
  /** What each wallet got; the token account of one that nobody knows stands for itself. */
  readonly amounts: readonly { readonly wallet: string; readonly tokens: bigint }[];
}

/** What a run leaves of minting. */
export interface MintingFacts {
  /** Valid readings that were answered as accepted, with what they are worth: reckoned by whoever has sent them. */
  readonly accepted: readonly WorthReading[];
  /** What the journals of the meters say, in their order. */
  readonly owed: readonly WorthReading[];
  /** By id. */
  readonly batches: ReadonlyMap<string, BatchFacts>;
  readonly chain: readonly ChainMint[];
}

/** Each accepted reading must stand in its meter's journal once and become tokens once, to the base unit. */
export function checkMinting(facts: MintingFacts): Verdict[] {
  const { accepted, owed, batches, chain } = facts;
  const journals = `${accepted.length} accepted readings, ${owed.length} in the journals of meters`;
  const minted = `${accepted.length} readings, ${batches.size} batches, ${chain.length} transactions`;
  return [
    verdict('readings-kept', 'each accepted reading, and no other, is in its meter’s journal', journals, kept(facts)),
    verdict('minted-sum', 'the sum on chain is that of the valid readings, to the base unit', minted, sums(facts)),
    verdict('minted-once', 'each accepted reading has exactly one signature', minted, once(facts)),
  ];
}

function kept({ accepted, owed }: MintingFacts): string[] {
  const wrong: string[] = [];
  const missing = new Map(accepted.map((reading) => [reading.id, reading]));
  const seen = new Set<string>();
  for (const { id, wallet, tokens } of owed) {
    if (seen.has(id)) wrong.push(`${id}: twice`);
    seen.add(id);
    const sent = missing.get(id);
    if (!missing.delete(id) || sent === undefined) wrong.push(`${id}: was not answered as accepted`);
    else if (sent.tokens !== tokens || sent.wallet !== wallet)
      wrong.push(`${id}: ${tokens} to ${wallet}, not ${sent.tokens} to ${sent.wallet}`);
  }
  return [...wrong, ...[...missing.keys()].map((id) => `${id}: was accepted and is not there`)];
}

function sums({ accepted, chain }: MintingFacts): string[] {
  return differences(total(accepted), total(chain.flatMap(({ amounts }) => amounts))).map(
    ({ wallet, wanted, has }) => `${wallet}: ${has} on chain, not ${wanted}`,
  );
}

function once({ accepted, owed, batches, chain }: MintingFacts): string[] {
  const wrong: string[] = [];
  const worth = new Map(owed.map((reading) => [reading.id, reading]));
  const signatures = new Map<string, string[]>();
  for (const { signature, batch: id, amounts } of chain) {
    const batch = id === undefined ? undefined : batches.get(id);
    if (batch === undefined) {
      wrong.push(`${signature}: of no batch that is known (${id ?? 'none'})`);
      continue;
    }
    if (!batch.signed.includes(signature)) wrong.push(`${signature}: is not in the journal of batch ${id}`);
    const expected = total(batch.readings.flatMap((reading) => worth.get(reading) ?? []));
    for (const { wallet, wanted, has } of differences(expected, total(amounts)))
      wrong.push(`${signature}: ${has} to ${wallet}, the readings of batch ${id} are worth ${wanted}`);
    for (const reading of batch.readings) {
      const known = signatures.get(reading);
      if (known === undefined) signatures.set(reading, [signature]);
      else known.push(signature);
    }
  }
  for (const { id, tokens } of accepted) {
    const found = signatures.get(id) ?? [];
    if (found.length !== (tokens === 0n ? 0 : 1))
      wrong.push(`${id}: has ${found.length} signatures ${found.join(' ')}`);
  }
  return wrong;
}

/** What each wallet gets. */
function total(amounts: readonly { readonly wallet: string; readonly tokens: bigint }[]): Map<string, bigint> {
  const sum = new Map<string, bigint>();
  for (const { wallet, tokens } of amounts) sum.set(wallet, (sum.get(wallet) ?? 0n) + tokens);
  return sum;
}

function differences(expected: ReadonlyMap<string, bigint>, found: ReadonlyMap<string, bigint>) {
  return [...new Set([...expected.keys(), ...found.keys()])]
    .map((wallet) => ({ wallet, wanted: expected.get(wallet) ?? 0n, has: found.get(wallet) ?? 0n }))
    .filter(({ wanted, has }) => wanted !== has);
}
