import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { tempFolder } from '../../support/temp.js';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../../../..');

/** A program of somebody else. */
const PROGRAM = `
import { createSystem, defineKind, ref, type Bus } from 'statewatt';
import { SiteSocket } from 'statewatt/websocket';
import Type from 'typebox';
import { assign, setup } from 'xstate';

const machine = setup({
  types: { context: {} as { total: number }, events: {} as { type: 'add'; by: number; at: number } },
  actions: { add: assign({ total: ({ context, event }) => context.total + event.by }) },
}).createMachine({ context: { total: 0 }, on: { add: { actions: 'add' } } });

export const counter = defineKind({
  kind: 'counter',
  version: 1,
  machine,
  commands: (command) => ({
    add: command(Type.Object({ by: Type.Integer() }), ({ snapshot }) => snapshot.context.total),
  }),
  effects: {},
});

export function watch(url: string): SiteSocket {
  return new SiteSocket({ url, credentials: async () => ({ apiKey: 'swk_…' }) });
}

export async function add(bus: Bus): Promise<number> {
  const system = createSystem({ bus, node: 'n1', kinds: [counter] });
  await system.start();
  return system.ask(ref(counter, 'a'), { type: 'add', by: 1 });
}
`;

/** What the compiler must not let pass: were a type \`any\`, it would. */
const MISTAKES = `
import { ref, StatewattError, type ActorSystem } from 'statewatt';
import { counter } from './program.js';

export async function wrong(system: ActorSystem): Promise<void> {
  const unknownCommand = await system.ask(ref(counter, 'a'), { type: 'subtract', by: 1 });
  const wrongField = await system.ask(ref(counter, 'a'), { type: 'add', by: 'one' });
  const wrongReply: string = await system.ask(ref(counter, 'a'), { type: 'add', by: 1 });
  const wrongCategory = new StatewattError('a.b', 'nonsense', 'text');
  console.log(unknownCommand, wrongField, wrongReply, wrongCategory);
}
`;

const RUNNING = `
import { counter } from './program.js';
import { SiteSocket } from 'statewatt/websocket';
import { DEFAULT_POLICY, PARTITIONS, PENDING, StatewattError, connectBus, createSystem, startEmbeddedServer } from 'statewatt';

const server = await startEmbeddedServer({ dataFolder: 'nats', port: 0 });
const bus = await connectBus({ servers: [server.url], name: 'consumer' });
const { add } = await import('./program.js');
console.log(JSON.stringify({
  total: await add(bus),
  kind: counter.kind,
  found: [DEFAULT_POLICY.mailboxCapacity, PARTITIONS, typeof PENDING, typeof StatewattError, typeof createSystem, typeof SiteSocket],
}));
await server.stop();
process.exit(0);
`;

describe('statewatt as a library', function () {
  this.timeout(120_000);
  let folder: { path: string; remove: () => Promise<void> };

  /** The packed package among its dependencies, as \`npm install statewatt\` would leave it. */
  async function install(): Promise<void> {
    const modules = join(folder.path, 'node_modules');
    await mkdir(join(modules, 'statewatt'), { recursive: true });
    const packed = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder.path], {
      cwd: ROOT,
      maxBuffer: 64 * 1024 ** 2,
    });
    const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
    await run('tar', ['-xzf', join(folder.path, filename), '-C', join(modules, 'statewatt'), '--strip-components=1']);
    for (const name of await readdir(join(ROOT, 'node_modules'))) {
      if (name.startsWith('.') || name === 'statewatt') continue;
      await symlink(join(ROOT, 'node_modules', name), join(modules, name));
    }
  }

  before(async () => {
    folder = await tempFolder();
    await install();
    const options = {
      compilerOptions: {
        target: 'ES2023',
        module: 'NodeNext',
        strict: true,
        skipLibCheck: true,
        types: ['node'],
        preserveSymlinks: false,
      },
    };
    await writeFile(join(folder.path, 'package.json'), '{"name": "consumer", "private": true, "type": "module"}\n');
    await writeFile(join(folder.path, 'tsconfig.json'), JSON.stringify(options));
    await writeFile(join(folder.path, 'program.ts'), PROGRAM);
    await writeFile(join(folder.path, 'mistakes.ts'), MISTAKES);
    await writeFile(join(folder.path, 'running.js'), RUNNING);
  });
  after(() => folder.remove());

  it('is packed, installed, type-checked and run by a project of its own', async () => {
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const checked = await run('node', [compiler, '-p', '.'], { cwd: folder.path }).then(
      () => '',
      (error: { stdout: string }) => error.stdout,
    );
    const lines = [...checked.matchAll(/^(\S+)\((\d+),/gm)].map(([, file, line]) => `${file}:${line}`);
    assert.deepEqual(lines, ['mistakes.ts:6', 'mistakes.ts:7', 'mistakes.ts:8', 'mistakes.ts:9'], checked);

    const path = `${process.env.PATH}:${join(ROOT, '.cache/nats-server')}`;
    const { stdout } = await run('node', ['running.js'], { cwd: folder.path, env: { ...process.env, PATH: path } });
    assert.deepEqual(JSON.parse(stdout), {
      total: 1,
      kind: 'counter',
      found: [1_000, 32, 'symbol', 'function', 'function', 'function'],
    });
  });
});
