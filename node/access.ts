import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AccessControl, accessRequired } from '../actors/access/access-control.js';
import { AuditJournal } from '../actors/access/audit-journal.js';
import { accessRef } from '../actors/access.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import type { Bus } from '../bus/connection.js';
import { STREAM } from '../bus/streams.js';
import { subjects } from '../bus/subjects.js';
import { whileConnected } from '../bus/while-connected.js';
import { StatewattError, errorMessage } from '../errors/error.js';
import type { Environment } from '../site/config/index.js';
import type { DataFolder } from './data-folder.js';
import type { NodeLog } from './node.js';

/** The first user, when the environment says its password. */
const FIRST_ADMIN = 'admin';
const KEY_BYTES = 32;

export interface AccessParts {
  readonly system: ActorSystem;
  readonly bus: Bus;
  readonly environment: Environment;
  readonly folder: DataFolder;
  readonly log: NodeLog;
}

/**
 * Who may come in at this node. Makes the first administrator when its password is given and there is nobody yet.
 * @throws `access.required`: others could reach HTTP, and nobody would have to sign in
 */
export async function startAccess({ system, bus, environment, folder, log }: AccessParts): Promise<AccessControl> {
  const { access, http, nodeName } = environment;
  const isOwn = isThisMachine(http.host);
  const control = new AccessControl({
    system,
    isBegun: () => hasJournal(bus),
    audit: new AuditJournal(bus, nodeName),
    key: await readTokenKey(tokenKeyFile(access, folder)),
    openWhileEmpty: access.mode === 'auto' && isOwn,
  });
  await control.start();
  if (isOwn && access.mode === 'auto' && access.adminPassword === undefined) return control;
  if ((await control.users()).length > 0) return control;
  if (access.adminPassword !== undefined) {
    await makeFirstAdmin(control, access.adminPassword, log);
  } else if (isOwn) {
    log.warn(
      { part: 'access' },
      'nobody can sign in yet: statewatt users add <name> --role admin makes the first user',
    );
  } else {
    throw accessRequired(http.host);
  }
  return control;
}

async function makeFirstAdmin(control: AccessControl, password: string, log: NodeLog): Promise<void> {
  try {
    await control.createUser({ name: FIRST_ADMIN, role: 'admin', password });
    log.info({ part: 'access' }, `the first user is ${FIRST_ADMIN}, with the password of STATEWATT_ADMIN_PASSWORD`);
  } catch (error) {
    // Another node, starting at the same moment, was first.
    if (!(error instanceof StatewattError && error.code === 'access.user_exists')) throw error;
  }
}

/** Compaction leaves the newest entry of an actor that has any. */
async function hasJournal(bus: Bus): Promise<boolean> {
  const last = { last_by_subj: subjects.journal(accessRef) };
  return (await whileConnected(bus, () => bus.manager.direct.getMessage(STREAM.journal, last))) !== null;
}

/** Where the key that signs tokens is. */
export function tokenKeyFile({ keyFile }: Environment['access'], folder: DataFolder): string {
  return keyFile ?? folder.join('access.key');
}

/** Reads the key, and makes one at the first start. @throws `access.bad_key` */
async function readTokenKey(file: string): Promise<Uint8Array> {
  try {
    await makeTokenKey(file);
    const key = Buffer.from((await readFile(file, 'utf8')).trim(), 'base64url');
    if (key.byteLength >= KEY_BYTES) return key;
    throw new Error(`it has ${key.byteLength} bytes`);
  } catch (cause) {
    throw new StatewattError(
      'access.bad_key',
      'invalid',
      `the key that signs tokens cannot be used, ${file}: ${errorMessage(cause)}; allowed: ${KEY_BYTES} bytes or more, base64url`,
      { cause },
    );
  }
}

/** Nothing happens when it is there. Others see it whole or not at all, and nobody but this user. */
async function makeTokenKey(file: string): Promise<void> {
  const draft = `${file}.${process.pid}`;
  await mkdir(dirname(file), { recursive: true });
  try {
    await writeFile(draft, `${randomBytes(KEY_BYTES).toString('base64url')}\n`, { mode: 0o600 });
    await chmod(draft, 0o600);
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Whether only programs of this machine can reach an address. */
export function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
