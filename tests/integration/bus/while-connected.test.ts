import assert from 'node:assert/strict';
import { PositionStore } from '../../../actors/projections/position.js';
import { queueNames } from '../../../actors/runtime/command-queue.js';
import { knownActors } from '../../../actors/runtime/known-actors.js';
import { outboxConsumers } from '../../../actors/runtime/outbox/queue.js';
import type { Bus } from '../../../bus/connection.js';
import { acrossGaps, whileConnected } from '../../../bus/while-connected.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

const AWAY = { code: 'bus.unavailable' };

describe('questions to a server that goes away', () => {
  let nats: TestNats;
  let bus: Bus;
  beforeEach(async () => {
    nats = await startNats();
    bus = await nats.connect();
  });
  afterEach(() => nats.stop());

  const become = (status: Bus['status']) => eventually(() => (bus.status === status ? true : undefined));
  const neverAnswered = () => new Promise<never>(() => undefined);

  it('end at once with the connection, and are not put without one', async () => {
    const asked = whileConnected(bus, neverAnswered);
    const store = await PositionStore.open(bus, 'p');
    await Promise.all([assert.rejects(asked, AWAY), nats.server.child.stop(0)]);
    await become('disconnected');
    let put = 0;
    await assert.rejects(
      whileConnected(bus, () => Promise.resolve((put += 1))),
      AWAY,
    );
    assert.equal(put, 0);
    // What a node asks when partitions come to it; each would wait for its timeout, 5 or 10 s, and so would its actors.
    await assert.rejects(queueNames(bus, 'COMMANDS'), AWAY);
    await assert.rejects(outboxConsumers(bus), AWAY);
    await assert.rejects(knownActors(bus, 'rule'), AWAY);
    await assert.rejects(store.load(), AWAY);
  });

  it('are put again when the connection is back, if they have to be answered', async () => {
    let put = 0;
    const answered = acrossGaps(bus, () => (++put === 1 ? neverAnswered() : Promise.resolve('answer')));
    await nats.server.child.stop(0);
    await become('disconnected');
    await nats.server.child.start();
    assert.equal(await answered, 'answer');
    assert.equal(put, 2);
  });

  it('are given up when the connection does not come back', async () => {
    const answered = acrossGaps(bus, neverAnswered, 300);
    await Promise.all([assert.rejects(answered, AWAY), nats.server.child.stop(0)]);
  });

  it('are not put again when they fail otherwise, nor once the bus is closed', async () => {
    await assert.rejects(
      acrossGaps(bus, () => Promise.reject(new Error('no'))),
      /^Error: no$/,
    );
    const asked = acrossGaps(bus, neverAnswered);
    await Promise.all([assert.rejects(asked, AWAY), bus.close()]);
  });
});
