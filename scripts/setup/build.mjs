import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.mjs';

/** Folders that hold no source; `.` folders are left out as well. */
const NO_SOURCE = new Set(['node_modules', 'dist', 'coverage', 'docs']);
const SOURCE = /\.(?:ts|tsx|mts|mjs|css|html|svg|json)$/;

/**
 * Compiles the TypeScript and bundles the web page into dist/, unless no source changed since the last build.
 *
 * @param {string} root
 * @param {{ force?: boolean }} [options]
 * @returns {Promise<import('./steps.mjs').StepResult>}
 */
export async function build(root, { force = false } = {}) {
  const stamp = join(root, 'dist', '.built');
  const before = fingerprint(root);
  if (!force && existsSync(stamp) && readFileSync(stamp, 'utf8') === before) return { note: 'up to date' };
  rmSync(stamp, { force: true });
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json'], { cwd: root });
  const removed = removeOrphans(root);
  if (existsSync(join(root, 'facade/web'))) {
    const vite = join(root, 'node_modules/vite/bin/vite.js');
    await run(process.execPath, [vite, 'build', 'facade/web', '--logLevel', 'warn'], { cwd: root });
  }
  writeFileSync(`${stamp}.${process.pid}`, before);
  renameSync(`${stamp}.${process.pid}`, stamp);
  return { note: removed === 0 ? 'compiled' : `compiled, ${removed} outdated files removed` };
}

/**
 * Changes when a source file is added, removed, or touched.
 *
 * @param {string} root
 */
export function fingerprint(root) {
  const hash = createHash('sha256');
  for (const path of sourceFiles(root, '')) {
    const { size, mtimeMs } = statSync(join(root, path));
    hash.update(`${path} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/**
 * @param {string} root
 * @param {string} folder
 * @returns {Generator<string>} paths relative to the root, in a fixed order
 */
function* sourceFiles(root, folder) {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.') || NO_SOURCE.has(entry.name)) continue;
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* sourceFiles(root, path);
    else if (entry.isFile() && SOURCE.test(entry.name)) yield path;
  }
}

/**
 * Removes what the compiler once made of sources that are gone, so that a deleted test does not run for ever.
 * The compiler's files are known by their declaration beside them; the web bundle has none.
 *
 * @param {string} root
 * @returns {number} how many compiled modules were removed
 */
export function removeOrphans(root) {
  let removed = 0;
  const visit = (/** @type {string} */ folder) => {
    for (const entry of readdirSync(join(root, 'dist', folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) visit(path);
      const match = /^(.*)\.(m?)js$/.exec(path);
      if (match === null) continue;
      const [, base, m] = match;
      const declaration = `${base}.d.${m}ts`;
      if (!existsSync(join(root, 'dist', declaration))) continue;
      if (['ts', 'tsx', 'mts', 'mjs'].some((extension) => existsSync(join(root, `${base}.${extension}`)))) continue;
      for (const file of [path, `${path}.map`, declaration]) rmSync(join(root, 'dist', file), { force: true });
      removed += 1;
    }
  };
  visit('');
  return removed;
}
