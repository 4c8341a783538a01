// Makes the parser of expressions from its grammar: `npm run grammar`. With --check it only says whether the parser is
// that of the grammar. The parser is kept in the repository, so that running Statewatt needs no parser generator.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './setup/command.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const grammar = 'site/expressions/grammar.peggy';
const parser = 'site/expressions/generated/parser.mjs';

const generator = join(root, 'node_modules/peggy/bin/peggy.js');
const generated = await run(process.execPath, [generator, '--format', 'es', '--output', '-', grammar], { cwd: root });
const text = `// @ts-nocheck: made from ../grammar.peggy by \`npm run grammar\`.\n${generated}`;
if (!process.argv.includes('--check')) {
  writeFileSync(join(root, parser), text);
} else if (readFileSync(join(root, parser), 'utf8') !== text) {
  process.stderr.write(`${parser} is not what ${grammar} makes; run \`npm run grammar\`\n`);
  process.exitCode = 1;
}
