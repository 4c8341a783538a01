import assert from 'node:assert/strict';
import { Requests } from '../../../bus/requests.js';
import { startNats, type TestNats } from '../../support/nats.js';

describe('requests over one subscription', () => {
  let nats: TestNats;
  before(async () => {
    nats = await startNats();
  });
  after(() => nats.stop());

  it('bring each its own answer, in whatever order these come', async () => {
    const { nats: connection } = await nats.connect();
    const held: (() => void)[] = [];
    connection.subscribe('echo', {
      callback: (_error, message) => {
        held.unshift(() => message.respond(message.data));
        if (held.length === 3) for (const answer of held) answer();
      },
    });
    const requests = new Requests(connection);
    const answers = await Promise.all(
      ['a', 'b', 'c'].map((text) => requests.request('echo', Buffer.from(text), 5_000)),
    );
    assert.deepEqual(
      answers.map((data) => Buffer.from(data ?? []).toString()),
      ['a', 'b', 'c'],
    );
  });

  it('say at once that nobody listens, and in their time that nobody answers', async () => {
    const { nats: connection } = await nats.connect();
    connection.subscribe('silent', { callback: () => undefined });
    const requests = new Requests(connection);
    assert.equal(await requests.request('nowhere', new Uint8Array(), 60_000), undefined);
    await assert.rejects(requests.request('silent', new Uint8Array(), 20), {
      code: 'bus.unavailable',
      message: /silent within 20 ms/,
    });
  });

  it('are refused when they are closed, and without a connection', async () => {
    const { nats: connection } = await nats.connect();
    connection.subscribe('silent', { callback: () => undefined });
    const requests = new Requests(connection);
    const waiting = requests.request('silent', new Uint8Array(), 60_000);
    requests.close();
    await assert.rejects(waiting, { code: 'bus.unavailable', message: /was stopped/ });
    await connection.close();
    await assert.rejects(new Requests(connection).request('silent', new Uint8Array(), 60_000), {
      code: 'bus.unavailable',
      message: /no connection/,
    });
  });
});
