import { availableParallelism } from 'node:os';
import { isMet, ratioOf, type Aim, type Figure } from '../support/figures.js';
import type { Outcome } from './run.js';

const HEAD = ['', 'measured', 'beside it, in the same run', 'ratio', 'aim', 'met'];

/** The figures of one benchmark as a table in Markdown. */
export function markdownTable(figures: readonly Figure[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [row(HEAD), row(HEAD.map(() => '---')), ...figures.map((each) => row(cellsOf(each)))].join('\n');
}

/** One table of everything, for a terminal. */
export function summary(outcomes: readonly Outcome[]): string {
  const rows = outcomes.flatMap(({ name, figures, failure }) => [
    ...figures.map((each) => [name, ...cellsOf(each)]),
    ...(failure === undefined ? [] : [[name, `failed: ${failure}`, '', '', '', '', '']]),
  ]);
  const all = [['', ...HEAD], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** As "12 of 14 aims met", with a word on what else the machine did. */
export function aimsMet(outcomes: readonly Outcome[]): string {
  const verdicts = outcomes.flatMap(({ figures }) => figures.map(isMet)).filter((met) => met !== undefined);
  const busy = outcomes.filter(({ busyBefore = 0 }) => busyBefore > availableParallelism() / 8).map(({ name }) => name);
  const doubt = busy.length === 0 ? '' : `; the machine did much else before ${busy.join(', ')}: measure again`;
  return `${verdicts.filter(Boolean).length} of ${verdicts.length} aims met${doubt}`;
}

function cellsOf(found: Figure): string[] {
  const { what, value, unit, beside, aim } = found;
  const ratio = ratioOf(found);
  const met = isMet(found);
  return [
    what,
    amount(value, unit),
    beside === undefined ? '' : `${beside.what} ${amount(beside.value, unit)}`,
    ratio === undefined ? '' : number(ratio),
    aim === undefined ? '' : aimText(aim, unit),
    met === undefined ? '' : met ? 'yes' : 'no',
  ];
}

function aimText({ least, most, of }: Aim, unit: string): string {
  const shown = (value: number): string => (of === 'ratio' ? `ratio ${number(value)}` : amount(value, unit));
  return [
    ...(least === undefined ? [] : [`at least ${shown(least)}`]),
    ...(most === undefined ? [] : [`at most ${shown(most)}`]),
  ].join(', ');
}

function amount(value: number, unit: string): string {
  return `${number(value)}${unit === '' || unit.startsWith('/') ? '' : ' '}${unit}`;
}

/** Three digits that count, at most. */
function number(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return Number(value.toFixed(digits)).toLocaleString('en');
}
