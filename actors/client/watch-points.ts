import { formatModelAddress } from '../../site/models/address.js';
import { formatPointAddress, type PointAddress } from '../../site/points.js';
import { isOfModel, type AnyPoint } from './addresses.js';
import type { PointsUpdate, StatewattClient } from './client.js';
import { merged } from './merged.js';
import type { ModelChange } from './model-data.js';
import type { ModelPointView } from './model-schemas.js';
import type { PointView } from './schemas.js';

/** One change of points of a model; `channel` and `id` of each say where it is stored. */
export interface ModelPointsUpdate {
  readonly model: string;
  /** The newest of their source times, ms since the Unix epoch; null: they were never read. */
  readonly time: number | null;
  readonly points: PointView[];
}

export type AnyPointsUpdate = PointsUpdate | ModelPointsUpdate;

/** What of a client is needed to watch single points. */
export type WatchedSite = Pick<StatewattClient, 'point' | 'watchPoints' | 'model' | 'modelPoint' | 'watchModel'>;

/**
 * Live changes of single points, those of channels and of models alike, until `signal` aborts. Slow readers get the newest
 * state, not a queue. When a model is made anew, or holds another value, its points are read again.
 *
 * @throws at once what `point` and `modelPoint` throw: what is not there would be silent for ever; later, when it goes
 */
export async function watchAny(
  client: WatchedSite,
  points: readonly AnyPoint[],
  signal: AbortSignal,
): Promise<AsyncIterable<AnyPointsUpdate>> {
  const names = new Map<string, Set<string>>();
  const ofChannels: PointAddress[] = [];
  for (const point of points) {
    if (!isOfModel(point)) ofChannels.push(point);
    else names.set(point.model, (names.get(point.model) ?? new Set()).add(point.point));
  }
  const models = [...names].map(([id, wanted]) => new WatchedModel(client, id, [...wanted]));
  await Promise.all([
    ...ofChannels.map(({ channel, kind, id }) => client.point(channel, kind, id)),
    ...models.map((model) => model.read()),
  ]);
  const sources: ((until: AbortSignal) => AsyncIterable<AnyPointsUpdate>)[] = models.map(
    (model) => (until) => model.watch(until),
  );
  if (ofChannels.length > 0) sources.push((until) => watchChannels(client, ofChannels, until));
  return merged(sources, signal);
}

/** All that is looked at is one channel, when the points are of one. */
async function* watchChannels(
  client: WatchedSite,
  wanted: readonly PointAddress[],
  signal: AbortSignal,
): AsyncGenerator<PointsUpdate> {
  const addresses = new Set(wanted.map(formatPointAddress));
  const channels = [...new Set(wanted.map(({ channel }) => channel))];
  const [channel] = channels;
  const filter = channels.length > 1 || channel === undefined ? {} : { channel };
  for await (const update of client.watchPoints(filter, signal)) {
    const points = update.points.filter(({ address }) => addresses.has(address));
    if (points.length > 0) yield { ...update, points };
  }
}

/** Points of a model that somebody watches, as they are now. */
class WatchedModel {
  readonly #client: WatchedSite;
  readonly #id: string;
  readonly #names: readonly string[];
  readonly #views = new Map<string, PointView>();
  /** What is known of a point beside its value. */
  readonly #facts = new Map<string, string>();

  constructor(client: WatchedSite, id: string, names: readonly string[]) {
    this.#client = client;
    this.#id = id;
    this.#names = names;
  }

  /** Answers those that are others now. @throws `models.not_found`, `models.point_not_found` */
  async read(): Promise<PointView[]> {
    const { points } = await this.#client.model(this.#id);
    const found = new Map(points.map((point) => [point.name, point]));
    const changed: PointView[] = [];
    for (const name of this.#names) {
      const before = this.#views.get(name);
      const view = await this.#view(name, found.get(name));
      this.#views.set(name, view);
      if (before === undefined || JSON.stringify(before) !== JSON.stringify(view)) changed.push(view);
    }
    return changed;
  }

  async *watch(signal: AbortSignal): AsyncGenerator<ModelPointsUpdate> {
    for await (const { points, remade } of this.#client.watchModel(this.#id, signal)) {
      const changed = new Map(points.flatMap((point) => this.#take(point)));
      if (remade) for (const view of await this.read()) changed.set(view.address, view);
      const views = [...changed.values()];
      if (views.length === 0) continue;
      const times = views.flatMap(({ time }) => (time === null ? [] : [time]));
      yield { model: this.#id, time: times.length === 0 ? null : Math.max(...times), points: views };
    }
  }

  /** A point that is not there any more, or another one, is asked for by its name: the answer says what is wrong. */
  async #view(name: string, point: ModelPointView | undefined): Promise<PointView> {
    const known = this.#views.get(name);
    const facts = point === undefined ? '' : factsOf(point);
    if (point !== undefined && known !== undefined && this.#facts.get(name) === facts) {
      const { value, quality, time } = point;
      return { ...known, value, quality, time };
    }
    this.#facts.set(name, facts);
    return this.#client.modelPoint(this.#id, name);
  }

  #take({ name, value, quality, time }: ModelChange['points'][number]): [string, PointView][] {
    const known = this.#views.get(name);
    if (known === undefined) return [];
    const view = { ...known, value, quality, time };
    this.#views.set(name, view);
    return [[formatModelAddress({ model: this.#id, point: name }), view]];
  }
}

function factsOf({ value: _value, quality: _quality, time: _time, ...facts }: ModelPointView): string {
  return JSON.stringify(facts);
}
