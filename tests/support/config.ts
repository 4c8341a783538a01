import { relative, resolve, sep } from 'node:path';
import type { Files } from '../../site/config/files.js';
import { loadSite } from '../../site/config/load.js';
import { ConfigError, renderProblems } from '../../site/config/problems.js';
import type { Site } from '../../site/model.js';

/** Folder of the files in memory. */
export const ROOT = resolve(sep, 'site');

/** A file system in memory: paths relative to ROOT. */
export function memoryFiles(contents: Readonly<Record<string, string | Uint8Array>>): Files {
  const files = new Map(Object.entries(contents).map(([path, content]) => [resolve(ROOT, path), content]));
  return {
    read(path) {
      const content = files.get(path);
      return Promise.resolve(typeof content === 'string' ? new TextEncoder().encode(content) : content);
    },
    kind(path) {
      if (files.has(path)) return Promise.resolve('file');
      const isFolder = [...files.keys()].some((file) => file.startsWith(path + sep));
      return Promise.resolve(isFolder ? 'folder' : undefined);
    },
  };
}

/** Loads a site of files in memory, from ROOT. */
export function loadFiles(contents: Readonly<Record<string, string | Uint8Array>>, path = ROOT): Promise<Site> {
  return loadSite(path, memoryFiles(contents));
}

/** What is wrong with a site; fails when nothing is. */
export async function errorOf(contents: Readonly<Record<string, string | Uint8Array>>): Promise<ConfigError> {
  try {
    await loadFiles(contents);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the site loaded without a problem');
}

/** The text of a site's problems, with files named from ROOT. */
export async function problemsOf(contents: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  return renderProblems((await errorOf(contents)).problems, ROOT);
}

/** A site's problems, a line each: file, place and message. */
export async function linesOf(contents: Readonly<Record<string, string | Uint8Array>>): Promise<string[]> {
  const { problems } = await errorOf(contents);
  return problems.map(({ file, line, column, message }) => {
    const name = relative(ROOT, file).replaceAll(sep, '/');
    return line === 0 ? `${name}: ${message}` : `${name}:${line}:${column}: ${message}`;
  });
}
