import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request as tlsRequest } from 'node:https';
import { WebSocket } from 'ws';
import { createHttpFacade, type HttpFacade, type HttpFacadeOptions } from '../../../facade/http/server.js';
import { SERVICE_NAMES } from '../../../facade/http/services.js';
import { FakeClient } from '../../support/fake-client.js';
import { SimulatedAccess } from '../../support/fake-access.js';
import { selfSignedCertificate } from '../../support/redis.js';
import { tempFolder } from '../../support/temp.js';

describe('ports of the services', () => {
  let client: FakeClient;
  let facade: HttpFacade | undefined;
  let first: number;

  /** Seven ports in a row that are free now, as are the three before them. */
  const freeRow = async (): Promise<number> => {
    for (;;) {
      const row = 20_000 + Math.floor(Math.random() * 10_000);
      const servers = Array.from({ length: 10 }, () => createServer());
      try {
        for (const [place, server] of servers.entries()) {
          server.listen(row + place, '127.0.0.1');
          await once(server, 'listening');
        }
        return row + 3;
      } catch {
        continue; // Somebody has one of them.
      } finally {
        await Promise.all(
          servers.filter(({ listening }) => listening).map((server) => new Promise((resolve) => server.close(resolve))),
        );
      }
    }
  };
  const start = async (options: Partial<HttpFacadeOptions> = {}): Promise<void> => {
    client = new FakeClient();
    for (;;) {
      first = await freeRow();
      facade = createHttpFacade({ client, port: 0, servicePorts: first, closeGraceMs: 200, ...options });
      try {
        await facade.listen();
        return;
      } catch (error) {
        await facade.close();
        if ((error as { code?: unknown }).code !== 'http.port_in_use') throw error; // Taken meanwhile: another row.
      }
    }
  };
  const get = (port: number, path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  afterEach(() => facade?.close());

  it('have the health of each, at its own port and behind its prefix', async () => {
    await start();
    const ports = [0, 1, 2, 3, 4, 6].map((place) => first + place);
    for (const [place, name] of SERVICE_NAMES.entries()) {
      const port = ports[place] as number;
      const expected = { status: 'healthy', service: { name, port } };
      assert.deepEqual(await (await get(port, '/health')).json(), expected);
      assert.deepEqual(await (await get(first + 5, `/${name}/health`)).json(), expected);
    }
    client.healthStatus = 'unhealthy';
    const answer = await get(first + 2, '/health');
    assert.deepEqual([answer.status, ((await answer.json()) as { status: string }).status], [503, 'unhealthy']);
    assert.equal((await get(first + 5, '/health')).status, 503);
  });

  it('serve each service without its prefix, and all of it at the gateway’s', async () => {
    await start();
    assert.equal((await get(first + 1, '/models')).status, 200);
    assert.equal((await get(first + 2, '/alarms')).status, 200);
    assert.equal((await get(first + 5, '/alarmsrv/alarms')).status, 200);
    assert.equal((await get(first + 5, '/api/v1/channels')).status, 200);
    assert.equal((await get(first + 1, '/api/v1/channels')).status, 404);
    const socket = new WebSocket(`ws://127.0.0.1:${first + 5}/ws`);
    await once(socket, 'open');
    socket.send('{"id": 1, "method": "add", "params": {"a": 1, "b": 2}}');
    const [answer] = (await once(socket, 'message')) as [Buffer];
    assert.match(answer.toString(), /"result":\{"result":3\}/);
    socket.terminate();
  });

  it('check who asks as everywhere', async () => {
    const access = new SimulatedAccess();
    await start({ gatekeeper: access.control });
    assert.equal((await get(first + 2, '/alarms')).status, 401);
    assert.equal((await get(first + 2, '/health')).status, 200);
  });

  it('are refused when one is taken, and none is left', async () => {
    await start();
    const second = createHttpFacade({ client, port: 0, servicePorts: first - 3 });
    await assert.rejects(second.listen(), { code: 'http.port_in_use', details: { host: '127.0.0.1', port: first } });
    await assert.rejects(get(first - 3, '/health'));
  });

  it('are HTTPS with a certificate, and end in time', async function () {
    const folder = await tempFolder();
    try {
      const files = await selfSignedCertificate(folder.path);
      if (files === undefined) return this.skip();
      await start({ tls: { certFile: files.cert, keyFile: files.key } });
      const ca = await readFile(files.cert);
      for (const port of [first, first + 5]) {
        const request = tlsRequest({ host: '127.0.0.1', port, path: '/health', ca, agent: false }).end();
        const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
        response.resume();
        assert.equal(response.statusCode, 200);
      }
      const tls = { certFile: files.cert, keyFile: `${files.key}x` };
      assert.throws(() => createHttpFacade({ client, port: 0, tls }), { code: 'http.tls_files' });
    } finally {
      await folder.remove();
    }
  });
});
