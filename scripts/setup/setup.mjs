import { join } from 'node:path';
import { build } from './build.mjs';
import { withLock } from './lock.mjs';
import { checkNode } from './node-version.mjs';
import { installPackages } from './packages.mjs';
import { Steps } from './steps.mjs';
import { ensureParts } from './system-parts.mjs';

/**
 * Brings a checkout to the point where it runs: Node's version, npm packages, compiled sources and system parts.
 * What is there already is only looked at, so a second run takes seconds.
 *
 * @param {object} options
 * @param {string} options.root
 * @param {readonly import('./parts.mjs').Part[]} options.parts
 * @param {{ write(text: string): unknown, isTTY?: boolean }} [options.out]
 * @returns {Promise<Map<string, import('./parts.mjs').FoundPart>>} where each part was found
 */
export async function setup({ root, parts, out = process.stderr }) {
  const steps = new Steps(out);
  const cache = join(root, '.cache');
  await steps.step('node', () => checkNode(root));
  const waiting = (/** @type {number | undefined} */ pid) =>
    out.write(`  … waiting for another setup of this folder${pid === undefined ? '' : ` (process ${pid})`}\n`);
  return withLock(
    join(cache, 'setup.lock'),
    async () => {
      await steps.step('npm packages', () => installPackages(root));
      await steps.step('build', () => build(root));
      return ensureParts(parts, cache, steps);
    },
    waiting,
  );
}
