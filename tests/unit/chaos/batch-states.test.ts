import assert from 'node:assert/strict';
import type { JournalEntry } from '../../../bus/messages.js';
import type { DoneFault } from '../../../chaos/checks/samples.js';
import { stateChanges, statesAt, type StateChange } from '../../../chaos/minting/batch-states.js';
import { hitsOf } from '../../../chaos/minting/minting-run.js';

const entry = (effects: JournalEntry['effects']): JournalEntry => ({
  ...{ event: { type: 'some' }, effects, at: 1, machine: 1, traceparent: '', node: 'n1' },
});
const announce = (id: string, state: string) => ({ type: 'announce', params: { batch: { id, state } } });
const CHANGES: readonly StateChange[] = [
  { at: 10, batch: '1-1', state: 'collecting' },
  { at: 10, batch: '1-2', state: 'collecting' },
  { at: 20, batch: '1-1', state: 'building' },
  { at: 30, batch: '1-2', state: 'building' },
  { at: 40, batch: '1-1', state: 'settled' },
];

describe('states of mint batches in a chaos run', () => {
  it('are read from the entries of the minter and of the batches; the last announcement counts', () => {
    const begun = entry([
      { type: 'begin', params: { id: '1-1' } },
      { type: 'steer', params: {} },
    ]);
    assert.deepEqual(stateChanges('minter', begun, 7), [{ at: 7, batch: '1-1', state: 'collecting' }]);
    const moved = entry([announce('1-1', 'validating'), { type: 'report', params: {} }, announce('1-1', 'building')]);
    assert.deepEqual(stateChanges('mint-batch', moved, 8), [{ at: 8, batch: '1-1', state: 'building' }]);
    assert.deepEqual(stateChanges('mint-batch', entry([]), 8), []);
  });

  it('are those of the moment', () => {
    assert.deepEqual([...statesAt(CHANGES, 9)], []);
    assert.deepEqual(
      [...statesAt(CHANGES, 25)],
      [
        ['building', 1],
        ['collecting', 1],
      ],
    );
    assert.deepEqual(
      [...statesAt(CHANGES, 40)],
      [
        ['settled', 1],
        ['building', 1],
      ],
    );
  });

  it('count what faults have hit, but for those that were not done', () => {
    const fault = (at: number, change: Partial<DoneFault> = {}): DoneFault => ({
      ...{ number: 1, action: 'kill', what: 'node', text: 'kill node', at, fromMs: 0, toMs: 0, failed: undefined },
      ...change,
    });
    const none = { collecting: 0, building: 0, signing: 0, submitting: 0, confirming: 0, retrying: 0 };
    const faults = [fault(5), fault(25), fault(35), fault(35, { what: 'chain' }), fault(35, { failed: 'it is gone' })];
    assert.deepEqual(hitsOf(faults, { changes: [...CHANGES] }), [
      { what: 'node', faults: 3, states: { ...none, collecting: 1, building: 2 } },
      { what: 'chain', faults: 1, states: { ...none, building: 1 } },
    ]);
  });
});
