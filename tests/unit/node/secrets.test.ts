import assert from 'node:assert/strict';
import { MASK, maskSecrets } from '../../../node/secrets.js';

describe('masking of secrets', () => {
  it('masks what its name tells of, at any depth', () => {
    for (const name of [
      'password',
      'dbPassword',
      'api_key',
      'apiKey',
      'accessToken',
      'TOKEN',
      'x.secret',
      'credentials',
    ]) {
      assert.deepEqual(maskSecrets({ a: [{ [name]: 'hidden' }] }), { a: [{ [name]: MASK }] }, name);
    }
    assert.deepEqual(maskSecrets({ credentials: { user: 'u', pin: 1 }, key: 7 }), { credentials: MASK, key: MASK });
  });

  it('leaves everything else as it is', () => {
    const context = {
      monkey: 1,
      tokens: 5,
      keys: ['a'],
      publicKey: 'p',
      idempotency_key: 'i',
      passwordSet: true,
      password: null,
      nothing: undefined,
      list: [1, 'a', null, true],
    };
    assert.deepEqual(maskSecrets(context), context);
    assert.equal(maskSecrets(undefined), undefined);
    assert.equal(maskSecrets('password'), 'password');
  });
});
