import type { StatewattClient } from '../actors/client/client.js';

/** The whole text of a file of a configuration, part by part. */
export async function readText(
  client: StatewattClient,
  number: number,
  path: string,
): Promise<{ text: string; encoding: 'utf8' | 'base64' }> {
  let text = '';
  for (let offset = 0; ;) {
    const part = await client.configuration.file({ number, path, offset });
    text += part.text;
    if (part.nextOffset === null) return { text, encoding: part.encoding };
    offset = part.nextOffset;
  }
}
