import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { errorMessage } from '../../errors/error.js';
import type { Place, Problems } from './problems.js';

export type KeyPath = readonly (string | number)[];

/** A parsed YAML file that still knows where each value was written. */
export class YamlSource {
  readonly file: string;
  readonly value: unknown;
  /** Characters. */
  readonly size: number;
  readonly #lines: readonly string[];
  readonly #counter: LineCounter;
  readonly #document: Document;

  private constructor(file: string, text: string, document: Document, counter: LineCounter, value: unknown) {
    this.file = file;
    this.value = value;
    this.size = text.length;
    this.#lines = splitLines(text);
    this.#counter = counter;
    this.#document = document;
  }

  /** Undefined when the text is not YAML; every fault of it is then a problem. */
  static parse(file: string, text: string, problems: Problems): YamlSource | undefined {
    const counter = new LineCounter();
    const lines = splitLines(text);
    const start: Place = { file, line: 1, column: 1, source: lines[0] ?? '' };
    try {
      const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, merge: true });
      for (const fault of [...document.errors, ...document.warnings]) {
        const { line, col } = counter.linePos(fault.pos[0]);
        const place = { file, line, column: col, source: lines[line - 1] ?? '' };
        problems.add(place, '', fault.code, 'valid YAML 1.2', `not valid YAML: ${firstLine(fault.message)}`);
      }
      if (document.errors.length + document.warnings.length > 0) return undefined;
      return new YamlSource(file, text, document, counter, document.toJS());
    } catch (error) {
      // Aliases that expand without end, nesting deeper than the stack.
      const reason = firstLine(errorMessage(error));
      problems.add(start, '', reason, 'valid YAML 1.2', `cannot be read as YAML: ${reason}`);
      return undefined;
    }
  }

  /** Where the value (or, with `key`, the key) at a path is written; the nearest parent when it is not. */
  place(path: KeyPath, key = false): Place {
    let node = this.#document.contents;
    let offset = node?.range?.[0] ?? 0;
    for (const [depth, step] of path.entries()) {
      if (isAlias(node)) node = node.resolve(this.#document) ?? null;
      let next: unknown;
      if (isMap(node)) {
        const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
        const keyNode = pair?.key as Node | undefined;
        next = key && depth === path.length - 1 ? keyNode : (pair?.value ?? keyNode);
      } else if (isSeq(node) && typeof step === 'number') {
        next = node.items[step];
      }
      const range = (next as Node | undefined)?.range;
      if (range === undefined || range === null) break;
      node = next as Node;
      offset = range[0];
    }
    const { line, col } = this.#counter.linePos(offset);
    return { file: this.file, line, column: col, source: this.#lines[line - 1] ?? '' };
  }
}

/** `channels[0].polling.interval_ms`. */
export function formatPath(path: KeyPath): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('');
}

function splitLines(text: string): string[] {
  return text.split(/\r?\n/);
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] as string;
}
