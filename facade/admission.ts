import type { AuditNote, Gatekeeper, Identity } from '../actors/client/access.js';
import { StatewattError } from '../errors/error.js';
import { userOf } from '../actors/client/acting.js';
import { may, roleFor, type Need } from '../site/access.js';

/** Without access control everybody may do everything. */
export const ANYBODY: Identity = { name: 'anonymous', role: 'admin', via: 'open' };

/** What needs no more than to look. */
const LOOKS: ReadonlySet<Need> = new Set(['public', 'own', 'read']);

/** What a face knows of a request that is to be written down. */
export type RequestFacts = Pick<AuditNote, 'address' | 'what' | 'ref' | 'requestId'>;

/**
 * Why somebody may not do what needs `needs`; undefined: may.
 *
 * @param asked the parameters, where they are known: whoever sees only what is their own may not ask for another `user`
 */
export function denialOf(identity: Identity | null, needs: Need, asked?: unknown): StatewattError | undefined {
  if (needs === 'public') return undefined;
  if (identity === null) {
    return new StatewattError(
      'access.not_signed_in',
      'invalid',
      'Sign in first: send a token (Authorization: Bearer …, from POST /auth/login) or an API key (X-API-Key).',
    );
  }
  if (may(identity.role, needs)) return needs === 'own' ? denialOfOther(identity, asked) : undefined;
  const allowed = roleFor(needs);
  return new StatewattError(
    'access.forbidden',
    'invalid',
    `${identity.name} is ${identity.role}; this needs the role ${allowed} or more.`,
    { details: { found: identity.role, allowed } },
  );
}

function denialOfOther(identity: Identity, asked: unknown): StatewattError | undefined {
  const owner = ownerOf(identity);
  const { user } = (asked ?? {}) as { user?: unknown };
  if (owner === undefined || user === undefined || user === owner) return undefined;
  return new StatewattError(
    'access.forbidden',
    'invalid',
    `${identity.name} is ${identity.role} and sees only the readings of ${owner}; others need the role viewer or more.`,
    { details: { found: typeof user === 'string' ? user.slice(0, 128) : typeof user, allowed: owner } },
  );
}

/** The parameters of a request: of whoever sees only what is their own, for that one’s alone. */
export function withinOwn(identity: Identity | null, needs: Need, asked: unknown): unknown {
  const owner = needs === 'own' && identity !== null ? ownerOf(identity) : undefined;
  // What is no object is for the schema to refuse.
  if (owner === undefined || typeof asked !== 'object' || Array.isArray(asked)) return asked;
  return { ...asked, user: owner };
}

/** The user whose readings are all that somebody sees; undefined: everybody’s. */
function ownerOf(identity: Identity): string | undefined {
  return may(identity.role, 'read') ? undefined : userOf(identity);
}

/**
 * Whether something is written down: what is more than to read, and what is denied; not what somebody is denied who shows
 * nothing at all, which is no news.
 */
export function isWrittenDown(needs: Need, denial: StatewattError | undefined): boolean {
  return denial === undefined ? !LOOKS.has(needs) : denial.code !== 'access.not_signed_in';
}

/** Writes down what has to be, before it is done. Resolves when it is durable. */
export async function writeDown(
  gatekeeper: Gatekeeper | undefined,
  identity: Identity | null,
  needs: Need,
  denial: StatewattError | undefined,
  facts: RequestFacts,
): Promise<void> {
  if (!isWrittenDown(needs, denial)) return;
  await gatekeeper?.note(noteOf(identity, needs, denial, facts));
}

/** What the audit journal is told of a request. */
export function noteOf(
  identity: Identity | null,
  needs: Need,
  denial: StatewattError | undefined,
  facts: RequestFacts,
): AuditNote {
  return {
    who: identity?.name ?? 'unknown',
    role: identity?.role ?? null,
    ...facts,
    needs,
    verdict: denial === undefined ? 'allowed' : 'denied',
    reason: denial?.code ?? null,
  };
}

/** What a request is about, for the audit journal: never the whole of it, which may hold a password. */
export function refOf(params: unknown): string {
  const { address, id, ref, name, source, number } = (params ?? {}) as Record<string, unknown>;
  const about = address ?? id ?? ref ?? name ?? source ?? number;
  return typeof about === 'string' || typeof about === 'number' ? String(about).slice(0, 512) : '';
}
