import assert from 'node:assert/strict';
import type { NatsConnection } from '@nats-io/transport-node';
import type { ModelChange } from '../../../actors/client/model-data.js';
import { collect } from '../../../actors/models/hub.js';
import { ModelValues } from '../../../actors/models/values.js';
import { LiveFeed } from '../../../actors/projections/live-feed.js';
import type { BusStatus } from '../../../bus/connection.js';
import { StatewattError } from '../../../errors/error.js';
import type { HeldValue } from '../../../machines/model.js';
import { watchModel } from '../../../node/model-watch.js';
import { modelParts } from '../../../site/config/index.js';
import { buildModel } from '../../../site/models/build.js';
import type { Site } from '../../../site/model.js';
import { GOOD, pointKey, type Frame } from '../../../site/points.js';
import { loadFiles } from '../../support/config.js';
import { eventually } from '../../support/temp.js';

const SITE = `
channels:
  - { id: 1, protocol: virtual, points: [{ id: 1, name: Power }] }
templates: [t.yaml]
`;
const TEMPLATE = `
id: t
name: T
points:
  - { name: power, unit: W }
  - { name: double, expression: power * 2 }
  - { name: note, kind: A }
`;

describe('watch of a model', () => {
  let site: Site;
  let held: Record<string, HeldValue>;
  let failure: StatewattError | undefined;
  /** Reads of the model that wait to be answered; undefined: each is answered at once. */
  let gate: (() => void)[] | undefined;
  let loads: number;
  let feed: LiveFeed;
  let hints: Set<() => void>;
  let statuses: Set<(status: BusStatus) => void>;
  let abort: AbortController;
  let seq: number;

  before(async () => {
    site = await loadFiles({ 'site.yaml': SITE, 't.yaml': TEMPLATE });
  });
  beforeEach(() => {
    [held, failure, gate, loads, seq] = [{}, undefined, undefined, 0, 0];
    [feed, hints, statuses, abort] = [new LiveFeed(), new Set(), new Set(), new AbortController()];
  });
  afterEach(() => abort.abort());

  const load = async (): Promise<ModelValues | undefined> => {
    loads += 1;
    if (gate !== undefined) await new Promise<void>((resolve) => gate?.push(resolve));
    if (failure !== undefined) throw failure;
    const definition = {
      ...{ id: 'm', name: 'M', template: 't', parameters: {}, parent: null },
      points: { power: { point: '1:T:1', scale: 1000 } },
    };
    const model = buildModel(definition, modelParts(site.templates, site.channels), collect([]));
    return model && new ModelValues(model, held);
  };
  const nats = {
    subscribe: (_subject: string, { callback }: { callback: () => void }) => {
      hints.add(callback);
      return { unsubscribe: () => hints.delete(callback) };
    },
    isClosed: () => false,
  } as unknown as NatsConnection;
  const onStatus = (listener: (status: BusStatus) => void) => {
    statuses.add(listener);
    return () => statuses.delete(listener);
  };
  const watch = () => {
    const parts = { feed, bus: { nats, onStatus }, site: () => site, load };
    return watchModel(parts, 'm', abort.signal)[Symbol.asyncIterator]();
  };
  const hint = () => hints.forEach((listener) => listener());
  const frame = (value: number): Frame => ({
    ...{ channel: 1, epoch: 1, seq: ++seq, time: 1_000 + seq, keys: Uint32Array.of(pointKey('T', 1)) },
    ...{ values: Float64Array.of(value), quality: Uint8Array.of(GOOD) },
  });
  const valuesOf = ({ value }: IteratorResult<ModelChange, unknown>) =>
    Object.fromEntries((value as ModelChange).points.map((point) => [point.name, point.value]));

  it('gives mapped and computed points as frames come, and to a slow reader the newest', async () => {
    const changes = watch();
    const first = changes.next();
    await eventually(() => (loads > 0 ? true : undefined));
    await new Promise((resolve) => setImmediate(resolve));
    feed.publish(frame(2));
    assert.deepEqual(valuesOf(await first), { power: 2000, double: 4000 });
    feed.publish(frame(3));
    feed.publish(frame(4));
    assert.deepEqual(valuesOf(await changes.next()), { power: 4000, double: 8000 });
    abort.abort();
    assert.equal((await changes.next()).done, true);
    assert.equal(hints.size + statuses.size, 0);
  });

  it('says that the model is another one, when it is told so and when NATS is back', async () => {
    const changes = watch();
    const next = changes.next();
    await eventually(() => (hints.size > 0 ? true : undefined));
    held = { note: { value: 7, at: 1 } };
    hint();
    assert.deepEqual((await next).value, { model: 'm', points: [], remade: true });
    const [status] = statuses;
    const again = changes.next();
    status?.('disconnected');
    status?.('connected');
    assert.equal(((await again).value as ModelChange).remade, true);
  });

  it('misses no frame that comes while the model is read', async () => {
    gate = [];
    const changes = watch();
    const next = changes.next();
    await eventually(() => (gate?.length === 1 ? true : undefined));
    feed.publish(frame(5));
    const open = gate;
    gate = undefined;
    open[0]?.();
    await new Promise((resolve) => setTimeout(resolve, 5));
    hint();
    assert.equal(((await next).value as ModelChange).remade, true);
    feed.publish(frame(6));
    assert.deepEqual(valuesOf(await changes.next()), { power: 6000, double: 12000 });
  });

  it('is made anew of a site that was edited', async () => {
    const changes = watch();
    const next = changes.next();
    await eventually(() => (loads > 0 ? true : undefined));
    await new Promise((resolve) => setImmediate(resolve));
    site = { ...site };
    feed.publish(frame(1));
    assert.equal(((await next).value as ModelChange).remade, true);
  });

  it('ends with an error when there is no such model, at once or later', async () => {
    failure = new StatewattError('models.not_found', 'not_found', 'there is no model m');
    await assert.rejects(Promise.resolve(watch().next()), { code: 'models.not_found' });
    failure = undefined;
    const changes = watch();
    const next = changes.next();
    await eventually(() => (hints.size > 0 ? true : undefined));
    await new Promise((resolve) => setImmediate(resolve));
    failure = new StatewattError('models.not_found', 'not_found', 'there is no model m');
    hint();
    await assert.rejects(Promise.resolve(next), { code: 'models.not_found' });
  });
});
