import type { JournalEntry } from '../../bus/messages.js';
import type { MintItem } from '../../site/minting/item.js';

/** Effects of meters' entries that say for which readings tokens are owed from then on. */
const OWED: ReadonlySet<string> = new Set(['accepted', 'released']);

/** The readings that an entry of a meter's journal says tokens are owed for; each stands in one entry only. */
export function acceptedBy(entry: JournalEntry, meter: string): MintItem[] {
  return entry.effects
    .filter(({ type }) => OWED.has(type))
    .flatMap(({ params }) => (params as { readonly items: readonly Omit<MintItem, 'meter'>[] }).items)
    .map(({ sequence, start, end, energy, tokens, wallet, user }) => ({
      ...{ meter, sequence, start, end, energy, tokens, wallet, user },
    }));
}
