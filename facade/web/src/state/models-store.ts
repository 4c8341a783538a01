import { signal } from '@preact/signals';
import type { ModelChange } from '../../../../actors/client/model-data.js';
import type { ModelDetail, ModelPointView, ModelView } from '../../../../actors/client/model-schemas.js';
import type { PointView } from '../../../../actors/client/schemas.js';
import type { HttpApi } from '../api.js';
import { LiveLink } from './live-link.js';
import { Poll } from './poll.js';
import type { OpenStream } from './points-store.js';

type Asker = Pick<HttpApi, 'ask'>;

const LIST_EVERY_MS = 10_000;
/** Frames come as quickly as devices are polled; people do not read quicker than this. */
const PAINT_EVERY_MS = 100;
const BASE = '/api/v1/models';

/** The address of a model's point for trends and writes. */
export function modelAddress(id: string, point: string): string {
  return `model:${id}:${point}`;
}

/** The models of the site, asked at intervals while they are shown. */
export class ModelsStore {
  readonly models = signal<readonly ModelView[]>([]);
  readonly poll: Poll;

  constructor(api: Asker) {
    this.poll = new Poll(LIST_EVERY_MS, async (isCurrent) => {
      const models = (await api.ask(BASE)) as ModelView[];
      if (isCurrent()) this.models.value = models;
    });
  }
}

/** One model with its points, kept live by the server's event stream. */
export class ModelStore {
  readonly detail = signal<ModelDetail | undefined>(undefined);
  readonly link: LiveLink;
  /** Called with each value as it arrives, before it is painted. */
  onPoint: (point: Pick<PointView, 'address' | 'value' | 'quality' | 'time'>) => void = () => undefined;

  readonly #api: Asker;
  #id: string | undefined;
  /** By name: arrived since the last paint. */
  #fresh = new Map<string, ModelChange['points'][number]>();
  /** By name: arrived since the model was last asked for, whose answer may be older than these. */
  #overtaking = new Map<string, ModelChange['points'][number]>();
  #paintTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Asker, open: OpenStream) {
    this.#api = api;
    this.link = new LiveLink({
      open,
      url: () => `${this.#path()}/stream`,
      load: () => this.#load(),
      receive: (data) => this.#receive(JSON.parse(data) as ModelChange),
    });
  }

  /** Follows this model from now on; undefined follows none. */
  select(id: string | undefined): void {
    if (id === this.#id) return;
    this.#id = id;
    this.detail.value = undefined;
    clearTimeout(this.#paintTimer);
    this.#paintTimer = undefined;
    this.#fresh.clear();
    if (id === undefined) this.link.stop();
    else this.link.start();
  }

  #path(): string {
    return `${BASE}/${encodeURIComponent(this.#id ?? '')}`;
  }

  async #load(): Promise<void> {
    const id = this.#id;
    const overtaking = new Map<string, ModelChange['points'][number]>();
    this.#overtaking = overtaking;
    const detail = (await this.#api.ask(this.#path())) as ModelDetail;
    if (id !== this.#id) return;
    this.detail.value = { ...detail, points: merge(detail.points, overtaking) };
  }

  #receive({ points, remade }: ModelChange): void {
    if (remade) void this.#load().catch(() => this.link.start());
    for (const point of points) {
      this.#fresh.set(point.name, point);
      this.#overtaking.set(point.name, point);
      this.onPoint({ ...point, address: modelAddress(this.#id ?? '', point.name) });
    }
    this.#paintTimer ??= setTimeout(() => this.#paint(), PAINT_EVERY_MS);
  }

  #paint(): void {
    this.#paintTimer = undefined;
    const detail = this.detail.value;
    if (detail !== undefined) this.detail.value = { ...detail, points: merge(detail.points, this.#fresh) };
    this.#fresh.clear();
  }
}

function merge(points: ModelPointView[], fresh: ReadonlyMap<string, Partial<ModelPointView>>): ModelPointView[] {
  return points.map((point) => ({ ...point, ...fresh.get(point.name) }));
}
