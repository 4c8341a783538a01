import assert from 'node:assert/strict';
import fc from 'fast-check';
import { atPath, parseJsonPath, type JsonPath } from '../../../site/json-path.js';

describe('JSON paths', () => {
  it('are singular queries of JSONPath, with the root or without', () => {
    const cases: [string, JsonPath | undefined][] = [
      ['power', ['power']],
      ['$.power', ['power']],
      ['$', []],
      ['meter.phases[2].power', ['meter', 'phases', 2, 'power']],
      ['$[0]', [0]],
      ['[0][1]', [0, 1]],
      [`$['a.b']["c d"].e`, ['a.b', 'c d', 'e']],
      ['temp°', ['temp°']],
      ['', undefined],
      ['.power', undefined],
      ['$power', undefined],
      ['a..b', undefined],
      ['a[b]', undefined],
      ['a[*]', undefined],
      ['a[0]b', undefined],
      ['a b', undefined],
      ['a.', undefined],
    ];
    for (const [text, path] of cases) assert.deepEqual(parseJsonPath(text), path, text);
  });

  it('find what is there, and nothing where nothing is', () => {
    const document = { a: [{ b: null }, 2], '0': 'text' };
    assert.equal(atPath(document, []), document);
    assert.equal(atPath(document, ['a', 1]), 2);
    assert.equal(atPath(document, ['a', 0, 'b']), null);
    for (const path of [['b'], ['a', 2], ['a', '1'], ['a', 0, 'b', 'c'], [0], ['constructor'], ['a', 'length']])
      assert.equal(atPath(document, path), undefined, JSON.stringify(path));
  });

  it('read what was written in brackets', () => {
    const name = fc.string().filter((text) => !text.includes("'"));
    fc.assert(
      fc.property(fc.array(fc.oneof(name, fc.nat(1e6)), { minLength: 1 }), (steps) => {
        const text = steps.map((step) => (typeof step === 'number' ? `[${step}]` : `['${step}']`)).join('');
        assert.deepEqual(parseJsonPath(`$${text}`), steps);
      }),
    );
  });
});
