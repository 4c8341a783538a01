import type { ModelView } from '../../../../actors/client/model-schemas.js';

/** A line of the tree: a sort of product with how many, or a model. */
export type TreeRow =
  | { type: 'product'; key: string; product: string; count: number; depth: 0; isOpen: boolean }
  | { type: 'model'; key: string; model: ModelView; depth: number; parts: number; isOpen: boolean };

/** Of a product without a name: the template is missing. */
export const NO_PRODUCT = 'without a template';

/**
 * The tree site → product → model → its parts, as lines from top to bottom. With a filter: what matches every word of it
 * (in id, name, template or product), and what that is part of; all of that open.
 *
 * @param closed keys of the lines whose parts are hidden
 */
export function treeRows(models: readonly ModelView[], closed: ReadonlySet<string>, text: string): TreeRow[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const byId = new Map(models.map((model) => [model.id, model]));
  const wanted = words.length === 0 ? undefined : withParents(models, byId, words);
  const parts = new Map<string, ModelView[]>();
  const products = new Map<string, ModelView[]>();
  for (const model of models) {
    if (wanted !== undefined && !wanted.has(model.id)) continue;
    const isPart = model.parent !== null && byId.has(model.parent);
    const [into, key] = isPart ? [parts, model.parent as string] : [products, model.product || NO_PRODUCT];
    const list = into.get(key);
    if (list === undefined) into.set(key, [model]);
    else list.push(model);
  }
  const rows: TreeRow[] = [];
  const isOpen = (key: string) => wanted !== undefined || !closed.has(key);
  const add = (model: ModelView, depth: number) => {
    const own = parts.get(model.id) ?? [];
    const key = `model-${model.id}`;
    rows.push({ type: 'model', key, model, depth, parts: own.length, isOpen: isOpen(key) });
    if (isOpen(key)) for (const part of own) add(part, depth + 1);
  };
  for (const [product, members] of [...products].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const key = `product-${product}`;
    rows.push({ type: 'product', key, product, count: members.length, depth: 0, isOpen: isOpen(key) });
    if (isOpen(key)) for (const model of members) add(model, 1);
  }
  return rows;
}

function withParents(models: readonly ModelView[], byId: Map<string, ModelView>, words: string[]): Set<string> {
  const wanted = new Set<string>();
  for (const model of models) {
    const haystack = `${model.id} ${model.name} ${model.template} ${model.product}`.toLowerCase();
    if (!words.every((word) => haystack.includes(word))) continue;
    for (let at: ModelView | undefined = model; at !== undefined && !wanted.has(at.id);) {
      wanted.add(at.id);
      at = at.parent === null ? undefined : byId.get(at.parent);
    }
  }
  return wanted;
}
