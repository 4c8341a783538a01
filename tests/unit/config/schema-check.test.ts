import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { parse } from 'yaml';
import { looksRight } from '../../../site/config/schema-check.js';
import { SiteFileSchema } from '../../../site/config/schema/site.js';

/** Paths of all values within one. */
function paths(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [path];
  const inner = Object.entries(value).flatMap(([key, each]) =>
    paths(each, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return [path, ...inner];
}

function changed(site: unknown, path: readonly (string | number)[], change: (old: unknown) => unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return change(site);
  if (Array.isArray(site)) {
    const value = changed((site as unknown[])[step as number], rest, change);
    return (site as unknown[]).toSpliced(step as number, 1, ...(value === undefined ? [] : [value]));
  }
  const copy = { ...(site as Record<string, unknown>) };
  const value = changed(copy[step], rest, change);
  if (value === undefined) delete copy[step];
  else copy[step] = value;
  return copy;
}

const VALUES = [
  ...[
    undefined,
    null,
    true,
    0,
    -1,
    1,
    1.5,
    502,
    65_536,
    1e300,
    NaN,
    Infinity,
    '',
    'a',
    'tcp',
    'rtu',
    'modbus',
    'virtual',
  ],
  ...['sine', 'T', '1:T:1', 'a:502', '\u{1F50C}', [], [1], {}, { x: 1 }, { id: 1 }, { type: 'tcp' }],
];

describe('the quick look at a site file', () => {
  it('finds right what the whole check finds right, and nothing else', async function () {
    this.timeout(60_000);
    const check = new Ajv2020({ strict: false, strictNumbers: true }).compile(SiteFileSchema);
    const root = new URL('../../../../', import.meta.url);
    const files = [
      'demo/site.yaml',
      ...(await readdir(new URL('examples', root), { recursive: true }))
        .filter((file) => file.endsWith('site.yaml'))
        .map((file) => `examples/${file}`),
    ];
    const sites = await Promise.all(
      files.map(async (file) => parse(await readFile(new URL(file, root), 'utf8')) as unknown),
    );
    assert.ok(sites.length > 0);
    for (const site of sites) assert.deepEqual([looksRight(site), check(site)], [true, true]);
    const all = sites.flatMap((site) => paths(site).map((path) => ({ site, path })));
    let wrong = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...all),
        fc.constantFrom(...VALUES),
        fc.boolean(),
        ({ site, path }, value, besides) => {
          const changedSite = changed(site, path, (old) =>
            besides && typeof old === 'object' && old !== null && !Array.isArray(old)
              ? { ...old, other: value }
              : value,
          );
          const right = check(changedSite);
          if (!right) wrong += 1;
          assert.equal(looksRight(changedSite), right, `${path.join('.')} ${JSON.stringify(value)}`);
        },
      ),
      { numRuns: 1_000 },
    );
    assert.ok(wrong > 300);
  });
});
