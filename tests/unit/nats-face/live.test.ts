import assert from 'node:assert/strict';
import type { NatsConnection } from '@nats-io/transport-node';
import sinon from 'sinon';
import type { PointsUpdate } from '../../../actors/client/client.js';
import type { StatewattError } from '../../../errors/error.js';
import { LiveChanges } from '../../../facade/nats/live.js';
import { FakeClient } from '../../support/fake-client.js';
import { eventually } from '../../support/temp.js';

/** More than the connection is given before the server has to take it. */
const ENDLESS = 10_000;

describe('LiveChanges', () => {
  const update: PointsUpdate = { channel: 1001, time: 1, points: [] };
  let given: number;
  let client: FakeClient;
  let problems: StatewattError[];
  const live: LiveChanges[] = [];

  beforeEach(() => {
    given = 0;
    problems = [];
    client = new FakeClient();
    sinon.stub(client, 'watchPoints').callsFake(async function* (_filter, signal) {
      while (given < ENDLESS && !signal.aborted) {
        given += 1;
        yield update;
        // As a site's updates: not all at once.
        await Promise.resolve();
      }
    });
  });
  afterEach(async () => {
    for (const one of live.splice(0)) await one.stop();
    sinon.restore();
  });

  function start(connection: { flush: () => Promise<void>; isClosed: () => boolean }) {
    const nats = { publish: sinon.spy(), ...connection };
    const changes = new LiveChanges(nats as unknown as NatsConnection, client, 1000, (error) => problems.push(error));
    live.push(changes);
    return { changes, nats };
  }

  it('gives the connection no more than the server takes', async () => {
    let taken = () => {};
    const flush = sinon.stub().callsFake(() => new Promise<void>((resolve) => (taken = resolve)));
    const { changes } = start({ flush, isClosed: () => false });
    changes.watch('*');
    await eventually(() => (flush.callCount === 1 ? true : undefined));
    const bytes = JSON.stringify(update).length;
    assert.equal(given, Math.ceil(65536 / bytes));
    taken();
    await eventually(() => (flush.callCount === 2 ? true : undefined));
    assert.equal(given, 2 * Math.ceil(65536 / bytes));
    taken();
    flush.resolves();
  });

  it('goes on when the server was away meanwhile', async () => {
    const { changes, nats } = start({ flush: () => Promise.reject(new Error('disconnected')), isClosed: () => false });
    changes.watch(1001);
    await eventually(() => (nats.publish.callCount === ENDLESS ? true : undefined));
    assert.deepEqual(problems, []);
  });

  it('ends with the connection and says so', async () => {
    const { changes } = start({ flush: () => Promise.reject(new Error('closed')), isClosed: () => true });
    changes.watch(1001);
    await eventually(() => (changes.watched.length === 0 ? true : undefined));
    assert.deepEqual(
      problems.map(({ message }) => message),
      ['closed'],
    );
  });

  it('takes no watches after its end', async () => {
    const { changes } = start({ flush: () => Promise.resolve(), isClosed: () => false });
    await changes.stop();
    assert.throws(() => changes.watch(1001), { code: 'nats.stopping' });
  });
});
