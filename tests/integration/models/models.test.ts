import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { ModelChange } from '../../../actors/client/model-data.js';
import type { ModelPointView } from '../../../actors/client/model-schemas.js';
import { connectClient } from '../../../actors/client/remote.js';
import type { RunningNode } from '../../../node/node.js';
import { startTestNode, virtualChannel } from '../../support/node.js';
import { startRedis, type TestRedis } from '../../support/redis.js';
import { eventually, tempFolder } from '../../support/temp.js';

const TEMPLATE = `
id: relay
name: Relay
parameters:
  - { name: rated, unit: W, default: 100 }
points:
  - { name: power, unit: W }
  - { name: closed, kind: S }
  - { name: close, kind: C }
  - { name: limit, kind: A, unit: W, min: 0, max: '\${rated}' }
  - { name: tariff, kind: A }
`;
const MODELS = `
templates: [relay.yaml]
models:
  - id: feeder
    name: Feeder
    template: relay
    points:
      power: { point: 1001:T:1, scale: 1000 }
      closed: { point: 1001:S:1, reverse: true }
      close: 1001:C:1
      limit: { point: 1001:A:1, scale: 2 }
`;

const PATIENT = { within: 20_000 };

describe('models on a running node', function () {
  this.timeout(120_000);
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  let redis: TestRedis;
  let reader: Redis;
  let node: RunningNode;

  const start = async () => {
    ({ node } = await startTestNode(folder.path, {}, { REDIS_URL: redis.url }));
  };
  const pointsOf = async (id: string): Promise<Record<string, ModelPointView>> =>
    Object.fromEntries((await node.client.model(id)).points.map((point) => [point.name, point]));

  before(async () => {
    folder = await tempFolder();
    redis = await startRedis();
    reader = new Redis(redis.url);
    await writeFile(join(folder.path, 'relay.yaml'), TEMPLATE);
    await writeFile(join(folder.path, 'site.yaml'), `channels:${virtualChannel(1001, { base: 5 })}\n${MODELS}`);
    await start();
  });
  after(async () => {
    await node.stop();
    reader.disconnect();
    await redis.close();
    await folder.remove();
  });

  it('gives the points of a model the values of its channels', async () => {
    const points = await eventually(async () => {
      const all = await pointsOf('feeder');
      return all.power?.quality === 'good' && all.closed?.quality === 'good' ? all : undefined;
    });
    assert.ok((points.power?.value as number) >= 5000, 'kW of the channel are W of the model');
    assert.equal(points.closed?.value, 0);
    assert.deepEqual(
      [points.power?.point, points.power?.writable, points.limit?.writable],
      ['comsrv:1001:T:1', false, true],
    );
    assert.deepEqual([points.tariff?.value, points.tariff?.quality, points.tariff?.time], [null, 'bad', null]);
  });

  it('has them in Redis, and goes on telling them', async () => {
    const key = 'modsrv:model:feeder:measurement';
    const first = await eventually(async () => (await reader.hget(key, 'power')) ?? undefined);
    assert.match(first, /^\d+\.\d{6}$/);
    await eventually(async () => ((await reader.hget(key, 'power')) !== first ? true : undefined));
    assert.equal(await reader.hget(key, 'closed'), '0');
    assert.deepEqual(await reader.smembers('modsrv:models:by_template:relay'), ['feeder']);
    const stored = JSON.parse((await reader.get('modsrv:model:feeder')) ?? '') as Record<string, unknown>;
    assert.deepEqual([stored.model_id, stored.name, stored.template_id], ['feeder', 'Feeder', 'relay']);
    const points = JSON.parse((await reader.get('modsrv:model:feeder:points')) ?? '') as { name: string }[];
    assert.deepEqual(
      points.map(({ name }) => name),
      ['power', 'closed', 'close', 'limit', 'tariff'],
    );
  });

  it('writes through the channel, within the limits of both', async () => {
    const reply = await eventually(async () => {
      try {
        return await node.client.writeModel({ model: 'feeder', point: 'limit', value: 84 });
      } catch (error) {
        if ((error as { code?: string }).code === 'channel.not_online') return undefined;
        throw error;
      }
    });
    assert.deepEqual(
      [reply.address, reply.written, reply.readBack, reply.confirmed],
      ['modsrv:feeder:limit', 84, 84, true],
    );
    await eventually(async () => ((await node.client.point(1001, 'A', 1)).value === 42 ? true : undefined));
    await eventually(async () =>
      (await reader.hget('modsrv:model:feeder:action', 'limit')) === '84.000000' ? true : undefined,
    );
    const write = (point: string, value: number) => node.client.writeModel({ model: 'feeder', point, value });
    await assert.rejects(write('limit', 101), { code: 'points.out_of_range' });
    await assert.rejects(write('power', 1), { code: 'models.not_writable' });
    await assert.rejects(write('nothing', 1), { code: 'models.point_not_found' });
  });

  it('keeps the models and values of callers over a restart, and over a loss of Redis', async () => {
    const { client } = node;
    const made = await client.createModel({
      id: 'model_001',
      name: 'Station',
      template: 'power_station_template',
      parameters: { capacity_mw: 100, voltage_kv: 35 },
    });
    assert.deepEqual([made.source, made.product, made.problem], ['caller', 'station', null]);
    await client.writeModel({ model: 'model_001', point: 'active_power', value: 12.5 });
    await client.updateModel('model_001', { name: 'Renamed', parameters: { capacity_mw: 150, voltage_kv: 35 } });
    await assert.rejects(client.createModel({ id: 'model_001', template: 'relay' }), { code: 'models.exists' });
    await assert.rejects(client.createModel({ id: 'x', template: 'relay', parameters: { rated: 'high' } }), {
      code: 'models.invalid',
      message: 'the model x cannot be made: parameters.rated: found "high", allowed a number W',
    });
    await assert.rejects(client.updateModel('feeder', { name: 'Mine' }), { code: 'models.configured' });
    await assert.rejects(client.removeModel('feeder'), { code: 'models.configured' });
    await client.createModel({ id: 'removed', template: 'relay' });
    await client.removeModel('removed');
    await node.stop();
    await redis.stop();
    await redis.start();
    // As Redis looks when it was away at the removal, and when it comes from another site.
    for (const id of ['removed', 'foreign']) {
      const key = `modsrv:model:${id}`;
      await reader.multi().sadd('modsrv:models', id).sadd('modsrv:models:by_template:relay', id).set(key, '{}').exec();
      await reader.multi().hset(`${key}:about`, 'created', 1, 'changes', 1, 'template', 'relay').exec();
      await reader.hset(`${key}:measurement`, 'power', 1);
    }
    await start();
    await eventually(
      async () =>
        (await reader.smembers('modsrv:models')).sort().join() === 'feeder,model_001' &&
        (await reader.smembers('modsrv:models:by_template:relay')).join() === 'feeder'
          ? true
          : undefined,
      PATIENT,
    );
    const leftovers = ['removed', 'foreign'].flatMap((id) => [`modsrv:model:${id}`, `modsrv:model:${id}:measurement`]);
    assert.equal(await reader.exists(...leftovers), 0);
    const { model, points } = await eventually(() => node.client.model('model_001').catch(() => undefined));
    assert.deepEqual([model.name, model.parameters.capacity_mw], ['Renamed', 150]);
    const power = points.find(({ name }) => name === 'active_power');
    assert.deepEqual([power?.value, power?.quality, power?.max], [12.5, 'good', 150]);
    await eventually(async () =>
      (await reader.hget('modsrv:model:model_001:measurement', 'active_power')) === '12.500000' ? true : undefined,
    );
  });

  it('makes many at once, tells their changes live, and knows what they were', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `bulk_${index}`);
    const models = names.map((id, index) => ({
      ...{ id, template: 'relay', points: { power: { point: '1001:T:1', scale: 1000 } } },
      ...(index === 0 ? {} : { parent: 'bulk_0' }),
    }));
    const { created, verdicts } = await node.client.createModels([...models, { id: 'feeder', template: 'relay' }]);
    assert.deepEqual([created, verdicts.at(-1)?.error?.code], [50, 'models.exists']);
    const client = await connectClient({ natsUrl: node.natsUrl });
    const abort = new AbortController();
    try {
      for (const face of [node.client, client]) {
        const changes = face.watchModel('bulk_7', abort.signal)[Symbol.asyncIterator]();
        const { value } = (await changes.next()) as IteratorYieldResult<ModelChange>;
        assert.equal(value.points[0]?.name, 'power');
        await face.writeModel({ model: 'bulk_7', point: 'tariff', value: 3 });
        let isRemade = false;
        while (!isRemade) isRemade = ((await changes.next()) as IteratorYieldResult<ModelChange>).value.remade;
        const page = await eventually(async () => {
          const found = await face.modelHistory({ model: 'bulk_7', point: 'power', resolution: 'raw', limit: 5 });
          return found.rows.length > 0 ? found : undefined;
        });
        assert.ok((page.rows[0]?.value as number) >= 5000, 'kW of the channel are W of the model');
        await eventually(async () => {
          const { rows } = await face.modelHistory({ model: 'bulk_7', point: 'tariff', resolution: 'raw' });
          return rows.some(({ value }) => value === 3) ? true : undefined;
        }, PATIENT);
      }
    } finally {
      abort.abort();
      await client.close();
    }
    await Promise.all(names.map((id) => node.client.removeModel(id)));
  });

  it('is the same over NATS', async () => {
    const remote = await connectClient({ natsUrl: node.natsUrl });
    try {
      assert.deepEqual(
        (await remote.models()).map(({ id }) => id),
        ['feeder', 'model_001'],
      );
      assert.equal((await remote.templates()).find(({ id }) => id === 'relay')?.points.length, 5);
      assert.equal((await remote.model('model_001')).points.length, 12);
      await remote.createModel({ id: 'part', template: 'relay', parent: 'feeder' });
      await assert.rejects(remote.createModel({ id: 'lost', template: 'relay', parent: 'nobody' }), {
        code: 'models.invalid',
      });
      await assert.rejects(remote.updateModel('part', { parent: 'part' }), { code: 'models.invalid' });
      await remote.writeModel({ model: 'part', point: 'tariff', value: 7 });
      assert.equal((await remote.model('part')).points.at(-1)?.value, 7);
      await remote.removeModel('part');
      await assert.rejects(remote.model('part'), { code: 'models.not_found' });
      await eventually(async () => ((await reader.exists('modsrv:model:part')) === 0 ? true : undefined));
      assert.equal(await reader.sismember('modsrv:models', 'part'), 0);
    } finally {
      await remote.close();
    }
  });

  it('takes edits of the site file and of a template while it runs', async () => {
    const file = join(folder.path, 'site.yaml');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('name: Feeder', 'name: Feeder 2').replace('scale: 1000', 'scale: 1000000'));
    await eventually(
      async () => {
        const { model, points } = await node.client.model('feeder');
        return model.name === 'Feeder 2' && ((points[0]?.value ?? 0) as number) > 1e6 ? true : undefined;
      },
      { within: 20_000 },
    );
    await writeFile(join(folder.path, 'relay.yaml'), TEMPLATE.replace('name: tariff', 'name: price'));
    await eventually(async () => ((await pointsOf('feeder')).price !== undefined ? true : undefined), {
      within: 20_000,
    });
    await writeFile(file, text.slice(0, text.indexOf('models:')));
    await eventually(async () => ((await node.client.models()).length === 1 ? true : undefined), { within: 20_000 });
    assert.equal((await node.client.models())[0]?.id, 'model_001');
  });
});
