import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from '../setup/command.mjs';

/**
 * Sums of c8's json-summary, by top-level folder.
 *
 * @typedef {{ covered: number, total: number }} Count
 * @typedef {{ folder: string, lines: Count, branches: Count }} FolderCoverage
 */

/** Folders whose coverage is enforced, and the least percentage of lines and of branches. */
export const ENFORCED = { folders: ['machines', 'actors'], percent: 90 };

/**
 * @param {Record<string, { lines: Count, branches: Count }>} summary by absolute path, with `total` beside the files
 * @param {string} root
 * @returns {FolderCoverage[]} by folder name
 */
export function byFolder(summary, root) {
  /** @type {Map<string, FolderCoverage>} */
  const folders = new Map();
  for (const [path, file] of Object.entries(summary)) {
    if (path === 'total') continue;
    const folder = /** @type {string} */ (path.slice(root.length).replace(/^\//, '').split('/')[0]);
    let sum = folders.get(folder);
    if (sum === undefined) {
      sum = { folder, lines: { covered: 0, total: 0 }, branches: { covered: 0, total: 0 } };
      folders.set(folder, sum);
    }
    for (const what of /** @type {const} */ (['lines', 'branches'])) {
      sum[what].covered += file[what].covered;
      sum[what].total += file[what].total;
    }
  }
  return [...folders.values()].sort((a, b) => (a.folder < b.folder ? -1 : 1));
}

/**
 * @param {readonly FolderCoverage[]} folders
 * @returns {string[]} a sentence for each enforced folder that is below its threshold
 */
export function shortfalls(folders) {
  return folders
    .filter(({ folder }) => ENFORCED.folders.includes(folder))
    .flatMap(({ folder, lines, branches }) =>
      /** @type {const} */ ([
        ['lines', lines],
        ['branches', branches],
      ])
        .filter(([, count]) => percent(count) < ENFORCED.percent)
        .map(
          ([what, count]) =>
            `${folder}/ ${what} ${percent(count).toFixed(1)} %, at least ${ENFORCED.percent} % is asked`,
        ),
    );
}

/** @param {readonly FolderCoverage[]} folders */
export function formatCoverage(folders) {
  const total = {
    folder: 'all',
    lines: sum(folders.map((f) => f.lines)),
    branches: sum(folders.map((f) => f.branches)),
  };
  const cell = (/** @type {Count} */ count) =>
    `${percent(count).toFixed(1).padStart(6)} %  ${`${count.covered}/${count.total}`.padEnd(12)}`;
  return [
    `${'Coverage'.padEnd(12)}   lines                  branches`,
    ...[...folders, total].map((f) => `${f.folder.padEnd(12)} ${cell(f.lines)} ${cell(f.branches)}`.trimEnd()),
  ].join('\n');
}

/**
 * Turns what the test processes recorded into coverage of the TypeScript sources; files that no test loaded count too.
 *
 * @param {string} root
 * @returns {Promise<{ text: string, shortfalls: string[] }>}
 */
export async function coverageReport(root) {
  await run(process.execPath, [join(root, 'node_modules/c8/bin/c8.js'), 'report'], { cwd: root });
  const summary = JSON.parse(readFileSync(join(root, 'coverage/coverage-summary.json'), 'utf8'));
  const folders = byFolder(
    Object.fromEntries(Object.entries(summary).filter(([path]) => path === 'total' || hasCode(root, path))),
    root,
  );
  return { text: formatCoverage(folders), shortfalls: shortfalls(folders) };
}

/**
 * Whether anything of a source can run. A module of types alone is never loaded and would count as not covered.
 *
 * @param {string} root
 * @param {string} path
 */
function hasCode(root, path) {
  const compiled = join(root, 'dist', relative(root, path).replace(/\.ts$/, '.js'));
  if (!existsSync(compiled)) return true;
  const code = readFileSync(compiled, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  return code.trim() !== 'export {};';
}

/** @param {Count} count */
function percent({ covered, total }) {
  return total === 0 ? 100 : (100 * covered) / total;
}

/** @param {readonly Count[]} counts */
function sum(counts) {
  return {
    covered: counts.reduce((total, count) => total + count.covered, 0),
    total: counts.reduce((total, count) => total + count.total, 0),
  };
}
