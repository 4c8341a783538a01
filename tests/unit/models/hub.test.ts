import assert from 'node:assert/strict';
import { ModelHub } from '../../../actors/models/hub.js';
import { LiveFeed } from '../../../actors/projections/live-feed.js';
import { StatewattError } from '../../../errors/error.js';
import { MemoryStore } from '../../../protocols/realtime/memory-store.js';
import type { StoredModel } from '../../../protocols/realtime/store.js';
import type { ModelDefinition } from '../../../site/models/model.js';
import { STORES_ALL } from '../../../site/history/mapping.js';
import { FIRST_MODEL_CHANNEL } from '../../../site/models/address.js';
import type { Site } from '../../../site/model.js';
import { BAD, GOOD, STALE, pointKey, type Frame } from '../../../site/points.js';
import { loadFiles } from '../../support/config.js';
import { eventually } from '../../support/temp.js';

const SITE = `
channels:
  - id: 1
    protocol: virtual
    points:
      - { id: 1, name: Power }
      - { id: 2, name: Serial, data_type: string }
      - { id: 1, kind: S, name: Open }
templates: [t.yaml]
`;
const TEMPLATE = `
id: t
name: T
points:
  - { name: power, unit: W, max: 5000 }
  - { name: power_kw, unit: kW }
  - { name: serial, text: true }
  - { name: closed, kind: S }
  - { name: note, kind: A }
`;
const definition: ModelDefinition = {
  id: 'm',
  name: 'M',
  template: 't',
  parameters: {},
  parent: null,
  points: {
    power: { point: '1:T:1', scale: 1000 },
    power_kw: { point: '1:T:1' },
    serial: { point: '1:T:2' },
    closed: { point: '1:S:1', reverse: true },
  },
};

const age = { createdAt: 1, changes: 1 };

/** What readers of the store would have of the models. */
class ModelStore extends MemoryStore {
  readonly values = new Map<string, unknown>();
  readonly models = new Set<string>();
  away = false;
  writes = 0;

  override setModels(models: readonly StoredModel[] = []): Promise<void> {
    this.writes += 1;
    if (this.away) return Promise.reject(new StatewattError('realtime.unavailable', 'unavailable', 'away'));
    for (const model of models) {
      if (model.definition === null) this.models.delete(model.id);
      else if (model.definition !== undefined) this.models.add(model.id);
      for (const { point, value, quality } of model.values) this.values.set(point, [value, quality]);
    }
    return Promise.resolve();
  }
}

function frame(seq: number, values: readonly [key: number, value: number | string, quality?: number][]): Frame {
  const texts = new Map<number, string>();
  values.forEach(([, value], index) => typeof value === 'string' && texts.set(index, value));
  return {
    channel: 1,
    epoch: 1,
    seq,
    time: 1000 * seq,
    keys: Uint32Array.from(values, ([key]) => key),
    values: Float64Array.from(values, ([, value]) => (typeof value === 'string' ? 0 : value)),
    quality: Uint8Array.from(values, ([, , quality = GOOD]) => quality),
    texts,
  };
}

describe('the hub of models', () => {
  const [POWER, SERIAL, OPEN] = [pointKey('T', 1), pointKey('T', 2), pointKey('S', 1)];
  let site: Site;
  let feed: LiveFeed;
  let store: ModelStore;
  let hub: ModelHub;
  const until = (point: string, wanted: unknown) =>
    eventually(() => (JSON.stringify(store.values.get(point)) === JSON.stringify(wanted) ? true : undefined), {
      what: `${point} is ${JSON.stringify(wanted)}`,
    });

  before(async () => {
    site = await loadFiles({ 'site.yaml': SITE, 't.yaml': TEMPLATE });
  });
  beforeEach(() => {
    feed = new LiveFeed();
    store = new ModelStore();
    hub = new ModelHub({ site: () => site, feed, realtime: store });
  });
  afterEach(() => hub.close());

  it('begins with what readers have, then follows the frames', async () => {
    await store.apply([frame(1, [[POWER, 2]])]);
    hub.use('m', 1, { definition, held: { note: { value: 7, at: 5 } }, age });
    await until('power', [2000, 'good']);
    await until('note', [7, 'good']);
    await until('closed', [null, 'bad']);
    feed.publish(
      frame(2, [
        [POWER, 3],
        [SERIAL, 'A7'],
        [OPEN, 1],
      ]),
    );
    await until('power', [3000, 'good']);
    await until('power_kw', [3, 'good']);
    await until('serial', ['A7', 'good']);
    await until('closed', [0, 'good']);
    hub.hold('m', 'note', { value: 8, at: 6 });
    await until('note', [8, 'good']);
  });

  it('keeps the last value of what cannot be read, and knows the limits of the model', async () => {
    hub.use('m', 1, { definition, held: {}, age });
    await until('power', [null, 'bad']);
    feed.publish(frame(1, [[POWER, 6]]));
    await until('power', [6000, 'out-of-range']);
    await until('power_kw', [6, 'good']);
    feed.publish(frame(2, [[POWER, 6, STALE]]));
    await until('power', [6000, 'stale']);
    feed.publish(frame(3, [[POWER, NaN, BAD]]));
    await until('power', [6000, 'bad']);
  });

  it('writes once what has changed while the store was away', async () => {
    hub.use('m', 1, { definition, held: {}, age });
    await until('power', [null, 'bad']);
    store.away = true;
    const { writes } = store;
    for (let seq = 1; seq <= 50; seq++) {
      feed.publish(frame(seq, [[POWER, seq / 100]]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(store.writes - writes <= 3, `${store.writes - writes} writes while it was away`);
    store.away = false;
    await until('power', [500, 'good']);
  });

  it('says why a model cannot be made, and makes it when the configuration allows', async () => {
    const whole = site;
    site = { ...whole, channels: [] };
    hub.use('m', 1, { definition, held: {}, age });
    assert.match(hub.problem('m') ?? '', /^points\.power: found channel 1, allowed a channel of this site; points\./);
    site = whole;
    hub.refresh();
    assert.equal(hub.problem('m'), null);
    feed.publish(frame(1, [[POWER, 1]]));
    await until('power', [1000, 'good']);
  });

  it('goes on with the numbering of what it tells when a model is made again', async () => {
    const told: Frame[] = [];
    await hub.close();
    hub = new ModelHub({
      ...{ site: () => site, feed, realtime: store },
      record: {
        claim: () => Promise.resolve(FIRST_MODEL_CHANNEL),
        openLine: () => ({ publish: (frame) => told.push(frame), close: () => Promise.resolve() }),
        plan: () => STORES_ALL,
        newest: () => Promise.resolve(undefined),
      },
    });
    hub.use('m', 1, { definition, held: {}, age });
    hub.hold('m', 'note', { value: 1, at: 1 });
    hub.drop('m', { createdAt: 1, changes: 1 });
    hub.use('m', 1, { definition, held: {}, age });
    hub.hold('m', 'note', { value: 2, at: 2 });
    await eventually(() => (told.length >= 2 ? true : undefined));
    assert.deepEqual(
      told.slice(0, 2).map(({ seq, values }) => [seq, values[0]]),
      [
        [1, 1],
        [2, 2],
      ],
    );
  });

  it('lets go of a model that lives elsewhere, and removes one that is gone', async () => {
    hub.use('m', 1, { definition, held: {}, age });
    await until('power', [null, 'bad']);
    await hub.leave('m');
    feed.publish(frame(1, [[POWER, 1]]));
    assert.ok(store.models.has('m'));
    hub.use('m', 1, { definition, held: {}, age });
    feed.publish(frame(2, [[POWER, 2]]));
    await until('power', [2000, 'good']);
    hub.drop('m', age);
    await eventually(() => (store.models.has('m') ? undefined : true));
    feed.publish(frame(3, [[POWER, 3]]));
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(store.values.get('power'), [2000, 'good']);
  });
});
