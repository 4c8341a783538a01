import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createMeterKind, MAX_READINGS_OF_COMMAND, meterRef, type MeterKind } from '../../../actors/meter.js';
import { meterIdOf } from '../../../actors/meter/meter-id.js';
import { createMinterKind, minterRef } from '../../../actors/minter.js';
import { createMintBatchKind } from '../../../actors/mint-batch.js';
import { createSystem, type ActorSystem } from '../../../actors/runtime/system.js';
import { connectBus, type Bus } from '../../../bus/connection.js';
import { readBatch } from '../../../bus/read-batch.js';
import { findServer } from '../../../bus/server.js';
import { STREAM } from '../../../bus/streams.js';
import { refOfEntry } from '../../../bus/subjects.js';
import type { MinterContext } from '../../../machines/minter.js';
import { SupervisedChild } from '../../../processes/child.js';
import { TestChain } from '../../support/model-chain.js';
import { LIMITS, WALLET } from '../../support/meter.js';
import { eventually, freePort, tempFolder } from '../../support/temp.js';

const MAX_PAYLOAD = 1024 * 1024;
/** The longest that there are: 4 bytes for each character. */
const USER = '😀'.repeat(128);
const KEY = '1'.repeat(32);
const QUARTER_MS = 900_000;

/** With the largest readings there are, on a server that is as it comes: 1 MiB is the most that it takes in a message. */
describe('Journal entries of readings and their batches', function () {
  this.timeout(60_000);
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  let server: SupervisedChild;
  let bus: Bus;
  let system: ActorSystem;
  let meters: MeterKind;
  const chain = new TestChain();
  const minter = () =>
    createMinterKind({
      bus,
      chain,
      settings: () => ({
        ...{ autoMint: true, batchSize: 1_000, pollingIntervalMs: 100 },
        policy: { maxRetries: 10, initialDelayMs: 86_400_000 },
      }),
      meterIdOf,
      lookEveryMs: 20,
    });

  before(async () => {
    folder = await tempFolder();
    const port = await freePort();
    const file = join(folder.path, 'nats-server.conf');
    const store = join(folder.path, 'nats');
    await writeFile(file, `jetstream { store_dir: ${JSON.stringify(store)}, max_file: 128GB, max_mem: 256MB }\n`);
    server = new SupervisedChild({
      name: 'nats-server',
      command: findServer(),
      args: ['-a', '127.0.0.1', '-p', String(port), '-c', file],
      ready: async (running) => {
        await running.line(/Server is ready/);
      },
    });
    await server.start();
    bus = await connectBus({ servers: [`nats://127.0.0.1:${port}`], name: 'limits' });
    assert.equal(bus.nats.info?.max_payload, MAX_PAYLOAD);
    meters = createMeterKind();
    const minterKind = minter();
    chain.hold('build'); // How large entries are is what counts here, not what becomes of them.
    system = createSystem({
      bus,
      kinds: [meters, minterKind, createMintBatchKind(chain)],
      node: 'n1',
      alwaysOn: () => [minterRef(minterKind)],
    });
    await system.start();
  });
  after(async () => {
    await system.stop();
    await bus.close();
    await server.stop(0);
    await folder.remove();
  });

  /** As many readings as one command takes, each as large as can be. */
  async function submit(meter: string, energy: bigint): Promise<void> {
    const ref = meterRef(meters, meter);
    await system.ask(ref, { type: 'register', publicKey: KEY, source: null, wallet: WALLET, user: USER });
    const first = Date.now() - (Date.now() % QUARTER_MS) - (MAX_READINGS_OF_COMMAND + 1) * QUARTER_MS;
    const top = Number.MAX_SAFE_INTEGER - MAX_READINGS_OF_COMMAND;
    const readings = Array.from({ length: MAX_READINGS_OF_COMMAND }, (_, index) => ({
      sequence: top + index,
      start: first + index * QUARTER_MS,
      end: first + (index + 1) * QUARTER_MS,
      energy: (energy + BigInt(index % 7)).toString(),
      ...{ wallet: WALLET, key: KEY, signature: 'x'.repeat(88) },
    }));
    const limits = {
      ...{ ...LIMITS, maxEnergy: (2n ** 64n - 1n).toString() },
      anomaly: { deviations: 0, minReadings: 2 },
    };
    const verdicts = await system.ask(ref, {
      ...{ type: 'submit', submission: 'x'.repeat(256), limits, readings, receivedAt: Date.now() },
    });
    assert.deepEqual(new Set(verdicts.map(({ verdict }) => verdict)), new Set(['accepted']));
  }

  async function collected(readings: number): Promise<MinterContext> {
    return eventually(
      async () => {
        const context = (await system.query({ kind: 'minter', id: 'site' })).context as MinterContext;
        return context.totals.readings === readings ? context : undefined;
      },
      { within: 30_000, what: `${readings} readings in batches` },
    );
  }

  it('fit a message of a server as it comes', async () => {
    // Batches of many readings, then such as make a batch each: no token account holds two of their amounts.
    await submit(`a${'-'.repeat(63)}`, 1n);
    await submit(`b${'-'.repeat(63)}`, 1n);
    await submit(`c${'-'.repeat(63)}`, 2n ** 63n);
    await collected(3 * MAX_READINGS_OF_COMMAND);
    const sizes = new Map<string, number>();
    for (let seq = 1; ;) {
      const messages = await readBatch(bus, STREAM.journal, { seq, batch: 100 });
      for (const { subject, data, seq: at } of messages) {
        const { kind } = refOfEntry(subject);
        sizes.set(kind, Math.max(sizes.get(kind) ?? 0, data.length));
        seq = at + 1;
      }
      if (messages.length < 100) break;
    }
    // Headers count too.
    for (const [kind, size] of sizes) assert.ok(size < MAX_PAYLOAD - 8 * 1024, `${kind}: ${size} bytes`);
    assert.ok((sizes.get('minter') ?? 0) > 700_000, 'these are the largest');
    assert.ok((sizes.get('mint-batch') ?? 0) > 300_000);
  });
});
