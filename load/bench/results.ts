import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import type { Machine } from './machine.js';
import type { Outcome } from './run.js';
import { aimsMet, markdownTable } from './tables.js';

const FOLDER = join(import.meta.dirname, '../../../load');
const JSON_FILE = join(FOLDER, 'results.json');
const TEXT_FILE = join(FOLDER, 'RESULTS.md');
const BEGIN = '<!-- Written by npm run bench: begin -->';
const END = '<!-- Written by npm run bench: end -->';

/** The last outcome of each benchmark, each with the machine that it ran on. */
export type Results = Record<string, Outcome & { readonly machine: Machine }>;

/** Puts the outcomes in the place of older ones, in results.json and in the written part of RESULTS.md. */
export async function keepResults(
  outcomes: readonly Outcome[],
  machine: Machine,
  order: readonly string[],
): Promise<void> {
  const results = JSON.parse(await readFile(JSON_FILE, 'utf8')) as Results;
  for (const outcome of outcomes) if (outcome.figures.length > 0) results[outcome.name] = { ...outcome, machine };
  const sorted = order.flatMap((name) => (results[name] === undefined ? [] : [[name, results[name]] as const]));
  await write(JSON_FILE, JSON.stringify(Object.fromEntries(sorted)));
  const text = await readFile(TEXT_FILE, 'utf8');
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from === -1 || to === -1) throw new Error(`${TEXT_FILE} has lost its lines "${BEGIN}" and "${END}"`);
  const part = writtenPart(sorted.map(([, result]) => result));
  await write(TEXT_FILE, `${text.slice(0, from)}${BEGIN}\n\n${part}\n\n${text.slice(to)}`);
}

function writtenPart(results: readonly Results[string][]): string {
  const parts = results.map(({ machine: _machine, ...outcome }) => section(outcome));
  return [aimsMet(results), machinesOf(results), ...parts].join('\n\n');
}

function section({ name, title, at, seconds, quick, busyBefore, failure, figures }: Outcome): string {
  const how = `\`npm run bench -- --only ${name}${quick ? ' --quick' : ''}\``;
  const busy = busyBefore === undefined ? '' : `, ${busyBefore.toFixed(1)} cores busy before it`;
  const when = `${at.slice(0, 16).replace('T', ' ')} UTC, ${seconds} s${busy}`;
  const failed = failure === undefined ? '' : ` It did not end well: ${failure}.`;
  return `### ${title}\n\n${how}; ${when}.${failed}\n\n${markdownTable(figures)}`;
}

/** The machines, each once, with the benchmarks that ran there. */
function machinesOf(results: readonly Results[string][]): string {
  const names = new Map<string, string[]>();
  for (const { name, machine } of results) {
    const versions = Object.entries(machine.versions).map(([part, version]) => `${part} ${version}`);
    const text = `${machine.hardware}; ${versions.join(', ')}`;
    names.set(text, [...(names.get(text) ?? []), name]);
  }
  return [...names].map(([text, of]) => `- ${of.join(', ')}: ${text}`).join('\n');
}

async function write(file: string, text: string): Promise<void> {
  await writeFile(file, await format(text, { ...(await resolveConfig(file)), filepath: file }));
}
