import assert from 'node:assert/strict';
import sinon from 'sinon';
import { HttpApi } from '../../../facade/web/src/api.js';

describe('web page: sign-in', () => {
  let fetched: sinon.SinonStub<Parameters<typeof fetch>, ReturnType<typeof fetch>>;
  let isSignedIn: boolean;
  let canRenew: boolean;
  const answer = (status: number, body: unknown) => Promise.resolve(new Response(JSON.stringify(body), { status }));
  const refused = () => answer(401, { error: { code: 'access.not_signed_in', message: 'Sign in first.' } });
  const paths = () => fetched.args.map(([url]) => url);

  beforeEach(() => {
    [isSignedIn, canRenew] = [false, false];
    fetched = sinon.stub(globalThis, 'fetch').callsFake((url) => {
      if (url === '/auth/refresh' || url === '/auth/login') {
        if (!canRenew) return refused();
        isSignedIn = true;
        return answer(200, { user: 'olga' });
      }
      return isSignedIn ? answer(200, []) : refused();
    });
  });
  afterEach(() => fetched.restore());

  it('asks once more with a new token, which many requests share', async () => {
    canRenew = true;
    const api = new HttpApi();
    assert.deepEqual(await Promise.all([api.channels(), api.channels()]), [[], []]);
    assert.equal(paths().filter((path) => path === '/auth/refresh').length, 1);
    assert.equal(paths().length, 5);
  });

  it('tells when nobody is signed in', async () => {
    const api = new HttpApi();
    const told = sinon.spy();
    api.onSignedOut = told;
    await assert.rejects(api.channels(), { code: 'access.not_signed_in', status: 401 });
    sinon.assert.calledOnce(told);
    await assert.rejects(api.signIn('olga', 'wrong'), { status: 401 });
    canRenew = true;
    await api.signIn('olga', 'right');
    assert.deepEqual(await api.channels(), []);
    const [, init] = fetched.args.find(([url]) => url === '/auth/login') ?? [];
    assert.deepEqual(JSON.parse(init?.body as string), { name: 'olga', password: 'wrong', cookie: true });
  });
});
