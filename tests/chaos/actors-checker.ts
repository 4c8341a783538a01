import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { DeliverPolicy } from '@nats-io/jetstream';
import type { Bus } from '../../bus/connection.js';
import type { JournalEntry } from '../../bus/messages.js';
import { STREAM } from '../../bus/streams.js';
import { codecs } from '../../bus/topics.js';
import type { CallerReport } from './actor-caller.js';

export interface Written {
  readonly id: string;
  readonly seq: number;
  readonly entry: JournalEntry;
}

/** Every entry of the journal from `from` on, as it is written, until `leave`. */
export async function followJournal(
  bus: Bus,
  from: number,
  onEntry: (written: Written) => void,
): Promise<{ leave: () => Promise<void> }> {
  const consumer = await bus.jetstream.consumers.get(STREAM.journal, {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: from,
  });
  const messages = await consumer.consume({
    idle_heartbeat: 500, // It soon notices that its server has been started again.
    callback: (message) => {
      const id = message.subject.split('.').at(-1) as string;
      onEntry({ id, seq: message.seq, entry: codecs.journal.decode(message.data) });
    },
  });
  return {
    leave: async () => {
      await messages.close();
    },
  };
}

/** The whole journal as it stands. */
export async function readJournal(bus: Bus): Promise<Written[]> {
  const { state } = await bus.manager.streams.info(STREAM.journal);
  const found: Written[] = [];
  if (state.messages === 0) return found;
  await new Promise<void>((resolve, reject) => {
    const end = { leave: (): Promise<void> => Promise.resolve() };
    followJournal(bus, 1, (written) => {
      found.push(written);
      if (written.seq === state.last_seq) end.leave().then(resolve, reject);
    }).then(({ leave }) => {
      end.leave = leave;
      if (found.at(-1)?.seq === state.last_seq) leave().then(resolve, reject);
    }, reject);
  });
  return found;
}

/**
 * Holds what the caller was told against the journal: every command that it sent is there, once, in the order in which
 * it was sent, and no answer was wrong.
 */
export function assertCommands(journal: readonly Written[], report: CallerReport): void {
  assert.deepEqual(report.wrong, [], 'wrong answers');
  const commands = new Map<string, string[]>();
  for (const { id, entry } of journal) {
    if (entry.commandId === undefined) continue;
    const of = commands.get(id);
    if (of === undefined) commands.set(id, [entry.commandId]);
    else of.push(entry.commandId);
  }
  assert.deepEqual([...commands.keys()].sort(), Object.keys(report.acknowledged).sort());
  for (const [id, count] of Object.entries(report.acknowledged)) {
    const sent = Array.from({ length: count }, (_, each) => `${id}-${each}`);
    assert.deepEqual(commands.get(id), sent, `commands of ${id}`);
  }
}

/** The number of an actor's ownership never falls along its journal, and each is of one node. */
export function assertOwnership(journal: readonly Written[]): void {
  const newest = new Map<string, JournalEntry>();
  const wrong: string[] = [];
  for (const { id, seq, entry } of journal) {
    const before = newest.get(id);
    newest.set(id, entry);
    if (before === undefined) continue;
    const [was = 0, is = 0] = [before.ownership, entry.ownership];
    if (is < was || (is === was && entry.node !== before.node)) {
      wrong.push(`${id}#${seq} of ${entry.node} under ${is}, behind one of ${before.node} under ${was}`);
    }
  }
  assert.deepEqual(wrong, [], 'entries of a former owner');
}

/** Each actor is what its journal says: nothing else has written behind its back. */
export function assertCurrent(journal: readonly Written[], living: readonly Living[]): void {
  const expected = new Map<string, Living>();
  for (const { id, seq, entry } of journal) {
    const total = expected.get(id)?.total ?? 0;
    expected.set(id, {
      id,
      seq,
      node: entry.node,
      total: total + (entry.event.type === 'add' ? Number(entry.event.by) : 0),
    });
  }
  const byId = (some: Iterable<Living>): Living[] => [...some].sort((a, b) => a.id.localeCompare(b.id));
  assert.deepEqual(byId(living), byId(expected.values()), 'actors as they live, against the journal');
}

/** As `assertCurrent`, but gives actors that are still on their way some seconds to arrive. */
export async function becomeCurrent(bus: Bus, living: () => Promise<readonly Living[]>): Promise<void> {
  for (const end = performance.now() + 10_000; ;) {
    try {
      assertCurrent(await readJournal(bus), await living());
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** An actor as the node that owns it shows it. */
export interface Living {
  readonly id: string;
  readonly node: string;
  /** Of the newest entry that it knows. */
  readonly seq: number;
  readonly total: number;
}

/** One line of the file that all nodes append their effects to. */
interface Landed {
  readonly id: string;
  readonly seq: number;
  readonly node: string;
}

/**
 * Holds the effects, in the order in which they landed, against the journal: each belongs to an entry of the node that
 * ran it, and an actor's effects come in the order of its entries, each at most once. So none of a former owner came
 * after the first of its successor, whose first entry has an effect too. Answers how many of the entries have none:
 * those whose node went between the entry and the effect.
 */
export async function assertEffects(journal: readonly Written[], file: string): Promise<number> {
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  const landed = lines.map((line): Landed => {
    const [, id = '', seq, node = ''] = /^counted\/(.+)#(\d+)\.0 (.+)$/.exec(line) ?? [];
    return { id, seq: Number(seq), node };
  });
  const writers = new Map(journal.map(({ seq, entry }) => [seq, entry.node]));
  const newest = new Map<string, Landed>();
  const late: string[] = [];
  for (const effect of landed) {
    assert.equal(writers.get(effect.seq), effect.node, `${effect.id}#${effect.seq} is an entry of another node`);
    const before = newest.get(effect.id);
    if (before !== undefined && effect.seq <= before.seq) {
      late.push(`${effect.id}#${effect.seq} of ${effect.node} after #${before.seq} of ${before.node}`);
    } else newest.set(effect.id, effect);
  }
  assert.deepEqual(late, [], 'effects that came late or twice');
  return journal.length - landed.length;
}
