import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reading, ReadingsReply } from '../../../actors/client/metering.js';
import type { MintingView } from '../../../actors/client/minting.js';
import { connectBus } from '../../../bus/connection.js';
import { checkMinting, type WorthReading } from '../../../chaos/checks/minting.js';
import { readChainMints, readMintJournals } from '../../../chaos/minting/facts.js';
import { startEmbeddedChain } from '../../../protocols/solana/embedded/start.js';
import { ensureMint } from '../../../protocols/solana/mint-account.js';
import { signerFromFile } from '../../../protocols/solana/signer.js';
import { parseKilowattHours } from '../../../site/metering/energy.js';
import { newWallets } from '../../support/chain.js';
import { SigningMeter } from '../../support/signed-readings.js';
import { SiteProcess } from '../../support/site-process.js';
import { eventually, tempFolder } from '../../support/temp.js';

const SITE = `
site: s
channels: []
tokenization: { polling_interval_secs: 1, batch_size: 10, initial_retry_delay_secs: 1, anomaly_deviations: 0 }
`;
const METERS = 6;
const PATIENCE = { within: 60_000 };

describe('readings, from a signed request to tokens on the chain', function () {
  this.timeout(180_000);
  let folder: { path: string; remove: () => Promise<void> };
  let site: SiteProcess;
  const wallets = newWallets(METERS);
  const meters = wallets.map((_, index) => new SigningMeter(`M${index}`, Date.now() - 48 * 3_600_000));

  before(async () => {
    folder = await tempFolder();
    await writeFile(join(folder.path, 'site.yaml'), SITE);
    site = await SiteProcess.start({ site: folder.path });
  });
  after(async () => {
    await site?.close();
    await folder.remove();
  });

  async function post<T>(path: string, body: unknown): Promise<T> {
    const answer = await fetch(`${site.url}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    if (!answer.ok) throw site.failure(`POST ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }
  const submit = (readings: readonly Reading[]): Promise<ReadingsReply> => post('/readings/batch', { readings });
  const minting = (): Promise<MintingView> => site.get('/api/v1/minting');
  /** Until all that was accepted is settled. */
  const settled = (readings: number): Promise<MintingView> =>
    eventually(
      async () => {
        const view = await minting();
        return view.minted === readings ? view : undefined;
      },
      { ...PATIENCE, what: `${readings} readings minted` },
    );

  it('mints each once, to the base unit, through a kill of every process and a restart', async () => {
    for (const [index, meter] of meters.entries()) {
      const wallet = wallets[index] as string;
      await post('/meters', { id: meter.id, publicKey: meter.publicKey, wallet, user: `user${index % 3}` });
    }
    const batch = (each: number): Reading[] =>
      meters.flatMap((meter) => Array.from({ length: each }, (_, index) => meter.next(`1.00000${index + 1}`)));
    const first = batch(20);
    const forged = { ...(first[0] as Reading), kwh: '99' };
    const reply = await submit([...first, forged]);
    assert.deepEqual([reply.accepted, reply.rejected, reply.failed], [first.length, 1, 0]);

    await eventually(async () => ((await minting()).moving > 0 ? true : undefined), PATIENCE);
    await site.kill({ everything: true });
    await site.start();
    const again = await submit(first);
    assert.deepEqual([again.accepted, again.duplicates], [first.length, first.length]);
    const second = batch(5);
    assert.equal((await submit(second)).accepted, second.length);
    const readings = [...first, ...second];
    const { tokens, open } = await settled(readings.length);
    const worth = readings.map(({ kwh }) => parseKilowattHours(kwh)); // 1 µWh is a base unit.
    assert.equal(tokens, worth.reduce((sum, each) => sum + each, 0n).toString());
    assert.deepEqual(open, []);

    const bus = await connectBus({ servers: [site.natsUrl], name: 'test', ensureStreams: false });
    const journals = await readMintJournals(bus);
    await bus.close();
    await site.stop();
    // The address of the chain is a secret of the site; what it has written can be read when the site is down.
    const chain = await startEmbeddedChain({ dataFolder: join(site.data, 'chain') });
    try {
      const signer = await signerFromFile(join(site.data, 'authority.json'));
      const mint = await ensureMint({ url: chain.url, signer, decimals: 9 });
      const accepted = readings.map(({ meter, sequence }, index): WorthReading => {
        const wallet = wallets[Number(meter.slice(1))] as string;
        return { id: `${meter}/${sequence}`, wallet, tokens: worth[index] as bigint };
      });
      const chainMints = await readChainMints(chain.url, mint, wallets);
      const verdicts = checkMinting({ ...journals, accepted, chain: chainMints });
      assert.deepEqual(
        verdicts.flatMap(({ violations }) => violations),
        [],
      );
    } finally {
      await chain.stop();
    }
  });
});
