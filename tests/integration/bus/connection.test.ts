import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectBus, type Bus, type BusStatus } from '../../../bus/connection.js';
import { DEFAULT_LIMITS, ensureStreams, isRelaxed, STREAM, streamDefinitions } from '../../../bus/streams.js';
import { SupervisedChild } from '../../../processes/child.js';
import { startFakeNats } from '../../support/fake-nats.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually, freePort, tempFolder } from '../../support/temp.js';

describe('connectBus', () => {
  let nats: TestNats;

  before(async () => {
    nats = await startNats();
  });
  after(() => nats.stop());

  const connect = (options: Partial<Parameters<typeof connectBus>[0]> = {}): Promise<Bus> =>
    connectBus({ servers: [nats.url], name: 'test', connectTimeoutMs: 2_000, ...options });

  it('creates the streams once, leaves them alone on a second connect, updates what differs', async () => {
    const first = await connect();
    const changes: string[] = [];
    const subscription = first.nats.subscribe('$JS.EVENT.ADVISORY.STREAM.*.>', {
      callback: (_error, message) => void changes.push(message.subject.split('.').slice(4).join('.')),
    });
    const names: string[] = [];
    for await (const info of first.manager.streams.list()) names.push(info.config.name);
    assert.deepEqual(names.sort(), Object.values(STREAM).sort());
    assert.equal(first.replicas, 1);

    const second = await connect();
    await first.nats.flush();
    assert.deepEqual(changes, []);

    const third = await connect({ limits: { ...DEFAULT_LIMITS, framesMaxBytes: 2 * 1024 ** 3 } });
    // The server tells of a change beside its answer, not before it.
    await eventually(() => (changes.length > 0 ? true : undefined));
    await first.nats.flush();
    assert.deepEqual(changes, ['UPDATED.FRAMES']);
    const frames = await first.manager.streams.info(STREAM.frames);
    assert.equal(frames.config.max_bytes, 2 * 1024 ** 3);

    subscription.unsubscribe();
    for (const bus of [first, second, third]) await bus.close();
  });

  it('creates them once though many connect at the same time to a fresh server', async () => {
    const fresh = await startNats();
    try {
      const buses = await Promise.all(Array.from({ length: 6 }, (_, each) => fresh.connect(`n${each}`)));
      const names: string[] = [];
      for await (const info of (buses[0] as Bus).manager.streams.list()) names.push(info.config.name);
      assert.deepEqual(names.sort(), Object.values(STREAM).sort());
    } finally {
      await fresh.stop();
    }
  });

  it('makes FRAMES relaxed when it is told to, and leaves the stream as it was made', async () => {
    const made = await startNats({ strict: true });
    try {
      const limits = { ...DEFAULT_LIMITS, framesRelaxed: true };
      for (const each of [limits, DEFAULT_LIMITS]) {
        const bus = await connectBus({ servers: [made.url], name: 'test', limits: each });
        const { config } = await bus.manager.streams.info(STREAM.frames);
        assert.deepEqual([isRelaxed(config), config.allow_atomic ?? false], [true, false]);
        await bus.close();
      }
    } finally {
      await made.stop();
    }
    assert.equal(
      streamDefinitions(3, { ...DEFAULT_LIMITS, framesRelaxed: true }).some((each) => 'persist_mode' in each),
      false,
      'copies on several servers do not know the mode',
    );
  });

  it('does not touch the streams for a tool that only asks', async () => {
    const bus = await connect({ ensureStreams: false, limits: { ...DEFAULT_LIMITS, framesMaxBytes: 1024 ** 3 } });
    const frames = await bus.manager.streams.info(STREAM.frames);
    assert.notEqual(frames.config.max_bytes, 1024 ** 3);
    await bus.close();
  });

  it('never lowers the number of copies: a cluster may be short of a server', async () => {
    const updates: unknown[] = [];
    const existing = streamDefinitions(3, DEFAULT_LIMITS);
    const manager = {
      streams: {
        list: () => existing.map((config) => ({ config })),
        add: () => assert.fail('they are all there'),
        update: (name: string, config: unknown) => updates.push([name, config]),
      },
    };
    await ensureStreams(manager as never, 1);
    assert.deepEqual(updates, []);
  });

  it('says when no server answers, without the password', async () => {
    const port = await freePort();
    await assert.rejects(connect({ servers: [`nats://me:secret@127.0.0.1:${port}`] }), (error: Error) => {
      assert.equal((error as { code?: string }).code, 'bus.unavailable');
      assert.match(error.message, new RegExp(`no NATS server answers at nats://\\*\\*\\*@127.0.0.1:${port}: `));
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  });

  it('refuses a server that is too old, and names the version that it needs', async () => {
    const old = await startFakeNats({ version: '2.10.22' });
    await assert.rejects(connect({ servers: [old.url] }), (error: Error) => {
      assert.equal((error as { code?: string }).code, 'bus.server_too_old');
      assert.match(error.message, /nats-server 2\.10\.22 at .* is too old: 2\.12 or newer is needed/);
      return true;
    });
    await old.close();
  });

  it('has the credentials file read, or says why not', async () => {
    await assert.rejects(connect({ credentials: '/no/such.creds' }), { code: 'bus.bad_credentials' });
  });

  it('tells who listens of each change of status, once', async () => {
    const bus = await connect();
    const seen: BusStatus[] = [];
    const ignored: BusStatus[] = [];
    bus.onStatus((status) => seen.push(status));
    bus.onStatus((status) => ignored.push(status))();
    const change = (wanted: BusStatus): Promise<void> =>
      new Promise((resolve) => {
        const end = bus.onStatus((status) => {
          if (status !== wanted) return;
          end();
          resolve();
        });
      });
    const away = change('disconnected');
    const back = change('connected');
    nats.server.child.kill();
    await away;
    assert.equal(bus.status, 'disconnected');
    await back;
    // What was published before is there: the server came back with its data.
    await bus.jetstream.publish('dead.counter.a', 'x');
    await bus.close();
    await bus.close();
    assert.deepEqual(seen, ['disconnected', 'connected', 'closed']);
    assert.deepEqual(ignored, []);
  });

  it('closes also while the server is away', async () => {
    const own = await startNats();
    const bus = await connectBus({ servers: [own.url], name: 'test' });
    await own.server.stop();
    await bus.close();
    assert.equal(bus.status, 'closed');
    await own.stop();
  });
});

/** A nats-server with settings of somebody else's. */
async function startForeign(settings: (folder: string) => string) {
  const folder = await tempFolder();
  const port = await freePort();
  const file = join(folder.path, 'nats.conf');
  await writeFile(file, `host: 127.0.0.1\nport: ${port}\n${settings(folder.path)}\n`);
  const found = join(process.cwd(), '.cache/nats-server');
  const server = new SupervisedChild({
    name: 'nats-server',
    command: 'nats-server',
    args: ['-c', file],
    env: { PATH: `${process.env.PATH ?? ''}:${found}` },
    ready: async (running) => {
      await running.line(/Server is ready/);
    },
  });
  await server.start();
  const stop = async (): Promise<void> => {
    await server.stop();
    await folder.remove();
  };
  return { port, stop };
}

describe('connectBus to a server that may keep little', function () {
  this.timeout(20_000);

  it('says how much the server has to allow', async () => {
    const { port, stop } = await startForeign((folder) => `jetstream { store_dir: "${folder}/js", max_file: 10GB }`);
    try {
      await assert.rejects(connectBus({ servers: [`nats://127.0.0.1:${port}`], name: 'test' }), {
        code: 'bus.no_room',
        message: /no room for the stream JOURNAL, which may come to 64 GB: let its JetStream keep \d+ GB in files/,
      });
    } finally {
      await stop();
    }
  });
});

describe('connectBus to a guarded server without JetStream', () => {
  let port: number;
  let stop: () => Promise<void>;

  before(async () => {
    ({ port, stop } = await startForeign(() => 'authorization { user: me, password: "p@ss" }'));
  });
  after(() => stop());

  const connect = (login: string): Promise<Bus> =>
    connectBus({ servers: [`nats://${login}127.0.0.1:${port}`], name: 'test', connectTimeoutMs: 2_000 });

  it('says that the credentials are refused', async () => {
    for (const login of ['', 'me:wrong@', 'token@']) {
      await assert.rejects(connect(login), { code: 'bus.unauthorized', message: /refuses these credentials/ }, login);
    }
  });

  it('gets in with the login of the URL, and says that there is no JetStream', async () => {
    await assert.rejects(connect('me:p%40ss@'), { code: 'bus.no_jetstream', message: /has no JetStream/ });
  });
});
