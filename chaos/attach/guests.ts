import { setTimeout as sleep } from 'node:timers/promises';
import type { StatewattClient } from '../../actors/client/client.js';
import { errorMessage, StatewattError } from '../../errors/error.js';

/** One that comes along, with a point that takes any number and that nothing feeds. */
const TEMPLATE = 'diesel_generator';
export const GUEST_POINT = 'power_setpoint';
const PARAMETERS = { rated_power: 1e12 };
const PREFIX = 'chaos-run-';
const AGAIN_MS = 500;

/** What a run puts into a site that somebody else runs: models to command. It takes them out again. */
export class Guests {
  readonly models: readonly string[];
  readonly #client: StatewattClient;
  /** Actors that had failed for good before. */
  readonly #failed: ReadonlySet<string>;

  private constructor(client: StatewattClient, models: readonly string[], failed: ReadonlySet<string>) {
    this.#client = client;
    this.models = models;
    this.#failed = failed;
  }

  /** Models that a run which was ended has left, if any. */
  static async left(client: StatewattClient): Promise<string[]> {
    return (await client.models()).map(({ id }) => id).filter((id) => id.startsWith(PREFIX));
  }

  /**
   * Makes so many models.
   *
   * @param run tells them from those of another run: a few of a-z 0-9
   * @throws `chaos.no_target` where the site has not the template; what the site answers, after taking out what was made
   */
  static async make(client: StatewattClient, run: string, count: number): Promise<Guests> {
    const template = (await client.templates()).find(({ id }) => id === TEMPLATE);
    if (!template?.points.includes(GUEST_POINT)) {
      const why = `the site has no template ${TEMPLATE} with a point ${GUEST_POINT}, to make models of`;
      throw new StatewattError('chaos.no_target', 'not_found', why);
    }
    const models = Array.from({ length: count }, (_, index) => `${PREFIX}${run}-${index}`);
    const guests = new Guests(client, models, new Set(await failedActors(client)));
    try {
      for (const id of models)
        await client.createModel({ id, name: 'Chaos run', template: TEMPLATE, parameters: PARAMETERS });
    } catch (error) {
      await guests.leave(AGAIN_MS);
      throw error;
    }
    return guests;
  }

  /**
   * Takes the models out, and starts actors again that have failed for good meanwhile: so often was broken what would have
   * been given up.
   *
   * @param ms for which it is tried again
   * @returns what is left nevertheless
   */
  async leave(ms: number): Promise<string[]> {
    const end = performance.now() + ms;
    for (;;) {
      const problems = await this.#tidy();
      if (problems.length === 0 || performance.now() >= end) return problems;
      await sleep(AGAIN_MS);
    }
  }

  async #tidy(): Promise<string[]> {
    try {
      const own = new Set(this.models);
      const there = (await this.#client.models()).filter(({ id }) => own.has(id));
      for (const { id } of there) await this.#client.removeModel(id);
      const failed = (await failedActors(this.#client)).filter((ref) => !this.#failed.has(ref));
      for (const ref of failed) await this.#client.restartActor(ref);
      return [];
    } catch (error) {
      return [`what the run made could not be taken out: ${errorMessage(error)}`];
    }
  }
}

async function failedActors(client: StatewattClient): Promise<string[]> {
  return (await client.actors()).filter(({ state }) => state === 'failed').map(({ ref }) => ref);
}
