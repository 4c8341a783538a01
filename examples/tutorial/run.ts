import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tutorial } from './main.js';

// `npm run example:tutorial`
const folder = await mkdtemp(join(tmpdir(), 'tutorial-'));
for (const line of await tutorial(folder)) process.stdout.write(`${line}\n`);
await rm(folder, { recursive: true });
