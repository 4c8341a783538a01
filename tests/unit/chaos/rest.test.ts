import assert from 'node:assert/strict';
import type { Health } from '../../../actors/client/schemas.js';
import type { Bus } from '../../../bus/connection.js';
import { comeToRest } from '../../../chaos/rest.js';

/** A stream whose end, and a node whose words, are what each look says. */
function site(looks: readonly { last: number; committed: number; waiting?: number; bytes?: number }[]) {
  let look = 0;
  const now = () => looks[Math.min(look, looks.length - 1)] as (typeof looks)[number];
  const bus = {
    manager: { streams: { info: () => Promise.resolve({ state: { last_seq: now().last } }) } },
  } as unknown as Bus;
  const healths = (): Promise<Health[]> => {
    look += 1;
    const { committed, waiting = 0, bytes = 0 } = now();
    const part = (facts: object) => ({ status: 'up', detail: '', facts });
    // What is behind was looked up a moment ago: nobody may rely on it.
    const parts = { history: part({ behind: 0, committed }), spool: part({ waiting, bytes }) };
    return Promise.resolve([{ node: 'n1', parts } as unknown as Health]);
  };
  return { bus, healths };
}
const pause = () => Promise.resolve();

describe('coming to rest after a chaos run', function () {
  this.timeout(60_000);

  it('waits for frames that come after the pause, though the node says that history is not behind', async () => {
    const parts = site([
      { last: 10, committed: 10 },
      { last: 10, committed: 10 },
      { last: 16, committed: 10 },
      { last: 16, committed: 10 },
      { last: 16, committed: 16 },
    ]);
    assert.deepEqual(await comeToRest({ ...parts, pause, ms: 10_000 }), { upTo: 16, problem: undefined });
  });

  it('waits for what a node has in memory or on its disk', async () => {
    for (const held of [{ waiting: 3 }, { bytes: 200 }]) {
      const busy = { last: 10, committed: 10, ...held };
      const parts = site([busy, busy, busy, { last: 12, committed: 12 }]);
      assert.deepEqual(await comeToRest({ ...parts, pause, ms: 10_000 }), { upTo: 12, problem: undefined });
    }
  });

  it('says what it waits for', async () => {
    const told = async (look: Parameters<typeof site>[0][number], ms = 2_500) =>
      (await comeToRest({ ...site([look]), pause, ms })).problem;
    assert.match((await told({ last: 9, committed: 4 })) ?? '', /^history is at 4 of 9, /);
    assert.match((await told({ last: 9, committed: 9, waiting: 2 }, 600)) ?? '', /^n1 has 2 frames in memory/);
    const never = () => Promise.reject(new Error('the site is away'));
    const { problem } = await comeToRest({ ...site([{ last: 1, committed: 1 }]), pause: never, ms: 600 });
    assert.match(problem ?? '', /^the site is away, /);
  });

  it('awaits only history where frames go on', async () => {
    const looks = [3, 5, 7, 9].map((last) => ({ last: last + 3, committed: last }));
    assert.deepEqual(await comeToRest({ ...site(looks), ms: 10_000 }), { upTo: 8, problem: undefined });
  });
});
