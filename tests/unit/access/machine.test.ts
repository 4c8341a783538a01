import assert from 'node:assert/strict';
import { accessMachine, MAX_SESSIONS, MAX_USERS } from '../../../machines/access.js';
import { SimulatedActor } from '../../support/simulated-actor.js';

const password = 'scrypt$…';
const token = (text: string) => text.padEnd(64, '0');

describe('the register of users and keys', () => {
  let actor: SimulatedActor<typeof accessMachine>;
  const users = () => actor.snapshot.context.users;
  const sessions = () => users().ada?.sessions ?? [];
  const open = (id: string, endsAt = 1e9) =>
    actor.send({ type: 'openSession', name: 'ada', id, token: token(id), endsAt });
  const renew = (id: string, from: string, to: string) =>
    actor.send({ type: 'renewSession', name: 'ada', id, token: token(from), nextToken: token(to), endsAt: 2e9 });

  beforeEach(() => {
    actor = new SimulatedActor(accessMachine, undefined);
    assert.ok(actor.send({ type: 'addUser', name: 'ada', role: 'admin', password }));
  });

  it('begins with an administrator', () => {
    const empty = new SimulatedActor(accessMachine, undefined);
    assert.ok(!empty.send({ type: 'addUser', name: 'bob', role: 'engineer', password }));
    assert.ok(
      !empty.send({ type: 'addKey', id: 'k', name: 'scada', role: 'viewer', secret: token('s'), endsAt: null }),
    );
    assert.ok(empty.send({ type: 'addUser', name: 'bob', role: 'admin', password }));
  });

  it('has one user of a name, and so many at most', () => {
    assert.ok(!actor.send({ type: 'addUser', name: 'ada', role: 'viewer', password }));
    for (let n = 1; n < MAX_USERS; n++) actor.send({ type: 'addUser', name: `u${n}`, role: 'viewer', password });
    assert.equal(Object.keys(users()).length, MAX_USERS);
    assert.ok(!actor.send({ type: 'addUser', name: 'more', role: 'viewer', password }));
  });

  it('keeps an administrator who can sign in', () => {
    assert.ok(!actor.send({ type: 'removeUser', name: 'ada' }));
    assert.ok(!actor.send({ type: 'changeUser', name: 'ada', role: 'viewer' }));
    assert.ok(!actor.send({ type: 'changeUser', name: 'ada', disabled: true }));
    assert.ok(actor.send({ type: 'changeUser', name: 'ada', password: 'new' }));
    actor.send({ type: 'addUser', name: 'bob', role: 'admin', password });
    assert.ok(actor.send({ type: 'changeUser', name: 'bob', disabled: true }));
    assert.ok(!actor.send({ type: 'removeUser', name: 'ada' }), 'the other one may not sign in');
    assert.ok(actor.send({ type: 'changeUser', name: 'bob', disabled: false }));
    assert.ok(actor.send({ type: 'removeUser', name: 'ada' }));
    assert.deepEqual(Object.keys(users()), ['bob']);
  });

  it('ends the sign-ins of who gets another password or is disabled', () => {
    actor.send({ type: 'addUser', name: 'bob', role: 'admin', password });
    open('a');
    actor.send({ type: 'changeUser', name: 'ada', role: 'viewer' });
    assert.equal(sessions().length, 1);
    actor.send({ type: 'changeUser', name: 'ada', password: 'new' });
    assert.equal(sessions().length, 0);
    open('b');
    actor.send({ type: 'changeUser', name: 'ada', disabled: true });
    assert.equal(sessions().length, 0);
    assert.ok(!open('c'), 'a disabled user does not come in');
  });

  it('bounds sign-ins: the oldest ends, and those that are over are forgotten', () => {
    open('over', 1_500);
    actor.wait(1_000);
    for (let n = 0; n <= MAX_SESSIONS; n++) open(`s${n}`);
    assert.equal(sessions().length, MAX_SESSIONS);
    assert.deepEqual([sessions()[0]?.id, sessions().at(-1)?.id], ['s1', `s${MAX_SESSIONS}`]);
  });

  it('renews a sign-in once for each token, and ends it when one is used again', () => {
    open('a');
    assert.ok(renew('a', 'a', 'b'));
    assert.equal(sessions()[0]?.token, token('b'));
    assert.ok(!renew('a', 'a', 'x'), 'a second page at the same moment');
    assert.equal(sessions()[0]?.token, token('b'));
    actor.wait(20_000);
    assert.ok(renew('a', 'a', 'x'), 'somebody else has it');
    assert.deepEqual(sessions(), []);
    assert.ok(!renew('a', 'b', 'c'));
  });

  it('does not renew what is over, and ends what is to end', () => {
    open('a', 1_500);
    actor.wait(1_000);
    renew('a', 'a', 'b');
    assert.deepEqual(sessions(), []);
    open('b');
    assert.ok(!actor.send({ type: 'endSession', name: 'ada', id: 'other' }));
    assert.ok(actor.send({ type: 'endSession', name: 'ada', id: 'b' }));
    assert.deepEqual(sessions(), []);
  });

  it('has keys until they are removed', () => {
    const key = { type: 'addKey', id: 'k', name: 'scada', role: 'viewer', secret: token('s'), endsAt: null } as const;
    assert.ok(actor.send(key));
    assert.ok(!actor.send(key));
    assert.ok(actor.send({ type: 'removeKey', id: 'k' }));
    assert.ok(!actor.send({ type: 'removeKey', id: 'k' }));
  });
});
