import { renameSync, rmSync } from 'node:fs';
import { mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import Type, { type Static } from 'typebox';
import { StatewattError, errorMessage } from '../../../errors/error.js';
import { sha256, toRoot, type SourceFile } from './sources.js';
import { SELDOM_USED, validator } from '../../validator.js';

/**
 * Several files are put in place of others, all or none, whatever happens to the process: each is written beside its
 * place first; then an intent says what is to be moved where, and from then on it is done, at the next start if need be.
 */
const IntentSchema = Type.Object({
  files: Type.Array(Type.Object({ path: Type.String(), sha256: Type.String() })),
  remove: Type.Array(Type.String(), { description: 'absolute paths' }),
});
type Intent = Static<typeof IntentSchema>;
const isIntent = validator(() => new Ajv(SELDOM_USED).compile<Intent>(IntentSchema));

/** In the folder of the site file. */
const INTENT = '.statewatt-rollback.json';
/** Where a site file may lie below a folder that names the site. */
const FOLDERS = ['.', 'comsrv', 'config', 'config/comsrv'];

/**
 * Writes `files` below `root` and removes what is in `remove` (absolute paths).
 * @throws `config.being_written` while others do it; `config.not_written`, then nothing has changed
 */
export async function putFiles(root: string, files: readonly SourceFile[], remove: readonly string[]): Promise<void> {
  if (await isBeingWritten(root)) throw beingWritten(root);
  const beside: string[] = [];
  let intent: Intent;
  try {
    const placed: Intent['files'] = [];
    for (const { path, bytes } of files) {
      const place = await placeOf(toRoot(root, path));
      beside.push(besideOf(place));
      await writeBeside(place, bytes);
      placed.push({ path: place, sha256: sha256(bytes) });
    }
    intent = { files: placed, remove: [...remove] };
    await writeIntent(root, intent);
  } catch (cause) {
    await Promise.all(beside.map((path) => rm(path, { force: true }).catch(missing)));
    const text = `the files could not be written: ${errorMessage(cause)}`;
    throw new StatewattError('config.not_written', 'unavailable', text, { cause });
  }
  await finish(root, intent);
}

/** Whether files below `root` are just being put in place, or were when their node ended. */
export async function isBeingWritten(root: string): Promise<boolean> {
  return (await readIntent(root)) !== undefined;
}

/**
 * Ends what a node that was killed had begun. Call before a site is loaded.
 *
 * @param path the site file, or a folder that has one
 * @returns the files that were put in place; undefined: nothing had been begun
 * @throws `config.not_written`
 */
export async function finishWriting(path: string): Promise<readonly string[] | undefined> {
  const folders = (await isFolder(path)) ? FOLDERS.map((name) => join(path, name)) : [dirname(path)];
  for (const folder of folders) {
    const intent = await readIntent(folder);
    if (intent === undefined) continue;
    await finish(folder, intent);
    return intent.files.map((file) => file.path);
  }
  return undefined;
}

/** From the first move to the last nothing else of this process happens in between. */
async function finish(root: string, { files, remove }: Intent): Promise<void> {
  const waiting: string[] = [];
  for (const { path, sha256: expected } of files) {
    const bytes = await readFile(besideOf(path)).catch(missing);
    if (bytes === undefined) continue; // It is in its place already.
    if (sha256(bytes) !== expected) throw damaged(besideOf(path));
    waiting.push(path);
  }
  for (const path of waiting) renameSync(besideOf(path), path);
  for (const path of remove) rmSync(path, { force: true });
  const folders = new Set([...files.map(({ path }) => dirname(path)), ...remove.map((path) => dirname(path))]);
  for (const folder of folders) await syncFolder(folder);
  await rm(join(root, INTENT), { force: true });
}

async function writeIntent(root: string, intent: Intent): Promise<void> {
  const file = join(root, INTENT);
  const handle = await open(`${file}.new`, 'w', 0o600);
  try {
    await handle.writeFile(JSON.stringify(intent));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
  await syncFolder(root);
}

async function readIntent(root: string): Promise<Intent | undefined> {
  const text = await readFile(join(root, INTENT), 'utf8').catch(missing);
  if (text === undefined) return undefined;
  const intent: unknown = JSON.parse(text);
  if (isIntent(intent)) return intent;
  throw damaged(join(root, INTENT));
}

/** With the rights of what it takes the place of. */
async function writeBeside(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const mode = (await stat(path).catch(missing))?.mode ?? 0o644;
  const handle = await open(besideOf(path), 'w', mode & 0o777);
  try {
    await handle.writeFile(bytes);
    await handle.chmod(mode & 0o777);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A name that no watcher of sites looks at. */
function besideOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.statewatt-new`);
}

/** A link stays, and what it leads to is changed. */
async function placeOf(path: string): Promise<string> {
  return (await realpath(path).catch(missing)) ?? path;
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(missing);
  try {
    await handle?.sync();
  } finally {
    await handle?.close();
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(missing))?.isDirectory() ?? false;
}

function missing(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
  throw error;
}

function damaged(path: string): StatewattError {
  return new StatewattError(
    'config.not_written',
    'conflict',
    `${path} is not what was written when files were to be put back; look at it, and remove it to give that up`,
  );
}

function beingWritten(root: string): StatewattError {
  return new StatewattError('config.being_written', 'busy', `the files in ${root} are just being put back`, {
    retryAfterMs: 1_000,
  });
}
