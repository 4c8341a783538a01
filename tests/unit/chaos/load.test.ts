import assert from 'node:assert/strict';
import type { StatewattClient } from '../../../actors/client/client.js';
import { answered } from '../../../chaos/checks/commands.js';
import { Load } from '../../../chaos/load.js';

describe('the load of a chaos run', () => {
  let written: { model: string; value: unknown; at: number }[];
  let answer: () => Promise<unknown>;

  beforeEach(() => {
    written = [];
    answer = () => Promise.resolve({});
  });

  const client = {
    writeModel: ({ model, value }: { model: string; value: unknown }) => {
      written.push({ model, value, at: performance.now() });
      return answer();
    },
  } as unknown as StatewattClient;
  const models = ['a', 'b', 'c'];

  it('at a rate is spread over its callers, and numbers go on one by one', async () => {
    const load = new Load(client, { callers: 3, perSecond: 100, models, point: 'count' });
    const begun = performance.now();
    load.start();
    while (written.length < 30) await new Promise((resolve) => setTimeout(resolve, 5));
    await load.stop();
    // 30 of 100 a second: no sooner than in 0.29 s; how much later is the machine's matter.
    assert.ok((written[29]?.at ?? 0) - begun >= 285);
    for (const model of models) {
      const values = written.filter((each) => each.model === model).map(({ value }) => value);
      assert.deepEqual(
        values,
        Array.from({ length: values.length }, (_, at) => at + 1),
      );
      assert.equal(load.acknowledged.get(model), values.length);
    }
  });

  it('at a rate does not make up for what it missed', async () => {
    let open: () => void = () => undefined;
    const held = new Promise<unknown>((resolve) => (open = () => resolve({})));
    answer = () => held;
    const load = new Load(client, { callers: 1, perSecond: 50, models: ['a'], point: 'count' });
    load.start();
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(written.length, 1);
    const opened = performance.now();
    open();
    while (written.length < 4) await new Promise((resolve) => setTimeout(resolve, 5));
    await load.stop();
    assert.ok((written[3]?.at ?? 0) - opened >= 38);
  });

  it('at a slow rate ends at once', async () => {
    const load = new Load(client, { callers: 2, perSecond: 1, models, point: 'count' });
    load.start();
    const begun = performance.now();
    await load.stop();
    assert.ok(performance.now() - begun < 900);
  });

  it('gives up what is never acknowledged, and says what was answered instead', async () => {
    answer = () => Promise.reject(new Error('it was given up'));
    const load = new Load(client, { callers: 2, models, point: 'count' });
    load.start();
    while (load.repeated < 4) await new Promise((resolve) => setTimeout(resolve, 5));
    await load.stop(50);
    assert.deepEqual(load.unanswered.sort(), ['a: it was given up', 'b: it was given up']);
    assert.deepEqual([answered(load).passed, answered(load).violations.length], [false, 2]);
  });
});
