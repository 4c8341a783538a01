import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

interface LockedPackage {
  optionalDependencies?: Record<string, string>;
}
type Packages = Record<string, LockedPackage>;

/**
 * Optional dependencies that the lock does not name, as `package → dependency`. npm looks for a dependency in the
 * package's own node_modules, then in those of the folders above.
 */
function missingOptional(packages: Packages): string[] {
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !placesToLook(path).some((folder) => `${folder}node_modules/${name}` in packages))
      .map((name) => `${path === '' ? 'the project' : path} → ${name}`),
  );
}

function placesToLook(path: string): string[] {
  const folders = ['', ...(path === '' ? [] : [`${path}/`])];
  for (let end = path.lastIndexOf('/node_modules/'); end > 0; end = path.lastIndexOf('/node_modules/', end - 1)) {
    folders.push(`${path.slice(0, end)}/`);
  }
  return folders;
}

function projectLock(): Packages {
  const text = readFileSync(new URL('../../../../package-lock.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { packages: Packages }).packages;
}

describe('package-lock.json', () => {
  it('names every optional dependency of its packages, of all platforms', () => {
    const missing = missingOptional(projectLock());
    assert.deepEqual(
      missing,
      [],
      '`npm ci` fails without these; `npm install --package-lock-only` may bring them back',
    );
  });

  it('has optional dependencies at all, so that the test above looks at something', () => {
    const all = Object.values(projectLock()).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
    assert.ok(all.length > 10, `found ${all.length}`);
  });

  it('would tell of one that is missing, and of one that is only where npm does not look', () => {
    const needs = { optionalDependencies: { binary: '1' } };
    assert.deepEqual(missingOptional({ 'node_modules/a': needs }), ['node_modules/a → binary']);
    assert.deepEqual(missingOptional({ 'node_modules/a': needs, 'node_modules/b/node_modules/binary': {} }), [
      'node_modules/a → binary',
    ]);
    for (const place of ['', 'node_modules/a/', 'node_modules/a/node_modules/b/']) {
      const nested = { 'node_modules/a/node_modules/b': needs, [`${place}node_modules/binary`]: {} };
      assert.deepEqual(missingOptional(nested), [], place);
    }
  });
});
