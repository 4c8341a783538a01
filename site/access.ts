/** Who may do what at a site. */

/**
 * What a request needs:
 *
 * - `public`: nothing; probes, the sign-in, the page’s own files
 * - `own`: looks at the caller’s own readings; whoever may `read` sees everybody’s
 * - `read`: looks only
 * - `operate`: acts on the running plant: write a point, acknowledge an alarm, start, stop, enable
 * - `configure`: changes what there is: create, change, delete; the supervisor’s hand on actors
 * - `admin`: who may do what, and who did
 */
export const NEEDS = ['public', 'own', 'read', 'operate', 'configure', 'admin'] as const;
export type Need = (typeof NEEDS)[number];

/** Each may all that those before it may. An `owner` of meters sees what belongs to the user of that name, and nothing else. */
export const ROLES = ['owner', 'viewer', 'operator', 'engineer', 'admin'] as const;
export type Role = (typeof ROLES)[number];

const LEVEL: Readonly<Record<Need, number>> = { public: -1, own: 0, read: 1, operate: 2, configure: 3, admin: 4 };

/** Whether somebody of this role may do what needs `need`. */
export function may(role: Role, need: Need): boolean {
  return ROLES.indexOf(role) >= LEVEL[need];
}

/** The least role that may do what needs `need`; undefined: everybody may. */
export function roleFor(need: Need): Role | undefined {
  return ROLES[LEVEL[need]];
}

/** An open sign-in of a user. */
export interface SessionRecord {
  readonly id: string;
  /** SHA-256 of the refresh token in force, hex. */
  readonly token: string;
  /** That of the one before, whose second use shortly after is a race of two pages and no theft. */
  readonly formerToken: string | null;
  /** ms since the Unix epoch, as all times here. */
  readonly openedAt: number;
  readonly renewedAt: number;
  readonly endsAt: number;
}

export interface UserRecord {
  readonly name: string;
  readonly role: Role;
  /** What the password is checked against; see actors/access/passwords.ts. */
  readonly password: string;
  readonly disabled: boolean;
  readonly createdAt: number;
  readonly changedAt: number;
  readonly sessions: readonly SessionRecord[];
}

export interface ApiKeyRecord {
  readonly id: string;
  /** Of the program that has it. */
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the secret half, hex. */
  readonly secret: string;
  readonly createdAt: number;
  /** null: it does not end. */
  readonly endsAt: number | null;
}

/** Everybody and every program that may come in. */
export interface AccessRegister {
  readonly users: Readonly<Record<string, UserRecord>>;
  readonly keys: Readonly<Record<string, ApiKeyRecord>>;
}
