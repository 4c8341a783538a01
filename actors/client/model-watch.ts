import type { Msg } from '@nats-io/transport-node';
import type { ModelChange } from './model-data.js';
import { Waiting } from './waiting.js';

/** For a watcher of one model: the newest value of each point that changed since it last took. */
export class WaitingModel extends Waiting<ModelChange> {
  readonly #model: string;
  readonly #points = new Map<string, ModelChange['points'][number]>();
  #remade = false;

  constructor(model: string) {
    super();
    this.#model = model;
  }

  take(message: Msg): void {
    this.add(message.json<ModelChange>());
  }

  add({ points, remade }: Omit<ModelChange, 'model'>): void {
    if (remade) {
      this.#remade = true;
      this.#points.clear();
    }
    for (const point of points) this.#points.set(point.name, point);
    this.wake();
  }

  protected override next(): ModelChange | undefined {
    if (this.#points.size === 0 && !this.#remade) return undefined;
    const update = { model: this.#model, points: [...this.#points.values()], remade: this.#remade };
    this.#points.clear();
    this.#remade = false;
    return update;
  }
}
