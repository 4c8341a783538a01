import { StatewattError } from '../../errors/error.js';
import type {
  ModelDetail,
  ModelUpdate,
  ModelView,
  ModelWrite,
  NewModel,
  TemplateView,
} from '../../actors/client/model-schemas.js';
import type { ModelVerdict, ModelVerdicts } from '../../actors/client/model-data.js';
import type { WaitingModel } from '../../actors/client/model-watch.js';
import type { WriteReply } from '../../actors/client/schemas.js';

/** The models of the fake client: every model has the same two points. */
export class FakeModels {
  readonly #models = new Map<string, ModelView>();
  readonly #limits = new Map<string, number>();
  readonly #watchers = new Set<{ id: string; waiting: WaitingModel }>();

  templates(): TemplateView[] {
    const capacity = { name: 'capacity', type: 'number', unit: 'Wh', description: 'when it is full' } as const;
    const facts = { name: 'Battery', description: 'A battery', product: 'battery', standard: 'SunSpec 802' };
    return [{ id: 'battery', ...facts, parameters: [capacity], points: ['soc', 'limit'] }];
  }

  list(): ModelView[] {
    return [...this.#models.values()];
  }

  get(id: string): ModelDetail {
    const model = this.#find(id);
    const limit = this.#limits.get(id) ?? null;
    const time = limit === null ? null : model.updatedAt;
    const quality = limit === null ? 'bad' : 'good';
    const text = { description: '', unit: '%' };
    return {
      model,
      points: [
        {
          ...{ ...text, name: 'soc', title: 'State of charge', kind: 'T', value: 55.5, quality: 'good', time: 1 },
          ...{ point: 'comsrv:1001:T:1', writable: false, sunspec: '802.SoC' },
        },
        { ...text, name: 'limit', title: 'Limit', kind: 'A', value: limit, quality, time, point: null, writable: true },
      ],
    };
  }

  point(id: string, name: string) {
    const found = this.get(id).points.find((point) => point.name === name);
    if (found === undefined)
      throw new StatewattError('models.point_not_found', 'not_found', `the model ${id} has no point ${name}`);
    const { kind, title, unit, writable, value, quality, time } = found;
    return { address: `model:${id}:${name}`, kind, name: title, unit, writable, value, quality, time };
  }

  create({ id, name = id, template, parameters = {}, parent = null, points = {} }: NewModel): ModelView {
    if (this.#models.has(id)) throw new StatewattError('models.exists', 'conflict', `There is a model ${id} already.`);
    const about = { ref: `model/${id}`, product: 'battery', source: 'caller', problem: null } as const;
    const model = { id, name, template, parameters, parent, points, ...about, createdAt: 1, updatedAt: 1 };
    this.#models.set(id, model);
    return model;
  }

  createMany(models: readonly NewModel[]): ModelVerdicts {
    const verdicts = models.map((model): ModelVerdict => {
      try {
        return { id: model.id, model: this.create(model) };
      } catch (error) {
        const { code, message } = error as StatewattError;
        return { id: model.id, error: { code, message } };
      }
    });
    const created = verdicts.filter(({ model }) => model !== undefined).length;
    return { created, refused: verdicts.length - created, verdicts };
  }

  /** Answers a function that ends it. */
  watch(id: string, waiting: WaitingModel): () => void {
    const watcher = { id, waiting };
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  update(id: string, changes: ModelUpdate): ModelView {
    const model = { ...this.#find(id), ...changes };
    this.#models.set(id, model);
    return model;
  }

  remove(id: string): void {
    this.#find(id);
    this.#models.delete(id);
  }

  write({ model, point, value, commandId = 'command-1' }: ModelWrite): WriteReply {
    this.#find(model);
    const written = Number(value);
    this.#limits.set(model, written);
    const changed = { name: point, kind: 'A', value: written, quality: 'good', time: Date.now() } as const;
    for (const { id, waiting } of this.#watchers) if (id === model) waiting.add({ points: [changed], remade: false });
    const address = `modsrv:${model}:${point}`;
    return { commandId, address, written, readBack: written, confirmed: true, answer: 'held', roundTripMs: 0 };
  }

  #find(id: string): ModelView {
    const model = this.#models.get(id);
    if (model !== undefined) return model;
    throw new StatewattError('models.not_found', 'not_found', `There is no model ${id}.`);
  }
}
