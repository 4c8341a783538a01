// `npm run build`: the same build as `npm start` makes, whether or not the sources changed.
import { fileURLToPath } from 'node:url';
import { build } from './setup/build.mjs';
import { Steps, printFailure } from './setup/steps.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
try {
  await new Steps(process.stdout).step('build', () => build(root, { force: true }));
} catch (error) {
  printFailure(error, process.stderr);
  process.exitCode = 1;
}
