import Type from 'typebox';
import {
  PasswordSchema,
  RoleSchema,
  type Gatekeeper,
  type Identity,
  type SignIn,
} from '../../../actors/client/access.js';
import { StatewattError } from '../../../errors/error.js';
import { noteOf } from '../../admission.js';
import { factsOf } from '../access/control.js';
import { clearCookies, refreshCookieOf, setCookies } from '../access/credentials.js';
import { open, readsOwn } from '../access/needs.js';
import type { HttpApp } from '../app.js';
import type { HttpCounters } from '../counters.js';
import { NoBody, errorAnswers } from '../schemas.js';

const closed = { additionalProperties: false } as const;
const cookie = Type.Optional(
  Type.Boolean({ description: 'for pages: the tokens are set as cookies that no script can read, and not answered' }),
);
const Login = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 64 }),
    password: Type.String({ ...PasswordSchema, minLength: 1 }),
    cookie,
  },
  closed,
);
const Refresh = Type.Object(
  { refreshToken: Type.Optional(Type.String({ maxLength: 512, description: 'without it: that of the cookie' })) },
  closed,
);
const SignedIn = Type.Object({
  token: Type.Optional(Type.String({ description: 'send it as Authorization: Bearer …' })),
  refreshToken: Type.Optional(Type.String({ description: 'good once, for a new token and a new one of its own' })),
  expiresIn: Type.Integer({ description: 'seconds that the token is good for' }),
  refreshExpiresIn: Type.Integer({ description: 'seconds that the refresh token is good for' }),
  user: Type.String(),
  role: RoleSchema,
});
const Me = Type.Object({
  name: Type.String(),
  role: RoleSchema,
  via: Type.Unsafe<Identity['via']>({
    type: 'string',
    enum: ['user', 'key', 'local', 'open'],
    description: 'local: the command line of a node’s own machine; open: nobody has to sign in',
  }),
});

/** Sign in, stay in, sign out. */
export function authRoutes(app: HttpApp, gatekeeper: Gatekeeper, counters: HttpCounters): void {
  const tags = ['access'];
  app.post(
    '/login',
    {
      config: open,
      schema: {
        operationId: 'signIn',
        summary: 'Sign in with name and password',
        tags,
        body: Login,
        response: { 200: SignedIn, ...errorAnswers },
      },
    },
    async (request, reply) => {
      const { name, password, cookie } = request.body;
      let signIn: SignIn;
      try {
        signIn = await gatekeeper.signIn(name, password, request.ip);
      } catch (thrown) {
        counters.failedSignIns += 1;
        // Tries that are not even looked at would only fill the journal.
        if (thrown instanceof StatewattError && thrown.code === 'access.invalid_credentials') {
          await gatekeeper.note({ ...noteOf(null, 'public', thrown, factsOf(request)), ref: name });
        }
        throw thrown;
      }
      const facts = { ...factsOf(request), ref: signIn.user };
      await gatekeeper.note({ ...noteOf(null, 'public', undefined, facts), who: signIn.user, role: signIn.role });
      if (cookie !== true) return signIn;
      setCookies(request, reply, signIn);
      return withoutTokens(signIn);
    },
  );

  app.post(
    '/refresh',
    {
      config: open,
      schema: {
        operationId: 'refreshToken',
        summary: 'Get a new token for a refresh token, which is good once',
        tags,
        body: Refresh,
        response: { 200: SignedIn, ...errorAnswers },
      },
    },
    async (request, reply) => {
      const { refreshToken } = request.body;
      if (refreshToken !== undefined) return gatekeeper.refresh(refreshToken);
      const signIn = await gatekeeper.refresh(refreshCookieOf(request) ?? '');
      setCookies(request, reply, signIn);
      return withoutTokens(signIn);
    },
  );

  app.post(
    '/logout',
    {
      config: readsOwn,
      schema: {
        operationId: 'signOut',
        summary: 'End the sign-in: its tokens are good no more',
        tags,
        body: NoBody,
        response: { 204: Type.Null({ description: 'signed out' }), ...errorAnswers },
      },
    },
    async (request, reply) => {
      if (request.identity !== null) await gatekeeper.signOut(request.identity);
      clearCookies(request, reply);
      return reply.code(204).send(null);
    },
  );
}

/** Who a request is from: also where nobody has to sign in. */
export function meRoute(app: HttpApp): void {
  app.get(
    '/me',
    {
      config: readsOwn,
      schema: {
        operationId: 'getMe',
        summary: 'Who the request is from, and its role',
        tags: ['access'],
        response: { 200: Me, ...errorAnswers },
      },
    },
    ({ identity }) => {
      if (identity === null) throw new StatewattError('access.not_signed_in', 'invalid', 'Sign in first.');
      const { name, role, via } = identity;
      return Promise.resolve({ name, role, via });
    },
  );
}

function withoutTokens({
  token: _token,
  refreshToken: _refreshToken,
  ...facts
}: SignIn): Omit<SignIn, 'token' | 'refreshToken'> {
  return facts;
}
