import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { Writable } from 'node:stream';
import { runCli } from '../../../cli/run.js';
import { StatewattError } from '../../../errors/error.js';
import type { NodeOptions, RunningNode } from '../../../node/node.js';
import { FakeClient } from '../../support/fake-client.js';
import { Sink } from '../cli/support.js';

/** A reader who has gone away. */
class Closed extends Writable {
  override _write(_chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  }
}

describe('statewatt up', () => {
  let given: NodeOptions | undefined;
  let stops: number;
  let interruption: AbortController;
  /** Ctrl-C as soon as it runs. */
  let interruptAtOnce: boolean;
  let out: Sink | Closed;
  let err: Sink;
  let start: (options: NodeOptions) => Promise<RunningNode>;

  beforeEach(() => {
    given = undefined;
    stops = 0;
    interruption = new AbortController();
    interruptAtOnce = true;
    out = new Sink();
    err = new Sink();
    start = async (options) => {
      options.onStage?.({ phase: 'started', name: 'bus', detail: 'nats://b', ms: 120 });
      options.log.info({ part: 'test' }, 'told at info');
      options.log.debug({ part: 'test' }, 'told at debug');
      if (interruptAtOnce) interruption.abort();
      return {
        client: new FakeClient(),
        url: 'http://127.0.0.1:8080',
        natsUrl: 'nats://user:secret@10.0.0.1:4222',
        dataFolder: '/data',
        stop: async () => {
          options.onStage?.({ phase: 'failed', name: 'bus', detail: 'stuck', ms: 5 });
          stops += 1;
        },
      };
    };
  });

  function up(args: string, env: NodeJS.ProcessEnv = {}): Promise<number> {
    return runCli(['up', ...args.split(' ').filter((arg) => arg !== '')], {
      connect: () => Promise.reject(new Error('not here')),
      check: () => Promise.reject(new Error('not here')),
      startNode: (options) => {
        given = options;
        return start(options);
      },
      interruption: () => interruption.signal,
      now: () => 1_000,
      version: '1.2.3',
      env,
      out,
      err,
    });
  }
  const printed = () => (out as Sink).text;

  it('runs until it is interrupted, shows each step and where everything is, and hides passwords', async () => {
    assert.equal(await up(''), 0);
    assert.equal(stops, 1);
    const lines = printed()
      .split('\n')
      .map((line) => line.trim().replace(/ +/g, ' '));
    assert.deepEqual(
      lines.filter((line) => line !== ''),
      [
        '✓ bus nats://b 0.1 s',
        'Running after 0.0 s. Ctrl-C stops everything.',
        'Web page http://127.0.0.1:8080',
        'HTTP API http://127.0.0.1:8080/api/docs',
        'NATS nats://***@10.0.0.1:4222',
        'Data /data',
        'Stopping …',
        '✗ bus stuck 0.0 s',
      ],
    );
  });

  it('answers one JSON document with --json', async () => {
    assert.equal(await up('--json'), 0);
    assert.deepEqual(JSON.parse(printed()), {
      http: { url: 'http://127.0.0.1:8080' },
      nats: { url: 'nats://***@10.0.0.1:4222' },
      data: '/data',
      pid: process.pid,
    });
  });

  it('logs JSON lines to a pipe and readable lines to a terminal, from the level on', async () => {
    await up('');
    const [line] = err.text.trimEnd().split('\n');
    assert.deepEqual(
      [(JSON.parse(line ?? '') as { msg: string }).msg, err.text.includes('at debug')],
      ['told at info', false],
    );
    err = new Sink(80);
    await up('', { STATEWATT_LOG_LEVEL: 'debug' });
    assert.match(err.text, /INFO: told at info\n {4}part: "test"\n.*DEBUG: told at debug/);
    err = new Sink();
    await up('', { STATEWATT_LOG_LEVEL: 'silent' });
    assert.equal(err.text, '');
  });

  for (const [args, site, demo] of [
    ['', 'site.yaml', false],
    ['plant', 'plant', false],
    ['--demo', undefined, true],
    ['plant --demo', 'plant', true],
  ] as const) {
    it(`runs ${site ?? 'the demo’s own site'}${demo ? ' with simulated devices' : ''} at: up ${args}`, async () => {
      await up(args);
      assert.deepEqual([given?.site, given?.demo], [site, demo]);
    });
  }

  it('puts the command line before the environment', async () => {
    const env = { STATEWATT_DATA: 'a', STATEWATT_HTTP_PORT: '1', STATEWATT_HTTP_HOST: 'h', NATS_URL: 'nats://a' };
    await up('', env);
    const fromEnvironment = given?.environment;
    assert.deepEqual(
      [fromEnvironment?.dataFolder, fromEnvironment?.http, fromEnvironment?.nats.servers],
      [resolve('a'), { host: 'h', port: 1, rateLimit: 200 }, ['nats://a']],
    );
    await up('--data b --http-port 2 --http-host ::1 --nats nats://b', env);
    const fromOptions = given?.environment;
    assert.deepEqual(
      [fromOptions?.dataFolder, fromOptions?.http, fromOptions?.nats.servers],
      [resolve('b'), { host: '::1', port: 2, rateLimit: 200 }, ['nats://b']],
    );
    await up('', {});
    assert.deepEqual(
      [given?.environment.dataFolder, given?.environment.http, given?.environment.nats],
      [
        resolve('.statewatt'),
        { host: '127.0.0.1', port: 8080, rateLimit: 200 },
        { port: 0, durability: 'strict', framesDurability: 'strict' },
      ],
    );
  });

  it('starts nothing with settings that cannot be used, and names them all', async () => {
    assert.equal(await up('--http-port 70000', { STATEWATT_LOG_LEVEL: 'loud' }), 1);
    assert.equal(given, undefined);
    assert.match(err.text, /config\.environment: STATEWATT_HTTP_PORT: found "70000".*65535\n.*LOG_LEVEL: found "loud"/);
  });

  it('tells why the node did not start', async () => {
    start = () => Promise.reject(new StatewattError('http.port_in_use', 'conflict', 'Port 8080 is in use'));
    assert.equal(await up(''), 1);
    assert.equal(err.text, 'statewatt: http.port_in_use: Port 8080 is in use\n');
  });

  it('ends in order when it is interrupted while it starts', async () => {
    start = () => Promise.reject(new StatewattError('node.interrupted', 'unavailable', 'interrupted'));
    interruption.abort();
    assert.deepEqual([await up(''), given?.signal?.aborted, err.text], [0, true, '']);
  });

  it('runs on when nobody reads its output any more', async () => {
    out = new Closed();
    interruptAtOnce = false;
    const running = up('');
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve))); // All that is ready has run.
    assert.equal(stops, 0);
    interruption.abort();
    assert.equal(await running, 0);
    assert.equal(stops, 1);
  });

  it('says so when the node could not be stopped', async () => {
    const begin = start;
    start = async (options) => ({ ...(await begin(options)), stop: () => Promise.reject(new Error('stuck')) });
    assert.equal(await up(''), 1);
    assert.match(err.text, /internal\.unexpected: stuck/);
  });
});
