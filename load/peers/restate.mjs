// Restate's virtual objects as durable counters: `node restate.mjs <actors> <callers> <seconds>`. Its server and the
// handlers are processes of their own, callers ask over HTTP. Prints what callers.ts measures, as JSON.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { measureCallers } from '../../dist/load/actors/callers.js';

const [actors, callers, seconds] = process.argv.slice(2).map(Number);

/** A free port of 127.0.0.1. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The server's program for this platform; the package's own wrapper would outlive a kill. */
function program() {
  const found = createRequire(import.meta.url).resolve(
    `@restatedev/restate-server-${process.platform}-${process.arch}/package.json`,
  );
  return join(dirname(found), 'bin', 'restate-server');
}

async function until(what, ask) {
  for (const end = Date.now() + 60_000; ;) {
    if (await ask().catch(() => false)) return;
    if (Date.now() > end) throw new Error(`${what}: not within a minute`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const [ingress, admin, node, handlers] = [await freePort(), await freePort(), await freePort(), await freePort()];
const folder = await mkdtemp(join(tmpdir(), 'statewatt-restate-'));
const handler = spawn(process.execPath, [join(import.meta.dirname, 'restate-counter.mjs'), String(handlers)], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
const server = spawn(program(), ['--base-dir', folder], {
  stdio: ['ignore', 'ignore', 'ignore'],
  env: {
    ...process.env,
    RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
    RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
    RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
    RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${node}`,
    RESTATE_DISABLE_TELEMETRY: 'true',
  },
});
try {
  await until('restate-server', async () => (await fetch(`http://127.0.0.1:${admin}/health`)).ok);
  await until('its handlers', async () => {
    const answer = await fetch(`http://127.0.0.1:${admin}/deployments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ uri: `http://127.0.0.1:${handlers}` }),
    });
    return answer.ok;
  });
  const add = async (index) => {
    const answer = await fetch(`http://127.0.0.1:${ingress}/counter/c${index % actors}/add`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '1',
    });
    if (!answer.ok) throw new Error(`restate: ${answer.status} ${await answer.text()}`);
    await answer.json();
  };
  await until('the first call', async () => add(0).then(() => true));
  console.log(JSON.stringify(await measureCallers(callers, seconds, add)));
} finally {
  server.kill('SIGKILL');
  handler.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
process.exit(0);
