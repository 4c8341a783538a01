import { relative, sep } from 'node:path';
import { StatewattError } from '../../errors/error.js';

/** One thing that is wrong in a configuration file. */
export interface Problem {
  /** Absolute path of the file. */
  readonly file: string;
  /** From 1; 0 when the problem is not about a place in the file (a missing file). */
  readonly line: number;
  /** From 1, in UTF-16 units; 0 when not about a place. */
  readonly column: number;
  /** What it is about: a key path (`channels[0].polling.interval_ms`) or a table's column (`register_address`). */
  readonly path: string;
  /** What is there, as written. */
  readonly found: string;
  /** What may be there. */
  readonly allowed: string;
  /** One sentence that holds found and allowed. */
  readonly message: string;
  /** The text of the line, for showing. */
  readonly source: string;
}

/** A place in a file. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly source: string;
}

/** Where something was read, so that a later check can still say it. */
export interface Origin {
  /** Notes that `field` of this thing holds `found` where `allowed` is meant; `why` replaces the usual sentence. */
  report(field: string, found: string, allowed: string, why?: string): void;
}

const SHOWN = 50;

/** Collects every problem of a load, so that all are told at once. */
export class Problems {
  readonly list: Problem[] = [];

  add(place: Place, path: string, found: string, allowed: string, why?: string): void {
    const message = maskSecrets(`${path === '' ? '' : `${path}: `}${why ?? `found ${found}, allowed ${allowed}`}`);
    this.list.push({ ...place, source: maskSecrets(place.source), path, found: maskSecrets(found), allowed, message });
  }

  /** A problem about a whole file. */
  addFile(file: string, found: string, allowed: string, why: string): void {
    this.add({ file, line: 0, column: 0, source: '' }, '', found, allowed, why);
  }

  /** @throws ConfigError when anything was added. */
  throwIfAny(): void {
    if (this.list.length > 0) throw new ConfigError(this.list);
  }
}

/**
 * A configuration that cannot be used: every problem found, ordered by file and line. The message shows each with its
 * source line and a caret, as a compiler does. Code `config.invalid`.
 */
export class ConfigError extends StatewattError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const ordered = [...problems].sort(
      (a, b) => compareFiles(a.file, b.file) || a.line - b.line || a.column - b.column,
    );
    super('config.invalid', 'invalid', renderProblems(ordered), { details: { problems: ordered } });
    this.problems = ordered;
  }
}

/** Files of outer folders first, so the site file comes before its tables. */
function compareFiles(a: string, b: string): number {
  return a.split(sep).length - b.split(sep).length || (a < b ? -1 : a > b ? 1 : 0);
}

/** The text form of problems; files are named relative to `base` (default: the working directory) when inside it. */
export function renderProblems(problems: readonly Problem[], base = process.cwd()): string {
  const blocks = problems.slice(0, SHOWN).map((problem) => renderProblem(problem, base));
  const files = new Set(problems.map((problem) => problem.file)).size;
  const rest = problems.length > SHOWN ? `; the first ${SHOWN} are shown` : '';
  blocks.push(`${count(problems.length, 'problem')} in ${count(files, 'file')}${rest}`);
  return blocks.join('\n');
}

function renderProblem(problem: Problem, base: string): string {
  const inside = relative(base, problem.file);
  const file = inside === '' || inside.startsWith('..') ? problem.file : inside;
  if (problem.line === 0) return `${file}: ${problem.message}`;
  const head = `${file}:${problem.line}:${problem.column}: ${problem.message}`;
  if (problem.source.trim() === '') return head;
  const gutter = ` ${problem.line} | `;
  const { text, before } = cutAround(problem.source, problem.column - 1);
  return `${head}\n${gutter}${text}\n${' '.repeat(gutter.length - 2)}| ${blank(before)}^`;
}

const CUT = 140;

/** The part of a long line around an offset, and what of it stands before the offset. */
function cutAround(line: string, offset: number): { text: string; before: string } {
  const start = offset > CUT - 20 ? offset - 40 : 0;
  const head = start === 0 ? '' : '…';
  const tail = line.length > start + CUT ? '…' : '';
  return { text: head + line.slice(start, start + CUT) + tail, before: head + line.slice(start, offset) };
}

/** Spaces as wide as the text on a terminal: tabs stay, East Asian wide characters take two columns. */
function blank(text: string): string {
  return text
    .replace(/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/g, '  ')
    .replace(/[^\t ]/g, ' ');
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

/** Hides user names and passwords in URLs; rather too much than too little, as a password may hold any character. */
export function maskSecrets(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s"']*@/gi, '$1***@');
}

/** Values as they are shown: text in quotes, cut when long. A key without a value holds null. */
export function show(value: unknown): string {
  const text = value === undefined || value === null ? 'nothing' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/** `a, b or c`, with a limit, for lists of what is allowed. */
export function choices(values: readonly (string | number)[]): string {
  if (values.length < 2) return values.join('');
  return `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
}

/** The candidate that a misspelt word most likely means; undefined when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.min(3, Math.floor(word.length / 3)));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Optimal string alignment distance (insert, delete, replace, swap of neighbours); `cap` when it is that or more. */
function editDistance(a: string, b: string, cap: number): number {
  if (Math.abs(a.length - b.length) >= cap) return cap;
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(at(previous, j) + 1, at(row, j - 1) + 1, at(previous, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, at(before, j - 2) + 1);
      row.push(cost);
    }
    before = previous;
    previous = row;
  }
  return Math.min(cap, at(previous, b.length));
}

function at(row: readonly number[], index: number): number {
  return row[index] as number;
}
