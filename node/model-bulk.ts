import type { ModelVerdict, ModelVerdicts } from '../actors/client/model-data.js';
import type { ModelView, NewModel } from '../actors/client/model-schemas.js';
import { StatewattError, toStatewattError } from '../errors/error.js';

/** Models that are being made at once: enough that the journal writes many at a time. */
const AT_ONCE = 128;

export interface ModelMaker {
  /** Ids of the models that there are. */
  known(): Promise<Set<string>>;
  /** Makes one; `isThere` knows the parents. */
  create(model: NewModel, isThere: (id: string) => boolean): Promise<ModelView>;
}

/**
 * Makes many models, each for itself: what is wrong with one keeps no other from being made. A parent may be among them;
 * it is made first, wherever it stands.
 */
export async function createModels(models: readonly NewModel[], maker: ModelMaker): Promise<ModelVerdicts> {
  const verdicts = new Array<ModelVerdict | undefined>(models.length);
  const hasParents = models.some(({ parent = null }) => parent !== null);
  const there = hasParents ? await maker.known() : new Set<string>();
  const isThere = (id: string): boolean => there.has(id);
  let waiting = [...models.entries()];
  for (;;) {
    const ready = waiting.filter(([, { parent = null }]) => parent === null || isThere(parent));
    if (ready.length === 0) break;
    waiting = waiting.filter(([, { parent = null }]) => parent !== null && !isThere(parent));
    await eachAtOnce(ready, async ([index, model]) => {
      const verdict = await make(model, maker, isThere);
      verdicts[index] = verdict;
      if (verdict.model !== undefined) there.add(model.id);
    });
  }
  for (const [index, { id, parent }] of waiting) verdicts[index] = refused(id, noParent(id, parent));
  const all = verdicts.filter((verdict) => verdict !== undefined);
  const created = all.filter(({ model }) => model !== undefined).length;
  return { created, refused: all.length - created, verdicts: all };
}

async function make(model: NewModel, maker: ModelMaker, isThere: (id: string) => boolean): Promise<ModelVerdict> {
  try {
    return { id: model.id, model: await maker.create(model, isThere) };
  } catch (thrown) {
    return refused(model.id, toStatewattError(thrown));
  }
}

function refused(id: string, { code, message }: StatewattError): ModelVerdict {
  return { id, error: { code, message } };
}

function noParent(id: string, parent: string | null | undefined): StatewattError {
  return new StatewattError(
    'models.invalid',
    'invalid',
    `the model ${id} cannot be made: parent: there is no model ${parent}`,
  );
}

async function eachAtOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
}
