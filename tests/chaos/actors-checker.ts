import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { DeliverPolicy } from '@nats-io/jetstream';
import type { Bus } from '../../bus/connection.js';
import { STREAM } from '../../bus/streams.js';
import { codecs } from '../../bus/topics.js';
import { checkOwnership, type Entry } from '../../chaos/checks/commands.js';
import { eachMessage } from '../../chaos/checks/stream.js';
import type { CallerReport } from './actor-caller.js';

export type Written = Entry;

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
  const found: Written[] = [];
  await eachMessage(bus, STREAM.journal, 'evt.>', ({ subject, seq, data }) => {
    found.push({ id: subject.split('.').at(-1) ?? '', seq, entry: codecs.journal.decode(data) });
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

/** No entry of a former owner of an actor stands behind one of its successor. */
export function assertOwnership(journal: readonly Written[]): void {
  assert.deepEqual(checkOwnership(journal).violations, [], 'entries of a former owner');
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

/** How the effects stand to the journal. */
export interface EffectsFound {
  /** Entries that have none: their node went between the entry and the effect. */
  readonly without: number;
  /** Effects that had begun when their process was stopped, and ended when it went on. */
  readonly underWay: number;
}

/**
 * Holds the effects, in the order in which they landed, against the journal: each belongs to an entry of the node that
 * ran it, and an actor's effects come in the order of its entries, each at most once. So none of a former owner came
 * after the first of its successor, whose first entry has an effect too. Only the one effect that had begun when a process
 * was stopped may: nothing but what it is done to could refuse it.
 *
 * @param stops how often each node was stopped
 */
export async function assertEffects(
  journal: readonly Written[],
  file: string,
  stops: ReadonlyMap<string, number> = new Map(),
): Promise<EffectsFound> {
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  const landed = lines.map((line): Landed => {
    const [, id = '', seq, node = ''] = /^counted\/(.+)#(\d+)\.0 (.+)$/.exec(line) ?? [];
    return { id, seq: Number(seq), node };
  });
  const writers = new Map(journal.map(({ seq, entry }) => [seq, entry.node]));
  const newest = new Map<string, Landed>();
  const late: string[] = [];
  /** Of each node, and whether its last effect was one: before the next stop it has others, that are in time. */
  const underWay = new Map<string, { count: number; last: boolean }>();
  for (const effect of landed) {
    assert.equal(writers.get(effect.seq), effect.node, `${effect.id}#${effect.seq} is an entry of another node`);
    const before = newest.get(effect.id);
    const isLate = before !== undefined && effect.seq <= before.seq;
    const { count, last } = underWay.get(effect.node) ?? { count: 0, last: false };
    const mayBe = isLate && before.node !== effect.node && !last && count < (stops.get(effect.node) ?? 0);
    underWay.set(effect.node, { count: mayBe ? count + 1 : count, last: isLate });
    if (!isLate) newest.set(effect.id, effect);
    else if (!mayBe) late.push(`${effect.id}#${effect.seq} of ${effect.node} after #${before.seq} of ${before.node}`);
  }
  assert.deepEqual(late, [], 'effects that came late or twice');
  const counts = [...underWay.values()].map(({ count }) => count);
  return { without: journal.length - landed.length, underWay: counts.reduce((sum, count) => sum + count, 0) };
}
