import type { JsMsg } from '@nats-io/jetstream';
import type { Bus } from '../../bus/connection.js';
import type { JournalEntry } from '../../bus/messages.js';
import { STREAM } from '../../bus/streams.js';
import { subjects } from '../../bus/subjects.js';
import { codecs } from '../../bus/topics.js';
import type { Load } from '../load.js';
import { verdict, type Verdict } from './finding.js';
import { eachMessage } from './stream.js';

/** An entry of an actor's journal, with whose it is and where it stands. */
export interface Entry {
  readonly id: string;
  readonly seq: number;
  readonly entry: JournalEntry;
}

/** The journals of all actors of a kind, as they stand, from a sequence of the stream on. */
export async function readJournals(bus: Bus, kind: string, from = 1): Promise<Entry[]> {
  const entries: Entry[] = [];
  const take = ({ subject, seq, data }: JsMsg): void => {
    entries.push({ id: subject.split('.').at(-1) ?? '', seq, entry: codecs.journal.decode(data) });
  };
  await eachMessage(bus, STREAM.journal, subjects.journalOfKind(kind), take, from);
  return entries;
}

/** Whoever commands is told in the end, whatever happened meanwhile. */
export function answered({ done, repeated, unanswered }: Pick<Load, 'done' | 'repeated' | 'unanswered'>): Verdict {
  const checked = `${done.length} commands, ${repeated} times one was sent again`;
  return verdict('commands-answered', 'every command is acknowledged in the end', checked, unanswered);
}

/**
 * Each model was set to 1, 2, 3 …: its journal must hold every number up to the last that was acknowledged, each once and
 * in order. One more may stand there, whose answer nobody waited for any longer.
 */
export function checkCommands(journal: readonly Entry[], acknowledged: ReadonlyMap<string, number>): Verdict[] {
  const held = new Map<string, number[]>();
  for (const { id, entry } of journal) {
    if (entry.event.type !== 'hold' || !acknowledged.has(id)) continue;
    const values = held.get(id);
    if (values === undefined) held.set(id, [Number(entry.event.value)]);
    else values.push(Number(entry.event.value));
  }
  const lost: string[] = [];
  const twice: string[] = [];
  const disordered: string[] = [];
  let commands = 0;
  for (const [id, last] of acknowledged) {
    commands += last;
    const values = held.get(id) ?? [];
    const there = new Set(values);
    for (let value = 1; value <= last; value++) if (!there.has(value)) lost.push(`${id}: ${value} was acknowledged`);
    if (there.size < values.length) twice.push(`${id}: ${repeatedOf(values).join(', ')}`);
    const out = values.findIndex((value, index) => index > 0 && value < (values[index - 1] ?? 0));
    if (out > 0) disordered.push(`${id}: ${values[out]} after ${values[out - 1]}`);
  }
  const checked = `${commands} acknowledged commands of ${acknowledged.size} actors`;
  return [
    verdict('commands-kept', 'no acknowledged command is lost', checked, lost),
    verdict('commands-once', 'no command is applied twice', checked, twice),
    verdict('commands-ordered', 'commands of one caller to an actor are applied in their order', checked, disordered),
  ];
}

/** The number of an actor's ownership never falls along its journal, and each is of one node. */
export function checkOwnership(journal: readonly Entry[]): Verdict {
  const newest = new Map<string, JournalEntry>();
  const wrong: string[] = [];
  for (const { id, seq, entry } of journal) {
    const before = newest.get(id);
    newest.set(id, entry);
    if (before === undefined) continue;
    const [was = 0, is = 0] = [before.ownership, entry.ownership];
    if (is < was || (is === was && entry.node !== before.node))
      wrong.push(`${id}#${seq}: ${entry.node} under ${is}, behind ${before.node} under ${was}`);
  }
  return verdict('one-activation', 'no former owner of an actor has effect', `${journal.length} entries`, wrong);
}

function repeatedOf(values: readonly number[]): number[] {
  const seen = new Set<number>();
  return values.filter((value) => seen.size === seen.add(value).size);
}
