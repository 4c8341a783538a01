import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tutorial } from '../../../examples/tutorial/main.js';
import { tempFolder } from '../../support/temp.js';

describe('the tutorial', function () {
  this.timeout(60_000);

  it('does what docs/tutorial.md says', async () => {
    const folder = await tempFolder();
    try {
      assert.deepEqual(await tutorial(join(folder.path, 'nats')), [
        '10 apples',
        '11 wanted, 10 there',
        '7 after order 7, asked twice',
        '8 after a crash',
        'its children: stock/pears',
        '{"count":8} on node two',
      ]);
    } finally {
      await folder.remove();
    }
  });

  it('shows only code of its files', () => {
    const squeeze = (text: string): string => text.replace(/\s+/g, ' ').trim();
    const code = ['stock.ts', 'shop.ts', 'main.ts']
      .map((file) => squeeze(readFileSync(`examples/tutorial/${file}`, 'utf8')))
      .join(' ');
    const snippets = [...readFileSync('docs/tutorial.md', 'utf8').matchAll(/```ts\n([^`]*(?:`[^`]+`[^`]*)*)```/g)];
    assert.ok(snippets.length >= 6);
    for (const [, snippet = ''] of snippets) assert.ok(code.includes(squeeze(snippet)), snippet);
  });
});
