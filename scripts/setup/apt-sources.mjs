import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * One archive that this machine's apt uses.
 *
 * @typedef {object} AptSource
 * @property {string} uri
 * @property {string[]} suites
 * @property {string[]} components
 * @property {string} [signedBy] as written: a path, a fingerprint, or a key block with its line breaks
 */

/**
 * Reads one-line sources (`deb [options] uri suite component…`), the form of *.list files.
 *
 * @param {string} text
 * @returns {AptSource[]}
 */
export function parseList(text) {
  const sources = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    if (match === null) continue;
    const [, options = '', uri = '', suite = '', components = ''] = match;
    const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1];
    sources.push({
      uri,
      suites: [suite],
      components: words(components),
      ...(signedBy === undefined ? {} : { signedBy }),
    });
  }
  return sources;
}

/**
 * Reads deb822 stanzas, the form of *.sources files (man sources.list, "DEB822-STYLE FORMAT").
 *
 * @param {string} text
 * @returns {AptSource[]}
 */
export function parseDeb822(text) {
  const sources = [];
  const withoutComments = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n');
  for (const stanza of withoutComments.split(/\n\s*\n/)) {
    /** @type {Map<string, string>} */
    const fields = new Map();
    for (const match of stanza.matchAll(/^([A-Za-z][\w-]*):((?:.*(?:\n[ \t].*)*))/gm)) {
      fields.set(/** @type {string} */ (match[1]).toLowerCase(), /** @type {string} */ (match[2]).trim());
    }
    if (!words(fields.get('types')).includes('deb') || /^(?:no|false)$/i.test(fields.get('enabled') ?? '')) continue;
    const signedBy = fields.get('signed-by');
    for (const uri of words(fields.get('uris'))) {
      sources.push({
        uri,
        suites: words(fields.get('suites')),
        components: words(fields.get('components')),
        ...(signedBy === undefined ? {} : { signedBy }),
      });
    }
  }
  return sources;
}

/**
 * Every archive in an apt configuration folder.
 *
 * @param {string} [folder]
 * @returns {AptSource[]}
 */
export function readSources(folder = '/etc/apt') {
  const parts = join(folder, 'sources.list.d');
  const files = [join(folder, 'sources.list')];
  if (existsSync(parts))
    files.push(
      ...readdirSync(parts)
        .sort()
        .map((name) => join(parts, name)),
    );
  return files.filter(isReadable).flatMap((file) => {
    if (file.endsWith('.list')) return parseList(readFileSync(file, 'utf8'));
    return file.endsWith('.sources') ? parseDeb822(readFileSync(file, 'utf8')) : [];
  });
}

/** A source list with a password in it may be root's alone. @param {string} file */
function isReadable(file) {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The archives that carry the operating system itself, pointed at its development suite: Debian's `sid`, Ubuntu's `devel`.
 *
 * @param {readonly AptSource[]} sources
 * @param {string} osRelease text of /etc/os-release
 * @returns {AptSource[]} empty when this is neither of the two
 */
export function developmentSources(sources, osRelease) {
  const field = (/** @type {string} */ name) =>
    new RegExp(`^${name}="?([^"\\n]*)"?$`, 'm').exec(osRelease)?.[1]?.toLowerCase() ?? '';
  const development = {
    debian: { suites: ['sid'], components: ['main'] },
    ubuntu: { suites: ['devel'], components: ['universe'] },
  }[field('ID')];
  if (development === undefined) return [];
  const own = new Set([field('VERSION_CODENAME'), 'stable', 'testing', 'unstable', 'sid', 'devel'].filter(Boolean));
  /** @type {Map<string, AptSource>} */
  const archives = new Map();
  for (const source of sources) {
    if (!source.suites.some((suite) => own.has(suite)) || !source.components.includes('main')) continue;
    const signedBy = source.signedBy ?? keyring(field('ID'));
    archives.set(source.uri, {
      uri: source.uri,
      ...development,
      ...(signedBy === undefined ? {} : { signedBy }),
    });
  }
  return [...archives.values()];
}

/**
 * @param {AptSource} source
 * @returns {string} a deb822 stanza; apt checks its signatures as it does for the machine's own sources
 */
export function formatDeb822(source) {
  const lines = [
    'Types: deb',
    `URIs: ${source.uri}`,
    `Suites: ${source.suites.join(' ')}`,
    `Components: ${source.components.join(' ')}`,
  ];
  if (source.signedBy !== undefined)
    lines.push(`Signed-By:${source.signedBy.startsWith('-----') ? '\n ' : ' '}${source.signedBy}`);
  return `${lines.join('\n')}\n`;
}

/** @param {string} id of the operating system */
function keyring(id) {
  const path = `/usr/share/keyrings/${id}-archive-keyring.gpg`;
  return existsSync(path) ? path : undefined;
}

/** @param {string} [text] */
function words(text = '') {
  return text.split(/\s+/).filter((word) => word !== '');
}
