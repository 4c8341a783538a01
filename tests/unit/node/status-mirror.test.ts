import assert from 'node:assert/strict';
import sinon from 'sinon';
import type { ChannelView } from '../../../actors/client/schemas.js';
import { StatusMirror } from '../../../node/status-mirror.js';
import { MemoryStore } from '../../../protocols/realtime/memory-store.js';
import type { StatusFields } from '../../../protocols/realtime/store.js';
import { FakeClient } from '../../support/fake-client.js';

describe('StatusMirror', () => {
  let clock: sinon.SinonFakeTimers;
  let client: FakeClient;
  let shown: ChannelView[];
  let up: boolean;
  let written: [number, StatusFields, StatusFields][];
  let fail: boolean;
  let mirror: StatusMirror;

  beforeEach(async () => {
    clock = sinon.useFakeTimers({ now: 1_000_000 });
    client = new FakeClient({ channels: 2, time: 1_000_000 });
    shown = await client.channels();
    up = true;
    fail = false;
    written = [];
    const store = new MemoryStore();
    store.health = () => ({ up, detail: '' });
    store.setStatus = (...args: unknown[]) => {
      if (fail) return Promise.reject(new Error('away'));
      written.push(args as [number, StatusFields, StatusFields]);
      return Promise.resolve();
    };
    mirror = new StatusMirror(store, () => shown.map((view) => () => view));
    mirror.start();
  });
  afterEach(() => clock.restore());
  const states = () => written.splice(0).map(([id, { state, online }]) => `${id} ${state} ${online}`);

  it('writes state and counters once a second, only what has changed', async () => {
    await clock.tickAsync(1_000);
    const [first] = written;
    assert.deepEqual(first, [
      1001,
      {
        state: 'online',
        online: 1,
        since: 1_000_000,
        error_count: 0,
        last_error: '',
        last_error_at: 0,
        last_good_at: 1_000_000,
      },
      {
        total_reads: 10,
        total_frames: 10,
        read_errors: 0,
        connection_errors: 0,
        reconnect_count: 0,
        missed_cycles: 0,
        dropped_values: 0,
      },
    ]);
    assert.deepEqual(states(), ['1001 online 1', '1002 online 1']);
    await clock.tickAsync(10_000);
    assert.deepEqual(states(), []);
    client.change(1002, { state: 'backingOff' });
    await clock.tickAsync(1_000);
    assert.deepEqual(states(), ['1002 backingOff 0']);
  });

  it('waits while the store is away, tries again what failed, and writes all to one that came back empty', async () => {
    up = false;
    await clock.tickAsync(5_000);
    up = true;
    fail = true;
    await clock.tickAsync(2_000);
    assert.deepEqual(states(), []);
    fail = false;
    await clock.tickAsync(1_000);
    assert.equal(states().length, 2);
    mirror.forget();
    await clock.tickAsync(1_000);
    assert.equal(states().length, 2);
  });

  it('says of a channel that has left the site that nobody reads it', async () => {
    await clock.tickAsync(1_000);
    states();
    shown = shown.slice(1);
    await clock.tickAsync(1_000);
    assert.deepEqual(states(), ['1001 stopped 0']);
    await clock.tickAsync(5_000);
    assert.deepEqual(states(), []);
  });

  it('leaves every channel stopped, with its last counters, and writes nothing more', async () => {
    await clock.tickAsync(1_000);
    states();
    client.tick(500, 1001);
    await mirror.stop();
    assert.equal(written[0]?.[2].total_frames, 11);
    assert.deepEqual(states(), ['1001 online 1', '1001 stopped 0', '1002 stopped 0']);
    await clock.tickAsync(5_000);
    assert.deepEqual(states(), []);
  });

  it('ends quietly when the store is away', async () => {
    await clock.tickAsync(1_000);
    states();
    up = false;
    await mirror.stop();
    assert.deepEqual(states(), []);
  });
});
