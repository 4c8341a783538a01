import type { KeptFile } from '../../actors/configuration/texts.js';
import { loadSite } from '../../site/config/index.js';
import { summaryOf } from '../../site/config/versions/changes.js';
import { describeChanges } from '../../site/config/versions/describe.js';
import {
  filesInMemory,
  filesInPlace,
  makeSources,
  RecordingFiles,
  toRoot,
  type SourceFile,
  type Sources,
} from '../../site/config/versions/sources.js';
import type { Site } from '../../site/model.js';

/** The files of the journal as those of a load. */
export function sourcesOf(root: string, files: readonly KeptFile[]): Sources {
  return makeSources(root, files.map(toSource));
}

/** A configuration of the journal, as it was: what it names besides its files is taken to be there. @throws ConfigError */
export function loadKept(root: string, files: readonly KeptFile[]): Promise<Site> {
  const sources = sourcesOf(root, files);
  return loadSite(toRoot(root, sources.files[0].path), filesInMemory(sources));
}

/** What a site would be with these files in place of the present ones, and all that it would read. @throws ConfigError */
export async function loadInPlace(
  path: string,
  wanted: Sources,
  present: readonly string[],
): Promise<{ site: Site; sources: Sources }> {
  const files = new RecordingFiles(filesInPlace(wanted, new Set(present)));
  const site = await loadSite(path, files);
  return { site, sources: files.sources as Sources };
}

/** What lies on the disk now: the files that are read of it, and the site unless it cannot be used. */
export async function readDisk(path: string): Promise<{ sources: Sources | undefined; site: Site | Error }> {
  const files = new RecordingFiles();
  try {
    const site = await loadSite(path, files);
    return { site, sources: files.sources };
  } catch (error) {
    return { site: error as Error, sources: files.sources };
  }
}

/** What became of a configuration that was in force, in a few words. */
export async function summarize(root: string, before: readonly KeptFile[], after: Site): Promise<string> {
  return summaryOf(describeChanges(await loadKept(root, before), after));
}

function toSource({ path, text, encoding }: KeptFile): SourceFile {
  return { path, bytes: Buffer.from(text, encoding) };
}
