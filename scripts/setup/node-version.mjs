import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './command.mjs';
import { isAtLeast, parseVersion } from './version.mjs';

/**
 * Checks that this Node is new enough for the project.
 *
 * @param {string} root
 * @param {string} [version] the running Node's
 * @returns {import('./steps.mjs').StepResult}
 */
export function checkNode(root, version = process.versions.node) {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const minimum = /\d+(?:\.\d+)*/.exec(engines.node)?.[0] ?? '0';
  if (!isAtLeast(parseVersion(version) ?? [], minimum)) {
    throw new SetupError(
      `This is Node ${version}; Statewatt needs Node ${minimum} or newer. Install a current LTS release from https://nodejs.org/ or with your version manager.`,
    );
  }
  return { note: version };
}
