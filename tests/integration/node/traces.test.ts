import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { virtualChannel, writeSite } from '../../support/node.js';
import { startOtlpReceiver } from '../../support/otlp.js';
import { SiteProcess } from '../../support/site-process.js';
import { eventually, tempFolder } from '../../support/temp.js';

describe('traces of statewatt up', function () {
  this.timeout(120_000);
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  let site: SiteProcess | undefined;

  before(async () => {
    folder = await tempFolder();
    await writeSite(folder.path, virtualChannel(1));
  });
  afterEach(async () => {
    await site?.close();
    site = undefined;
  });
  after(() => folder.remove());

  async function start(env: Record<string, string>): Promise<SiteProcess> {
    // Nothing is sent by the clock: what arrives was sent at the end.
    const all = { OTEL_BSP_SCHEDULE_DELAY: '600000', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2048', ...env };
    site = await SiteProcess.start({ site: folder.path, env: all });
    return site;
  }
  async function write({ url }: SiteProcess): Promise<void> {
    await eventually(
      async () => {
        const answer = await fetch(`${url}/api/v1/points/comsrv:1:A:1/write`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"value": 42}',
        });
        return answer.status === 200 ? true : undefined; // The channel has to be online first.
      },
      { within: 30_000, what: 'a write' },
    );
  }

  it('reach a collector, at the latest at its end: from the request over ask and journal entry to the effect', async () => {
    const receiver = await startOtlpReceiver();
    try {
      const running = await start({
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_EXPORTER_OTLP_HEADERS: 'x-key=a%20b',
        OTEL_SERVICE_NAME: 'site-a',
        STATEWATT_NODE_NAME: 'n7',
      });
      await write(running);
      await running.stop();
      const effects = receiver.spans.filter(({ name }) => name === 'effect channel.writePoint');
      const effect = effects.at(-1);
      assert.ok(effect !== undefined, receiver.spans.map(({ name }) => name).join(', '));
      assert.deepEqual(receiver.pathOf(effect), [
        'effect channel.writePoint',
        'append channel.write',
        'process channel.write',
        'ask channel.write',
        'POST /api/v1/points/:address/write',
      ]);
      const trace = receiver.spans.filter(({ traceId }) => traceId === effect.traceId);
      assert.equal(trace.filter(({ parentSpanId }) => parentSpanId === undefined).length, 1);
      assert.equal(effect.attributes.get('statewatt.actor'), 'channel/1');
      assert.deepEqual(
        [effect.resource.get('service.name'), effect.resource.get('service.instance.id')],
        ['site-a', 'n7'],
      );
      assert.equal(receiver.headers[0]?.['x-key'], 'a b');
    } finally {
      await receiver.close();
    }
  });

  it('hold nothing up where the collector never answers: the site works, and ends in order', async () => {
    const hole = await blackHole();
    try {
      const running = await start({
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${hole.port}`,
        OTEL_BSP_SCHEDULE_DELAY: '50',
        OTEL_EXPORTER_OTLP_TIMEOUT: '600000',
      });
      await write(running);
      await eventually(() => (hole.sockets.size > 0 ? true : undefined), { what: 'an export' });
      await write(running);
      await running.stop(); // SiteProcess waits for the process, and wants exit code 0.
      assert.match(running.logTail, /spans could not be exported/);
    } finally {
      await hole.close();
    }
  });
});

/** Takes connections and never says anything. */
async function blackHole(): Promise<{ port: number; sockets: ReadonlySet<Socket>; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
