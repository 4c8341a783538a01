import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Credentials, SignIn } from '../../../actors/client/access.js';

/** A page that signed in has its tokens where no script can read them. */
const TOKEN_COOKIE = 'statewatt_token';
const REFRESH_COOKIE = 'statewatt_refresh';
/** Only who renews or ends a sign-in gets the refresh token. */
const REFRESH_PATH = '/auth';

/** What a request shows of who sends it: `Authorization: Bearer`, `X-API-Key`, or the cookie of a page. */
export function credentialsOf({ headers }: FastifyRequest): Credentials {
  const { authorization, 'x-api-key': apiKey } = headers;
  if (typeof apiKey === 'string') return { apiKey };
  const bearer = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  const token = bearer ?? cookieOf(headers.cookie, TOKEN_COOKIE);
  return token === undefined ? {} : { token };
}

export function refreshCookieOf({ headers }: FastifyRequest): string | undefined {
  return cookieOf(headers.cookie, REFRESH_COOKIE);
}

/** Strict: a page of another site never sends them (RFC 6265bis, section 5.5.7). */
export function setCookies(request: FastifyRequest, reply: FastifyReply, signIn: SignIn): void {
  const { token, expiresIn, refreshToken, refreshExpiresIn } = signIn;
  reply.header('set-cookie', [
    cookie(request, TOKEN_COOKIE, token, '/', expiresIn),
    cookie(request, REFRESH_COOKIE, refreshToken, REFRESH_PATH, refreshExpiresIn),
  ]);
}

export function clearCookies(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('set-cookie', [
    cookie(request, TOKEN_COOKIE, '', '/', 0),
    cookie(request, REFRESH_COOKIE, '', REFRESH_PATH, 0),
  ]);
}

function cookie({ protocol }: FastifyRequest, name: string, value: string, path: string, seconds: number): string {
  const secure = protocol === 'https' ? '; Secure' : '';
  return `${name}=${value}; Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`;
}

function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const part of header?.split(';') ?? []) {
    const [key, value] = part.trim().split('=', 2);
    if (key === name && value !== undefined && value !== '') return value;
  }
  return undefined;
}
