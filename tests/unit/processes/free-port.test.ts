import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import sinon from 'sinon';
import { freePort } from '../../../processes/free-port.js';

describe('freePort', () => {
  afterEach(() => sinon.restore());

  it('gives ports that nobody listens on and no outgoing connection gets, none of them twice', async () => {
    const ports = await Promise.all(Array.from({ length: 20 }, freePort));
    assert.equal(new Set(ports).size, 20);
    for (const port of ports) assert.ok(port >= 20_000 && port < 32_000, String(port));
  });

  it('passes over one that is in use, and says so when all are', async () => {
    const taken = await freePort();
    const holder = createServer().listen(taken, '127.0.0.1');
    await once(holder, 'listening');
    const random = sinon.stub(Math, 'random').callThrough();
    const atTaken = (taken - 20_000 + 0.5) / 12_000;
    random.onFirstCall().returns(atTaken);
    assert.notEqual(await freePort(), taken);
    random.returns(atTaken);
    await assert.rejects(freePort(), { code: 'process.no_free_port' });
    holder.close();
    await once(holder, 'close');
  });
});
