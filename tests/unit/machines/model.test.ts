import assert from 'node:assert/strict';
import { initialTransition, transition, type SnapshotFrom } from 'xstate';
import { modelMachine, type ModelEvent } from '../../../machines/model.js';
import type { ModelDefinition } from '../../../site/models/model.js';

const definition: ModelDefinition = {
  id: 'm',
  name: 'M',
  template: 't',
  parameters: { a: 1 },
  parent: null,
  points: {},
};
type Snapshot = SnapshotFrom<typeof modelMachine>;

/** The state after these events, and the effects of the last one. */
function after(...events: ModelEvent[]): { snapshot: Snapshot; before: Snapshot; effects: string[] } {
  let [snapshot] = initialTransition(modelMachine);
  let before = snapshot;
  let effects: string[] = [];
  for (const event of events) {
    before = snapshot;
    const [next, actions] = transition(modelMachine, snapshot, event);
    snapshot = next;
    effects = actions.map(({ type }) => type);
  }
  return { snapshot, before, effects };
}

const create: ModelEvent = { type: 'create', definition, at: 1 };
const configure: ModelEvent = { type: 'configure', definition, revision: 'r1', at: 1 };

describe('the model machine', () => {
  it('is defined by a caller, changed, and removed', () => {
    const made = after(create, { type: 'update', changes: { name: 'N' }, at: 5 });
    assert.deepEqual(made.effects, ['use']);
    const { definition: known, source, createdAt, updatedAt } = made.snapshot.context;
    assert.deepEqual([known, source, createdAt, updatedAt], [{ ...definition, name: 'N' }, 'caller', 1, 5]);
    const gone = after(create, { type: 'remove', source: 'caller', at: 9 });
    assert.deepEqual([gone.snapshot.value, gone.snapshot.context.definition, gone.effects], ['absent', null, ['drop']]);
  });

  it('is put: made, or replaced; each change is counted', () => {
    const put: ModelEvent = { type: 'put', definition: { ...definition, template: 'u' }, at: 7 };
    assert.deepEqual(after(put).effects, ['use']);
    const { snapshot } = after(create, put);
    const { definition: known, source, createdAt, updatedAt, changes } = snapshot.context;
    assert.deepEqual([known?.template, source, createdAt, updatedAt, changes], ['u', 'caller', 1, 7, 2]);
    assert.equal(after(create, put, { type: 'remove', source: 'caller', at: 8 }, create).snapshot.context.changes, 4);
    const tried = after(configure, put);
    assert.equal(tried.snapshot, tried.before, 'the site file has the last word');
  });

  it('takes what the site file says, and changes by callers no more', () => {
    const { snapshot } = after(create, { type: 'hold', point: 'p', value: 3, at: 2 }, configure);
    assert.deepEqual([snapshot.context.source, snapshot.context.held.p?.value], ['site', 3]);
    for (const event of [
      create,
      { type: 'update', changes: {}, at: 2 },
      { type: 'remove', source: 'caller', at: 2 },
    ] as const) {
      const tried = after(configure, event);
      assert.equal(tried.snapshot, tried.before, event.type);
      assert.deepEqual(tried.effects, []);
    }
    assert.equal(after(configure, configure).effects.length, 0, 'the same revision again');
    assert.equal(after(configure, { type: 'remove', source: 'site', at: 2 }).snapshot.value, 'absent');
    assert.equal(after(create, { type: 'remove', source: 'site', at: 2 }).snapshot.value, 'defined');
  });

  it('holds values, which the live part is told of one by one', () => {
    const { snapshot, effects } = after(create, { type: 'hold', point: 'p', value: 3, at: 2 });
    assert.deepEqual([snapshot.context.held, effects], [{ p: { value: 3, at: 2 } }, ['note']]);
    assert.equal(after({ type: 'hold', point: 'p', value: 3, at: 2 }).snapshot.value, 'absent');
  });

  it('gives the live part the whole model at each activation', () => {
    assert.deepEqual(after(create, { type: 'activated', at: 2 }).effects, ['use']);
    assert.deepEqual(after({ type: 'activated', at: 2 }).effects, []);
  });
});
