import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { errors, jwtVerify, SignJWT, type JWTPayload } from 'jose';
import { StatewattError } from '../../errors/error.js';
import { sessionEnded } from '../access.js';

/** An access token is short-lived: what ends a sign-in is looked up at each request all the same. */
export const ACCESS_TOKEN_MS = 15 * 60_000;
/** The command line's own, on the machine of a node; that one renews it much more often. */
export const LOCAL_TOKEN_MS = 24 * 3_600_000;
const ISSUER = 'statewatt';
const ALGORITHM = 'HS256';
/** Nodes’ clocks may differ by so much, in seconds. */
const TOLERANCE_S = 5;

/** Whom an access token is of. */
export interface TokenClaims {
  readonly user: string;
  readonly session: string;
}

/** Access tokens: JSON Web Tokens (RFC 7519) signed with the site’s key by HMAC SHA-256. */
export class AccessTokens {
  readonly #key: Uint8Array;
  readonly #now: () => number;

  /** @param key 32 bytes or more, the same on all nodes */
  constructor(key: Uint8Array, now: () => number = Date.now) {
    this.#key = key;
    this.#now = now;
  }

  make({ user, session }: TokenClaims): Promise<string> {
    const now = Math.floor(this.#now() / 1_000);
    return new SignJWT({ sid: session })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'at+jwt' })
      .setIssuer(ISSUER)
      .setAudience(ISSUER)
      .setSubject(user)
      .setIssuedAt(now)
      .setExpirationTime(now + ACCESS_TOKEN_MS / 1_000)
      .sign(this.#key);
  }

  /** @throws `access.token_expired`, `access.invalid_credentials` */
  async read(token: string): Promise<TokenClaims> {
    const { sub: user, sid: session } = await this.#verify(token, 'at+jwt');
    if (typeof session !== 'string') throw invalidCredentials('token');
    return { user, session };
  }

  /** A token for whoever may read the data folder of a node; see `isLocalToken`. */
  async makeLocal(node: string): Promise<string> {
    const now = Math.floor(this.#now() / 1_000);
    const token = await new SignJWT()
      .setProtectedHeader({ alg: ALGORITHM, typ: 'local+jwt' })
      .setIssuer(ISSUER)
      .setAudience(ISSUER)
      .setSubject(node)
      .setIssuedAt(now)
      .setExpirationTime(now + LOCAL_TOKEN_MS / 1_000)
      .sign(this.#key);
    return LOCAL_PREFIX + token;
  }

  /** The node that made it. @throws `access.token_expired`, `access.invalid_credentials` */
  async readLocal(token: string): Promise<string> {
    return (await this.#verify(token.slice(LOCAL_PREFIX.length), 'local+jwt')).sub;
  }

  async #verify(token: string, typ: string): Promise<JWTPayload & { sub: string }> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        audience: ISSUER,
        typ,
        clockTolerance: TOLERANCE_S,
        currentDate: new Date(this.#now()),
        requiredClaims: ['exp', 'sub'],
      });
      if (payload.sub === undefined) throw invalidCredentials('token');
      return { ...payload, sub: payload.sub };
    } catch (cause) {
      if (cause instanceof StatewattError) throw cause;
      if (cause instanceof errors.JWTExpired) {
        throw new StatewattError(
          'access.token_expired',
          'invalid',
          'the token has expired; refresh it or sign in again',
        );
      }
      if (cause instanceof errors.JOSEError) throw invalidCredentials('token');
      throw cause;
    }
  }
}

const LOCAL_PREFIX = 'swl_';

export function isLocalToken(token: string): boolean {
  return token.startsWith(LOCAL_PREFIX);
}

/** A secret of 256 bits, as text. */
export function makeSecret(): string {
  return randomBytes(32).toString('base64url');
}

export function makeId(): string {
  return randomBytes(9).toString('base64url');
}

/** What is kept of a secret that nobody can guess: it needs no salt and no slowness. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Whether a secret is that of which `hash` was kept; takes as long whatever it is. */
export function isSecret(secret: string, hash: string): boolean {
  return timingSafeEqual(Buffer.from(hashSecret(secret)), Buffer.from(hash));
}

/** `swk_<id>.<secret>`; the prefix lets scanners of source code find one that was committed. */
export function formatApiKey(id: string, secret: string): string {
  return `swk_${id}.${secret}`;
}

export function parseApiKey(text: string): { id: string; secret: string } | undefined {
  const [, id, secret] = /^swk_([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{43})$/.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

export function formatRefreshToken(user: string, session: string, secret: string): string {
  return `swr_${Buffer.from(user).toString('base64url')}.${session}.${secret}`;
}

/** @throws `access.session_ended` */
export function parseRefreshToken(text: string): { user: string; session: string; secret: string } {
  const [, user, session, secret] =
    /^swr_([A-Za-z0-9_-]{1,128})\.([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{43})$/.exec(text) ?? [];
  if (user === undefined || session === undefined || secret === undefined) throw sessionEnded();
  return { user: Buffer.from(user, 'base64url').toString(), session, secret };
}

/** What was shown is nobody’s. */
export function invalidCredentials(what: 'token' | 'API key' | 'name or password'): StatewattError {
  return new StatewattError('access.invalid_credentials', 'invalid', `the ${what} is not valid`);
}
