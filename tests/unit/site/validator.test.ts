import assert from 'node:assert/strict';
import { Ajv } from 'ajv';
import { Ajv2020, type AnySchema } from 'ajv/dist/2020.js';
import { ALL_ENDPOINTS } from '../../../actors/client/endpoints.js';
import { ReadingSchema } from '../../../actors/client/metering.js';
import { ScenarioSchema } from '../../../chaos/scenario.js';
import { EnvironmentSchema } from '../../../site/config/environment.js';
import { SiteFileSchema } from '../../../site/config/schema/site.js';
import { OWN_SCHEMAS, validator } from '../../../site/validator.js';

describe('validator', () => {
  it('compiles its schema with the first value, once', () => {
    let compiled = 0;
    const isCount = validator<number>(() => {
      compiled += 1;
      return new Ajv(OWN_SCHEMAS).compile<number>({ type: 'integer', minimum: 0 });
    });
    assert.equal(compiled, 0);
    assert.deepEqual([isCount(3), isCount(-1), isCount('3')], [true, false, false]);
    assert.equal(compiled, 1);
  });

  it('tells what is wrong with the value that was checked last', () => {
    const isText = validator<string>(() => new Ajv(OWN_SCHEMAS).compile<string>({ type: 'string' }));
    isText(1);
    assert.deepEqual(
      isText.errors?.map(({ keyword }) => keyword),
      ['type'],
    );
    isText('1');
    assert.equal(isText.errors, null);
  });
});

describe('the schemas of the product', () => {
  it('are valid themselves', () => {
    const ajv = new Ajv2020({ strict: false });
    for (const schema of [SiteFileSchema, EnvironmentSchema, ScenarioSchema, ReadingSchema] as AnySchema[])
      assert.equal(ajv.validateSchema(schema), true, ajv.errorsText());
  });

  it('of requests are valid, and say nothing that Ajv does not know', () => {
    const ajv = new Ajv({ strict: true, allowUnionTypes: true, useDefaults: true });
    for (const { service, name, request } of ALL_ENDPOINTS)
      assert.doesNotThrow(() => ajv.compile(request as AnySchema), `${service}.${name}`);
  });
});
