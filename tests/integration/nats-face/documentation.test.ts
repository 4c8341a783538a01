import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ALL_ENDPOINTS } from '../../../actors/client/endpoints.js';
import { startNatsServices, type NatsServices } from '../../../facade/nats/services.js';
import type { Bus } from '../../../bus/connection.js';
import { FakeClient } from '../../support/fake-client.js';
import { startNats, type TestNats } from '../../support/nats.js';

/** A request of docs/nats.md with the answer below it. */
const EXAMPLE = /```sh\nnats req (\S+) '([^'\n]*)'\n```\n\n```json\n([^`]*)```/g;

describe('docs/nats.md', () => {
  const text = readFileSync('docs/nats.md', 'utf8');
  const examples = [...text.matchAll(EXAMPLE)].map(([, subject = '', body = '', answer = '']) => ({
    subject,
    body,
    answer,
  }));
  let server: TestNats;
  let bus: Bus;
  let services: NatsServices;

  before(async () => {
    server = await startNats();
    bus = await server.connect();
    const client = new FakeClient({ time: 1_750_000_000_000 });
    services = await startNatsServices({ nats: bus.nats, client, version: '1.2.3', node: 'node-1' });
  });
  after(async () => {
    await services.stop();
    await server.stop();
  });

  it('shows every endpoint, in its table and as an example', () => {
    const shown = new Set(examples.map(({ subject }) => subject));
    assert.deepEqual([...shown].sort(), ALL_ENDPOINTS.map(({ subject }) => subject).sort());
    for (const { subject } of ALL_ENDPOINTS) assert.ok(text.includes(`| \`${subject}\``), subject);
  });

  for (const { subject, body, answer } of examples) {
    it(`gets the answer that it shows from ${subject} ${body}`, async () => {
      const message = await bus.nats.request(subject, body, { timeout: 10_000 });
      assert.deepEqual(message.json(), JSON.parse(answer));
    });
  }
});
