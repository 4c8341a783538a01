import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { effects } from '../../../examples/effects/main.js';
import { tempFolder } from '../../support/temp.js';

describe('the example of effects', function () {
  this.timeout(60_000);
  const page = readFileSync('docs/effects.md', 'utf8');

  it('finds what docs/effects.md says', async () => {
    const folder = await tempFolder();
    try {
      const [, output = ''] = /prints:\n\n```\n([^`]+)```/.exec(page) ?? [];
      assert.deepEqual(await effects(join(folder.path, 'nats')), output.trim().split('\n'));
    } finally {
      await folder.remove();
    }
  });

  it('is shown as it is', () => {
    const squeeze = (text: string): string => text.replace(/\s+/g, ' ').trim();
    const code = ['shop.ts', 'main.ts']
      .map((file) => squeeze(readFileSync(`examples/effects/${file}`, 'utf8')))
      .join(' ');
    const snippets = [...page.matchAll(/```ts\n([^`]*(?:`[^`]+`[^`]*)*)```/g)];
    assert.equal(snippets.length, 2);
    for (const [, snippet = ''] of snippets) assert.ok(code.includes(squeeze(snippet)), snippet);
  });
});
