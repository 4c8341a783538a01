import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CallerReport } from '../../chaos/actor-caller.js';
import {
  assertCommands,
  assertCurrent,
  assertEffects,
  assertOwnership,
  type EffectsFound,
  type Living,
  type Written,
} from '../../chaos/actors-checker.js';
import { tempFolder } from '../../support/temp.js';

/** Entry of actor `a` by a node; with the n-th command of its caller, if one is given. */
function entry(seq: number, node: string, ownership: number, command?: number): Written {
  const event = command === undefined ? { type: 'activated', epoch: seq } : { type: 'add', by: 1 };
  const names = command === undefined ? {} : { commandId: `a-${command}` };
  return { id: 'a', seq, entry: { event, effects: [], at: 1, machine: 1, traceparent: '', node, ownership, ...names } };
}

/** Two nodes, one after the other; three commands. */
const JOURNAL: readonly Written[] = [
  entry(1, 'n1', 4),
  entry(2, 'n1', 4, 0),
  entry(5, 'n2', 5),
  entry(6, 'n2', 5, 1),
  entry(7, 'n2', 5, 2),
];
const REPORT: CallerReport = { acknowledged: { a: 3 }, wrong: [], repeated: 0, longestMs: 1 };
const LIVING: Living = { id: 'a', node: 'n2', seq: 7, total: 3 };
const EFFECTS = ['1 n1', '2 n1', '5 n2', '6 n2', '7 n2'];

function without(...seqs: number[]): Written[] {
  return JOURNAL.filter(({ seq }) => !seqs.includes(seq));
}

describe('the checker of histories with real processes', () => {
  let folder: { path: string; remove: () => Promise<void> };
  before(async () => {
    folder = await tempFolder();
  });
  after(() => folder.remove());

  /** Effects as they landed, each `sequence node`. */
  async function effects(landed: readonly string[], stops?: ReadonlyMap<string, number>): Promise<EffectsFound> {
    const file = join(folder.path, 'effects');
    await writeFile(file, landed.map((line) => `counted/a#${line.replace(' ', '.0 ')}\n`).join(''));
    return assertEffects(JOURNAL, file, stops);
  }

  it('finds nothing in a history that kept every promise', async () => {
    assertCommands(JOURNAL, REPORT);
    assertOwnership(JOURNAL);
    assertCurrent(JOURNAL, [LIVING]);
    assert.deepEqual(await effects(EFFECTS), { without: 0, underWay: 0 });
    assert.deepEqual(await effects(EFFECTS.slice(1)), { without: 1, underWay: 0 });
  });

  it('finds a lost command, wherever it was', () => {
    for (const seq of [2, 6, 7]) assert.throws(() => assertCommands(without(seq), REPORT), /commands of a/);
    assert.throws(() => assertCommands(without(2, 6, 7), REPORT), assert.AssertionError);
  });

  it('finds a doubled command', () => {
    assert.throws(() => assertCommands([...JOURNAL, entry(8, 'n2', 5, 2)], REPORT), /commands of a/);
    assert.throws(() => assertCommands([...JOURNAL, entry(8, 'n2', 5, 0)], REPORT), /commands of a/);
  });

  it('finds reordered commands', () => {
    const journal = [...without(6, 7), entry(6, 'n2', 5, 2), entry(7, 'n2', 5, 1)];
    assert.throws(() => assertCommands(journal, REPORT), /commands of a/);
  });

  it('finds a wrong answer', () => {
    assert.throws(() => assertCommands(JOURNAL, { ...REPORT, wrong: ['a-2: 4'] }), /wrong answers/);
  });

  it('finds an effect of a fenced node', async () => {
    await assert.rejects(effects(['1 n1', '5 n2', '2 n1']), /late or twice/, 'after its successor began');
    await assert.rejects(effects(['1 n1', '5 n1']), /another node/, 'of an entry that it did not write');
    await assert.rejects(effects(['1 n1', '3 n1']), /another node/, 'of an entry that was refused');
  });

  it('lets the one effect end that had begun when its process was stopped, and no second one', async () => {
    const stopped = (node: string, count = 1) => new Map([[node, count]]);
    assert.deepEqual(await effects(['1 n1', '5 n2', '2 n1', '6 n2'], stopped('n1')), { without: 1, underWay: 1 });
    await assert.rejects(effects(['1 n1', '5 n2', '2 n1'], stopped('n2')), /late or twice/, 'of a node that was not');
    await assert.rejects(effects(['5 n2', '1 n1', '2 n1'], stopped('n1', 2)), /#2 of n1/, 'two of one stop');
    await assert.rejects(effects(['1 n1', '2 n1', '2 n1'], stopped('n1')), /late or twice/, 'twice');
  });

  it('finds a doubled effect and reordered ones', async () => {
    await assert.rejects(effects(['1 n1', '2 n1', '2 n1']), /late or twice/);
    await assert.rejects(effects(['2 n1', '1 n1']), /late or twice/);
  });

  it('finds an entry of a former owner', () => {
    assert.throws(() => assertOwnership([...JOURNAL, entry(8, 'n1', 4)]), /former owner/);
    assert.throws(() => assertOwnership([...JOURNAL, entry(8, 'n1', 5)]), /former owner/);
  });

  it('finds an actor that does not know its newest entry, lives twice, or lives nowhere', () => {
    const lives = (...living: Living[]) => assert.throws(() => assertCurrent(JOURNAL, living), /against the journal/);
    lives({ ...LIVING, seq: 6 });
    lives({ ...LIVING, node: 'n1' });
    lives({ ...LIVING, total: 2 });
    lives(LIVING, { ...LIVING, node: 'n1' });
    lives();
  });
});
