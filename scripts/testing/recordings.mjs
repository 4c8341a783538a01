import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * What Node writes at the end of a process for NODE_V8_COVERAGE, as far as it matters here.
 *
 * @typedef {{ result: { url: string }[], 'source-map-cache'?: Record<string, unknown> }} Recording
 */

/**
 * What processes recorded for coverage, without what the report does not read: nine tenths are of packages, and of the
 * rest most are source maps, the same in each file.
 */
export class Recordings {
  #own;
  #to;
  /** @type {Set<string>} */
  #mapped = new Set();
  #files = 0;

  /**
   * @param {string} root
   * @param {string} to folder for what is kept
   */
  constructor(root, to) {
    this.#own = `${pathToFileURL(join(root, 'dist')).href}/`;
    this.#to = to;
  }

  /**
   * Takes over what is in a folder, and removes it.
   *
   * @param {string} from
   */
  take(from) {
    for (const name of readdirSync(from)) {
      const recording = parse(readFileSync(join(from, name), 'utf8'));
      if (recording === undefined) continue;
      const result = recording.result.filter(({ url }) => url.startsWith(this.#own));
      if (result.length === 0) continue;
      const maps = Object.entries(recording['source-map-cache'] ?? {}).filter(
        ([url]) => url.startsWith(this.#own) && !this.#mapped.has(url),
      );
      for (const [url] of maps) this.#mapped.add(url);
      this.#files += 1;
      const kept = { result, 'source-map-cache': Object.fromEntries(maps) };
      writeFileSync(join(this.#to, `coverage-${this.#files}.json`), JSON.stringify(kept));
    }
    // A process that a test left behind may write there just now.
    rmSync(from, { recursive: true, force: true, maxRetries: 5 });
  }
}

/**
 * @param {string} text
 * @returns {Recording | undefined} undefined when its process was killed while it wrote
 */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
