// `npm start`: gets what is missing, then becomes `statewatt up`.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NATS_SERVER } from './setup/parts.mjs';
import { setup } from './setup/setup.mjs';
import { printFailure } from './setup/steps.mjs';

const HELP = `npm start [-- [SITE] [options of statewatt up]]

Installs what is missing (npm packages; nats-server ${NATS_SERVER.minimum} or newer, unless NATS_URL names one),
builds, and runs \`statewatt up\` in this process. Without a SITE it runs the demo site and its simulated devices.

  npm start                                the demo
  npm start -- path/to/site.yaml           a site of your own
  npm start -- --help                      this text and the options of statewatt up

Downloads and build stamps are in .cache/ and dist/; removing both makes the next start begin anew.
`;

const root = fileURLToPath(new URL('..', import.meta.url));
const given = process.argv.slice(2);
const help = given.includes('--help') || given.includes('-h');
const parts = help || (process.env.NATS_URL ?? '') !== '' ? [] : [NATS_SERVER];

try {
  if (help) process.stdout.write(`${HELP}\n`);
  await setup({ root, parts });
} catch (error) {
  printFailure(error, process.stderr);
  process.exit(1);
}

const namesSite = given.some(
  (argument, index) => /\.ya?ml$/.test(argument) || (index === 0 && !argument.startsWith('-') && existsSync(argument)),
);
const demo = namesSite || help || given.includes('--demo') ? [] : ['--demo'];
const main = new URL('../dist/cli/main.js', import.meta.url);
// In this process rather than in a child: signals reach the node that has to stop, and its exit code is ours.
process.argv = [process.execPath, fileURLToPath(main), 'up', ...demo, ...given];
await import(main.href);
