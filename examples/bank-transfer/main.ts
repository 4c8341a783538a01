import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectBus, startEmbeddedServer } from 'statewatt';
import { Bank } from './bank.js';

// `npm run example:bank-transfer`: a node of a bank dies in the middle of its transfers; another brings them to their end.

const CUSTOMERS = ['ada', 'bert', 'clara', 'dora'];
const START = 100_00;
const TRANSFERS = 200;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function startBank(url: string, node: string) {
  const bus = await connectBus({ servers: [url], name: node });
  const bank = new Bank(bus, node);
  await bank.system.start();
  return { bank, bus };
}

async function settled(bank: Bank): Promise<void> {
  while ((await bank.underWay()).length > 0) await new Promise((resolve) => setTimeout(resolve, 100));
}

async function printBalances(bank: Bank): Promise<void> {
  let sum = 0;
  for (const name of ['vault', ...CUSTOMERS]) {
    const balance = await bank.balance(name);
    sum += balance;
    say(`  ${name.padEnd(6)} ${(balance / 100).toFixed(2).padStart(10)}`);
  }
  say(`  sum    ${(sum / 100).toFixed(2).padStart(10)}`);
}

/** The first node, in a process of its own: accepts the transfers and is killed before they are done. */
async function firstNode(url: string): Promise<void> {
  const { bank } = await startBank(url, 'first');
  await bank.open('vault', Number.MAX_SAFE_INTEGER);
  for (const name of CUSTOMERS) {
    await bank.open(name);
    await bank.transfer(`start-${name}`, { from: 'vault', to: name, amount: START });
  }
  await settled(bank);
  say('Everybody has something now:');
  await printBalances(bank);
  const accepted = Array.from({ length: TRANSFERS }, (_, index) =>
    bank.transfer(`t${index}`, {
      from: CUSTOMERS[index % CUSTOMERS.length] as string,
      to: CUSTOMERS[(index * 7 + 1) % CUSTOMERS.length] as string,
      amount: 100 + index,
    }),
  );
  await Promise.all(accepted);
  say(`\n${TRANSFERS} transfers accepted; the node dies with ${(await bank.underWay()).length} of them under way.`);
  process.kill(process.pid, 'SIGKILL');
}

/** The server and the second node. */
async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'bank-'));
  const server = await startEmbeddedServer({ dataFolder: folder, port: 0 });
  await once(fork(import.meta.filename, [server.url]), 'exit');
  const { bank, bus } = await startBank(server.url, 'second');
  await settled(bank);
  const ends = new Map<string, number>();
  for (let index = 0; index < TRANSFERS; index++) {
    const end = await bank.state(`t${index}`);
    ends.set(end, (ends.get(end) ?? 0) + 1);
  }
  say(`Another node brought them to their ends: ${[...ends].map(([end, count]) => `${count} ${end}`).join(', ')}.`);
  await printBalances(bank);
  await bank.system.stop();
  await bus.close();
  await server.stop();
  await rm(folder, { recursive: true });
}

const [url] = process.argv.slice(2);
await (url === undefined ? main() : firstNode(url));
