import { once } from 'node:events';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { WebSocket, WebSocketServer } from 'ws';
import { buildHttpApp } from '../../facade/http/app.js';
import { figure } from '../support/figures.js';
import { FakeClient } from '../../tests/support/fake-client.js';

/**
 * The WebSocket beside a bare echo of `ws`, in one run: messages a second with many under way, the latency of one at a
 * time, and pushes to many subscribers. Clients have a thread of their own.
 *
 *     node dist/load/websocket/main.js [seconds]
 */

const SECONDS = Number(process.argv[2] ?? 5);
const IN_FLIGHT = 200;
const SUBSCRIBERS = 100;

interface Task {
  readonly url: string;
  readonly kind: 'flood' | 'ping' | 'push';
  /** What is sent; an answer is whatever comes back. */
  readonly message: string;
  readonly seconds: number;
}

interface Result {
  readonly perSecond: number;
  readonly meanMs?: number;
  readonly p99Ms?: number;
}

if (isMainThread) await main();
else parentPort?.postMessage(await run(workerData as Task));

async function main(): Promise<void> {
  const raw = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  raw.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
  await once(raw, 'listening');
  const rawUrl = `ws://127.0.0.1:${(raw.address() as { port: number }).port}`;
  const client = new FakeClient();
  const app = buildHttpApp({ client, host: '127.0.0.1' });
  const url = (await app.listen({ host: '127.0.0.1', port: 0 })).replace('http', 'ws');

  const text = '{"jsonrpc":"2.0","id":1,"method":"add","params":{"a":5,"b":3}}';
  const rows: Record<string, Result> = {};
  const measure = async (name: string, task: Omit<Task, 'seconds'>): Promise<void> => {
    rows[name] = await inThread({ ...task, seconds: SECONDS });
  };
  for (const kind of ['flood', 'ping'] as const) {
    await measure(`bare ws echo, ${kind}`, { url: rawUrl, kind, message: text });
    await measure(`/ws/echo, ${kind}`, { url: `${url}/ws/echo`, kind, message: text });
    await measure(`/ws add, ${kind}`, { url: `${url}/ws`, kind, message: text });
    await measure(`bare ws echo again, ${kind}`, { url: rawUrl, kind, message: text });
  }
  const ticking = setInterval(() => client.tick(1_000, 1001), 10);
  const subscribe = '{"id":1,"method":"subscribe","params":{"topic":"points","channel":1001}}';
  await measure(`pushes to ${SUBSCRIBERS} subscribers at 100 Hz`, {
    url: `${url}/ws`,
    kind: 'push',
    message: subscribe,
  });
  clearInterval(ticking);
  const memory = Math.round(process.memoryUsage.rss() / 1024 ** 2);
  await app.close();
  raw.close();
  for (const client of raw.clients) client.terminate();

  console.table(rows);
  const ratio = (kind: string) =>
    (rows[`/ws add, ${kind}`]?.perSecond ?? 0) / (rows[`bare ws echo, ${kind}`]?.perSecond ?? 1);
  console.log(
    `add over bare echo: ${ratio('flood').toFixed(2)} with ${IN_FLIGHT} under way, ${ratio('ping').toFixed(2)} one by one`,
  );
  for (const [what, kind, aim] of [
    [`calls of add, ${IN_FLIGHT} under way`, 'flood', { least: 50_000 }],
    ['calls of add, one by one', 'ping', undefined],
  ] as const) {
    const [ours, bare] = [rows[`/ws add, ${kind}`], rows[`bare ws echo, ${kind}`]];
    const beside = { what: 'bare ws echo', value: bare?.perSecond ?? NaN };
    figure({ what, value: ours?.perSecond ?? NaN, unit: '/s', beside, ...(aim === undefined ? {} : { aim }) });
  }
  const mean = rows['/ws add, ping']?.meanMs ?? NaN;
  figure({ what: 'mean latency, one by one', value: mean, unit: 'ms', aim: { most: 1 } });
  figure({ what: 'memory with both servers', value: memory, unit: 'MB' });
  console.log(`memory of the process with both servers: ${memory} MB`);
}

async function inThread(task: Task): Promise<Result> {
  const worker = new Worker(new URL(import.meta.url), { workerData: task });
  const [result] = (await once(worker, 'message')) as [Result];
  await worker.terminate();
  return result;
}

async function run({ url, kind, message, seconds }: Task): Promise<Result> {
  const sockets = Array.from({ length: kind === 'push' ? SUBSCRIBERS : 1 }, () => new WebSocket(url));
  await Promise.all(sockets.map((socket) => once(socket, 'open')));
  const times: number[] = [];
  let count = 0;
  let sentAt = 0;
  const begun = performance.now();
  const end = begun + seconds * 1_000;
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve) => {
          const send = (): void => {
            sentAt = performance.now();
            socket.send(message);
          };
          socket.on('message', () => {
            const now = performance.now();
            count += 1;
            if (kind === 'ping') times.push(now - sentAt);
            if (now >= end) resolve();
            else if (kind !== 'push') send();
          });
          for (let n = 0; n < (kind === 'flood' ? IN_FLIGHT : 1); n++) send();
        }),
    ),
  );
  const perSecond = Math.round((count * 1_000) / (performance.now() - begun));
  for (const socket of sockets) socket.terminate();
  if (kind !== 'ping') return { perSecond };
  times.sort((a, b) => a - b);
  const meanMs = times.reduce((sum, time) => sum + time, 0) / times.length;
  return { perSecond, meanMs: round(meanMs), p99Ms: round(times[Math.floor(times.length * 0.99)] ?? 0) };
}

function round(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
