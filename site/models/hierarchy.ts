import type { Model } from './model.js';

/** A model with those that are part of it. */
export interface ModelNode<M> {
  readonly model: M;
  readonly parts: readonly ModelNode<M>[];
}

/** The models of one sort of product that are part of no other. */
export interface ProductNode<M> {
  readonly product: string;
  readonly models: readonly ModelNode<M>[];
}

/** What the hierarchy needs of a model. */
export interface Placed {
  readonly id: string;
  readonly product: string;
  readonly parent: string | null;
}

/**
 * The site as a tree: products, their models, the parts of these. Ascending by name. A model whose parent is not there,
 * or that would be part of itself, stands at the top.
 */
export function hierarchyOf<M extends Placed>(models: readonly M[]): ProductNode<M>[] {
  const sorted = [...models].sort((a, b) => compare(a.id, b.id));
  const parents = new Map(sorted.map(({ id, parent }) => [id, parent]));
  const parts = new Map<string, M[]>();
  const products = new Map<string, M[]>();
  for (const model of sorted) {
    const { id, parent } = model;
    if (parent === null || !parents.has(parent) || isPartOfItself(id, parents)) add(products, model.product, model);
    else add(parts, parent, model);
  }
  const node = (model: M): ModelNode<M> => ({ model, parts: (parts.get(model.id) ?? []).map(node) });
  return [...products]
    .sort(([a], [b]) => compare(a, b))
    .map(([product, roots]) => ({ product, models: roots.map(node) }));
}

/** Whether following the parents of a model leads back to it. */
export function isPartOfItself(id: string, parents: ReadonlyMap<string, string | null>): boolean {
  const seen = new Set<string>();
  for (let at = parents.get(id) ?? null; at !== null && !seen.has(at); at = parents.get(at) ?? null) {
    if (at === id) return true;
    seen.add(at);
  }
  return false;
}

/** What the hierarchy needs of a built model. */
export function placed({ definition: { id, parent }, product }: Model): Placed {
  return { id, parent, product };
}

function add<M>(groups: Map<string, M[]>, key: string, model: M): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [model]);
  else group.push(model);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
