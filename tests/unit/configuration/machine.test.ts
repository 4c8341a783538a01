import assert from 'node:assert/strict';
import { configurationMachine, entryInForce, type NewConfiguration } from '../../../machines/configuration.js';
import { SimulatedActor } from '../../support/simulated-actor.js';

describe('machine of configurations', () => {
  let actor: SimulatedActor<typeof configurationMachine>;
  let forgotten: string[];

  const record = (hash: string, change: Partial<NewConfiguration> = {}, keep = 100): boolean => {
    const facts = { by: 'file', node: 'n1', files: 1, bytes: 10, pieces: 1, secrets: 0, summary: hash };
    const before = actor.effects.length;
    const changed = actor.send({ type: 'record', keep, configuration: { cause: 'edit', hash, ...facts, ...change } });
    for (const { type, params } of actor.effects.slice(before)) {
      if (type === 'forget') forgotten.push(...(params as { hashes: string[] }).hashes);
    }
    return changed;
  };
  const context = () => actor.snapshot.context;
  const hashes = () => context().entries.map(({ number, hash }) => `${number}${hash}`);

  beforeEach(() => {
    actor = new SimulatedActor(configurationMachine, undefined, 1_000);
    forgotten = [];
  });

  it('numbers what comes into force, and takes the same again for no change', () => {
    assert.equal(record('a', { cause: 'start' }), true);
    assert.equal(record('a', { cause: 'start', node: 'n2' }), false);
    assert.equal(record('b'), true);
    assert.equal(record('a'), true, 'what was in force before is a change again');
    assert.deepEqual([hashes(), context().inForce], [['1a', '2b', '3a'], 3]);
  });

  it('keeps so many, and forgets the files that none has any more', () => {
    for (const hash of ['a', 'b', 'a', 'c']) record(hash, {}, 2);
    assert.deepEqual([hashes(), forgotten], [['3a', '4c'], ['b']]);
    record('d', {}, 2);
    assert.deepEqual(forgotten, ['b', 'a']);
  });

  it('keeps what lay on the disk beside what is in force, which stays', () => {
    record('a');
    assert.equal(record('x', { cause: 'kept' }), true);
    assert.equal(record('x', { cause: 'kept' }), false);
    for (const hash of ['y', 'z']) record(hash, { cause: 'kept' }, 2);
    assert.deepEqual([hashes(), entryInForce(context())?.hash, forgotten], [['1a', '3y', '4z'], 'a', ['x']]);
  });

  it('knows a rollback by its files, whoever is first to have them in force', () => {
    record('a');
    record('b');
    assert.equal(actor.send({ type: 'rollBack', number: 9, by: 'ada' }), false);
    assert.equal(actor.send({ type: 'rollBack', number: 1, by: 'ada' }), true);
    assert.equal(actor.send({ type: 'rollBack', number: 2, by: 'olga' }), false, 'one at a time');
    record('a', { node: 'n2' });
    const { cause, by, of, node } = context().entries.at(-1) ?? {};
    assert.deepEqual([cause, by, of, node, context().rollback], ['rollback', 'ada', 1, 'n2', null]);
  });

  it('lets the next one begin when one was given up, or its node is long gone', () => {
    record('a');
    record('b');
    actor.send({ type: 'rollBack', number: 1, by: 'ada' });
    assert.equal(actor.send({ type: 'rollbackFailed', number: 2 }), false);
    assert.equal(actor.send({ type: 'rollbackFailed', number: 1 }), true);
    actor.send({ type: 'rollBack', number: 1, by: 'ada' });
    actor.now += 60_000;
    assert.equal(actor.send({ type: 'rollBack', number: 1, by: 'olga' }), true);
    actor.now += 600_000;
    record('a');
    assert.equal(context().entries.at(-1)?.cause, 'edit', 'somebody did it by hand, much later');
  });
});
