import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { historyMappingKind, historyMappingRef } from '../../../actors/history-mapping.js';
import { KnownMappings } from '../../../actors/projections/known-mappings.js';
import { RedisCollector } from '../../../actors/projections/redis-collector.js';
import { createSystem } from '../../../actors/runtime/system.js';
import type { Bus } from '../../../bus/connection.js';
import { decodeFrame } from '../../../bus/frame-codec.js';
import { readBatch } from '../../../bus/read-batch.js';
import { STREAM } from '../../../bus/streams.js';
import { buildStorageRule } from '../../../site/history/definition.js';
import type { StorageRule } from '../../../site/history/mapping.js';
import type { PointValue } from '../../../site/points.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

describe('what history takes from Redis, and from callers', () => {
  let nats: TestNats;
  let bus: Bus;
  before(async () => {
    nats = await startNats();
    bus = await nats.connect();
  });
  after(() => nats.stop());

  it('collects each cycle once, whoever does it, and goes on after trouble', async () => {
    const definition = { points: '7:T:1-2', source: 'redis', collectMs: 100 } as const;
    const rule = buildStorageRule(definition, undefined, { report: () => undefined }) as StorageRule;
    const told: (string | null)[] = [];
    let away = true;
    const value = (id: number, held: number | string): PointValue => ({
      ...{ channel: 7, kind: 'T', id, value: held, quality: 'good', time: null },
    });
    const make = () =>
      new RedisCollector({
        bus,
        read: () =>
          away ? Promise.reject(new Error('away')) : Promise.resolve([value(1, 2.5), value(2, 'on'), value(3, 1)]),
        plan: () => ({ rules: [rule], nameOf: () => undefined }),
        isOwned: (channel) => channel === 8,
        onTrouble: (error) => told.push(error),
      });
    const [one, other] = [make(), make()];
    for (const each of [one, other]) each.run(true);
    await eventually(() => (told.length >= 2 ? true : undefined));
    assert.equal(told[0], 'away');
    assert.ok(one.counters.missed > 0);
    away = false;
    await eventually(() => (one.counters.points >= 6 && other.counters.points >= 6 ? true : undefined));
    await Promise.all([one.stop(), other.stop()]);
    assert.ok(told.includes(null));
    const frames = (await readBatch(bus, STREAM.frames, { seq: 1, batch: 100 })).map(({ data }) => decodeFrame(data));
    assert.ok(frames.length >= 3);
    assert.equal(new Set(frames.map(({ time }) => time)).size, frames.length);
    assert.deepEqual([frames[0]?.values[0], frames[0]?.texts?.get(1), frames[0]?.keys.length], [2.5, 'on', 2]);
    assert.deepEqual(await one.collect(5_000, [7]), { channels: 1, points: 2 });
    assert.deepEqual(await one.collect(5_000, [9]), { channels: 0, points: 0 });
  });

  it('knows the mappings of callers, those from before too, also after the connection was lost', async () => {
    const system = createSystem({ bus, kinds: [historyMappingKind], node: 'n1' });
    await system.start();
    const known = new KnownMappings(bus);
    const later = new KnownMappings(bus);
    try {
      known.start();
      const put = (id: string, points: string) => {
        const commandId = randomUUID();
        const command = { type: 'put', definition: { points } } as const;
        return known.after(commandId, () => system.ask(historyMappingRef(id), command, { commandId }), 10_000);
      };
      await put('a', '1:T:1');
      assert.deepEqual([...known.all.keys()], ['a']);
      await put('a', '1:T:2');
      await put('b', '1:T:3');
      await system.ask(historyMappingRef('b'), { type: 'remove' });
      await assert.rejects(system.ask(historyMappingRef('b'), { type: 'remove' }), {
        code: 'history.mapping_not_found',
      });
      const points = (of: KnownMappings) =>
        [...of.all].map(([id, { definition }]) => `${id} ${String(definition.points)}`);
      later.start();
      const until = (of: KnownMappings) =>
        eventually(() => (points(of).join() === 'a 1:T:2' ? true : undefined), { what: 'the mapping' });
      await Promise.all([until(known), until(later)]);
      const { version } = known;
      nats.server.child.kill();
      await eventually(() => (known.version > version ? true : undefined), { within: 20_000, what: 'a new beginning' });
      await until(known);
    } finally {
      await Promise.all([known.stop(), later.stop()]);
      await system.stop();
    }
  }).timeout(40_000);
});
