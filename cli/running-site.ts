import { dirname, resolve } from 'node:path';
import type { StatewattClient } from '../actors/client/client.js';
import { StatewattError } from '../errors/error.js';
import { loadSite } from '../site/config/index.js';
import { filesInMemory, makeSources, toRoot, type SourceFile } from '../site/config/versions/sources.js';
import type { Site } from '../site/model.js';
import { readText } from './file-text.js';

/**
 * The site that is in force, as it would be in the folder of a site file: so that what lies there can be held against it.
 *
 * @throws `config.text_missing` and what the site answers
 */
export async function loadRunningSite(
  client: StatewattClient,
  beside: string,
): Promise<{ site: Site; number: number }> {
  const { inForce } = await client.configuration.status();
  if (inForce === null) {
    const why = 'the configuration in force is not in the journal yet; try again in a moment';
    throw new StatewattError('config.text_missing', 'unavailable', why);
  }
  const { fileList } = await client.configuration.get(inForce.number);
  const files: SourceFile[] = [];
  for (const { path } of fileList) {
    const { text, encoding } = await readText(client, inForce.number, path);
    files.push({ path, bytes: Buffer.from(text, encoding) });
  }
  const sources = makeSources(dirname(resolve(beside)), files);
  return {
    site: await loadSite(toRoot(sources.root, sources.files[0].path), filesInMemory(sources)),
    number: inForce.number,
  };
}
