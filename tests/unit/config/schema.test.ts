import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { siteJsonSchema } from '../../../site/config/schema/site.js';

describe('schemas/site.schema.json', () => {
  it('is what the schema in the code gives (npm run schema writes it)', async () => {
    const committed = await readFile(new URL('../../../../schemas/site.schema.json', import.meta.url), 'utf8');
    assert.equal(committed, siteJsonSchema());
  });

  it('is a JSON Schema of 2020-12 that its own examples satisfy', () => {
    const schema = JSON.parse(siteJsonSchema()) as { examples: unknown[] };
    const validate = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(schema);
    assert.ok(schema.examples.length > 0);
    for (const example of schema.examples) assert.ok(validate(example), JSON.stringify(validate.errors));
  });
});
