import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { Cli } from '../../../cli/cli.js';
import type { Target } from '../../../cli/target.js';
import { createProgram } from '../../../cli/program.js';
import { StatewattError, type ErrorCategory } from '../../../errors/error.js';
import { FakeClient } from '../../support/fake-client.js';
import { tempFolder } from '../../support/temp.js';
import { Sink, statewatt } from './support.js';

const RUN_FILE = {
  nats: { url: 'nats://127.0.0.1:4333' },
  http: { url: 'http://127.0.0.1:8080' },
  pid: 1,
  node: 'n1',
  startedAt: '2026-05-01T12:00:00Z',
};

describe('cli: help and usage', () => {
  it('prints help on request to stdout, with code 0', async () => {
    for (const line of ['--help', 'help', '-h']) {
      const { code, out, err } = await statewatt(line);
      assert.equal(code, 0, line);
      assert.match(out, /Look into a running site:[\s\S]*history[\s\S]*Exit codes:/);
      assert.equal(err, '');
    }
    assert.equal((await statewatt('--version')).out, '1.2.3\n');
  });

  it('prints help to stderr, with code 2, when there is no command', async () => {
    const { code, out, err } = await statewatt([]);
    assert.equal(code, 2);
    assert.equal(out, '');
    assert.match(err, /^Usage: statewatt/);
  });

  it('has help with an example for every command', async () => {
    const cli = new Cli({
      connect: () => Promise.reject(new Error('not here')),
      check: () => Promise.reject(new Error('not here')),
      startNode: () => Promise.reject(new Error('not here')),
      interruption: () => new AbortController().signal,
      now: Date.now,
      version: '0',
      env: {},
      out: new Sink(),
      err: new Sink(),
    });
    const commands = createProgram(cli).commands.filter((command: Command) => command.name() !== 'help');
    assert.ok(commands.length >= 12);
    for (const command of commands) {
      const { code, out } = await statewatt([command.name(), '--help']);
      assert.equal(code, 0, command.name());
      assert.match(out, /Examples:\n {2}/, command.name());
    }
  });

  it('tells usage errors in one line that says what is allowed, with code 2', async () => {
    const cases: [line: string, text: RegExp][] = [
      ['pss', /unknown command 'pss' \(Did you mean ps\?\)/],
      ['ps --jsn', /unknown option '--jsn'/],
      ['show', /missing required argument 'ref'/],
      ['show nothing', /Allowed is <kind>\/<id>/],
      ['ps more', /too many arguments/],
      ['points --limit 0', /whole numbers from 1 to 10000/],
      ['channels nonsense', /unknown command 'nonsense'\. Allowed are list, show, start, stop, pause, resume, reset/],
      ['history 1:T:1 --resolution 2m', /Allowed choices are raw, 1m, 1h, 1d, auto/],
      ['history 1:T:1 --csv --json', /--csv and --json exclude each other/],
      ['history 1:T:1 --from now', /--from must be before --to/],
      ['write 1:T:1 5', /comsrv:1:T:1 cannot be written\. Allowed are C and A points/],
      ['write 1:C:1 5', /'5' is invalid[\s\S]*Allowed for a control \(C\) point are 0, 1/],
      ['tail --channel 1 --point 2:T:1', /is not of channel 1/],
    ];
    for (const [line, text] of cases) {
      const { code, out, err } = await statewatt(line.split(' '));
      assert.equal(code, 2, line);
      assert.equal(out, '', line);
      if (line.includes('--json')) {
        const body = JSON.parse(err) as { error: { code: string; message: string } };
        assert.equal(body.error.code, 'cli.usage');
        assert.match(body.error.message, text);
      } else {
        assert.match(err, /^statewatt: cli\.usage: .* See statewatt --help\n$/, line);
        assert.match(err, text);
      }
    }
  });
});

describe('cli: errors', () => {
  const failing = (error: Error) => {
    const client = new FakeClient();
    client.channels = () => Promise.reject(error);
    return client;
  };

  it('gives every category its exit code', async () => {
    const codes: Record<ErrorCategory, number> = {
      invalid: 1,
      conflict: 1,
      busy: 1,
      internal: 1,
      unavailable: 3,
      not_found: 4,
      timeout: 5,
    };
    for (const [category, code] of Object.entries(codes)) {
      const client = failing(new StatewattError('x.y', category as ErrorCategory, 'what was found'));
      const result = await statewatt('channels', { client });
      assert.deepEqual(result, { code, out: '', err: 'statewatt: x.y: what was found\n' }, category);
    }
  });

  it('tells an error as the one envelope with --json, wherever it stands', async () => {
    const client = failing(new StatewattError('x.y', 'busy', 'full', { retryAfterMs: 5, details: { bound: 3 } }));
    for (const line of ['--json channels', 'channels --json', 'channels list --json']) {
      const { code, out, err } = await statewatt(line, { client });
      assert.equal(code, 1);
      assert.equal(out, '');
      assert.deepEqual(JSON.parse(err), {
        error: { code: 'x.y', category: 'busy', message: 'full', details: { bound: 3 }, retryAfterMs: 5 },
      });
    }
  });

  it('tells what nobody expected as internal, and keeps the terminal safe from its text', async () => {
    const { code, err } = await statewatt('channels', { client: failing(new TypeError('odd \u001b[2J')) });
    assert.equal(code, 1);
    assert.equal(err, 'statewatt: internal.unexpected: odd ?[2J\n');
  });

  it('closes the client also after an error', async () => {
    const client = failing(new StatewattError('x.y', 'timeout', 'late'));
    let closed = 0;
    client.close = () => Promise.resolve(void (closed += 1));
    await statewatt('channels', { client });
    assert.equal(closed, 1);
  });

  it('ends quietly when the reader of the answer goes away', async () => {
    const out = new Sink();
    out._write = (_chunk, _encoding, done) => done(Object.assign(new Error('EPIPE'), { code: 'EPIPE' }));
    const { runCli } = await import('../../../cli/run.js');
    const err = new Sink();
    const code = await runCli(['points', '--json'], {
      connect: () => Promise.resolve(new FakeClient({ channels: 50 })),
      check: () => Promise.reject(new Error('not here')),
      startNode: () => Promise.reject(new Error('not here')),
      interruption: () => new AbortController().signal,
      now: Date.now,
      version: '0',
      env: { NATS_URL: 'nats://x' },
      out,
      err,
    });
    assert.equal(code, 0);
    assert.equal(err.text, '');
  });
});

describe('cli: which site', () => {
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  let connected: string[];
  const connect = (target: Target) => {
    connected.push(target.natsUrl);
    return Promise.resolve(new FakeClient());
  };

  beforeEach(async () => {
    folder = await tempFolder();
    connected = [];
  });
  afterEach(() => folder.remove());

  it('takes --nats, then the run file of --data, then NATS_URL, then the run file of STATEWATT_DATA', async () => {
    const named = join(folder.path, 'named');
    await mkdir(named);
    await writeFile(join(named, 'run.json'), JSON.stringify(RUN_FILE));
    await writeFile(join(folder.path, 'run.json'), JSON.stringify({ ...RUN_FILE, nats: { url: 'nats://default' } }));
    const env = { NATS_URL: 'nats://env', STATEWATT_DATA: folder.path };
    const run = async (args: string[], environment: NodeJS.ProcessEnv) => {
      const { code, err } = await statewatt(['ps', ...args], { connect, env: environment });
      assert.equal(code, 0, err);
    };
    await run(['--nats', 'nats://option', '--data', named], env);
    await run(['--data', named], env);
    await run([], env);
    await run([], { ...env, NATS_URL: '' });
    assert.deepEqual(connected, ['nats://option', RUN_FILE.nats.url, 'nats://env', 'nats://default']);
  });

  it('shows --token, then STATEWATT_TOKEN, then what the node of that site has left for its machine', async () => {
    const file = join(folder.path, 'run.json');
    await writeFile(
      file,
      JSON.stringify({ ...RUN_FILE, nats: { url: 'nats://u:p@h:4222,nats://i:4222' }, token: 'swl_x' }),
    );
    const shown: (string | undefined)[] = [];
    const run = async (args: string[], env: NodeJS.ProcessEnv = {}) => {
      const show = async (target: Target) => {
        shown.push(await target.token());
        return new FakeClient();
      };
      const { code, err } = await statewatt(['ps', '--data', folder.path, ...args], { connect: show, env });
      assert.equal(code, 0, err);
    };
    await run(['--token', 'option'], { STATEWATT_TOKEN: 'environment' });
    await run([], { STATEWATT_TOKEN: 'environment' });
    await run([], { STATEWATT_TOKEN: '' });
    await run(['--nats', 'i:4222']);
    await run(['--nats', 'nats://elsewhere:4222']);
    await rm(file);
    await run(['--nats', 'nats://i:4222']);
    assert.deepEqual(shown, ['option', 'environment', 'swl_x', 'swl_x', undefined, undefined]);
  });

  it('says what to do when no node has run there, with code 3', async () => {
    const { code, err } = await statewatt(['ps', '--data', folder.path], { connect });
    assert.equal(code, 3);
    assert.match(err, /^statewatt: cli\.no_node: .*run\.json.*statewatt up.*--data DIR.*--nats URL.*NATS_URL\n$/);
    assert.deepEqual(connected, []);
  });

  it('refuses a run file that is none, with its place', async () => {
    for (const [text, reason] of [
      ['{', /JSON/],
      ['{"nats":{}}', /must have required property/],
      [JSON.stringify({ ...RUN_FILE, pid: 0 }), /\/pid must be >= 1/],
    ] as const) {
      await writeFile(join(folder.path, 'run.json'), text);
      const { code, err } = await statewatt(['ps', '--data', folder.path], { connect });
      assert.equal(code, 3);
      assert.match(err, /^statewatt: cli\.run_file_invalid: /);
      assert.match(err, reason);
    }
  });
});
