import type { Row } from './cells.js';
import type { Block } from './source.js';

/** Columns that have another name in the site file. */
const KEYS: Readonly<Record<string, string>> = { point_id: 'id', signal_name: 'name' };

/** A point that is written in the site file itself, read like a row of a table. */
export class InlineRow implements Row {
  readonly #values: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly #block: Block;

  /** `values` has been checked against the schema: texts, numbers and booleans. */
  constructor(values: object, block: Block) {
    this.#values = values as Record<string, string | number | boolean>;
    this.#block = block;
  }

  has(column: string): boolean {
    return Object.hasOwn(this.#values, column);
  }

  cell(column: string): string {
    const value = this.#values[KEYS[column] ?? column];
    return value === undefined ? '' : String(value);
  }

  report(column: string, found: string, allowed: string, why?: string): void {
    this.#block.report(KEYS[column] ?? column, found, allowed, why);
  }
}
