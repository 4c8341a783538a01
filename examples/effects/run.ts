import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { effects } from './main.js';

// `npm run example:effects`
const folder = await mkdtemp(join(tmpdir(), 'effects-'));
for (const line of await effects(folder)) process.stdout.write(`${line}\n`);
await rm(folder, { recursive: true });
