import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LocalMinting } from '../../../actors/mint/local-minting.js';
import { meterActorId } from '../../../actors/meter/meter-id.js';
import { connectBus } from '../../../bus/connection.js';
import type { MeterEvent } from '../../../actors/client/meter-watch.js';
import type { JournalEntry } from '../../../bus/messages.js';
import { makeRef, subjects } from '../../../bus/subjects.js';
import { codecs } from '../../../bus/topics.js';
import type { RunningNode } from '../../../node/node.js';
import { newWallets } from '../../support/chain.js';
import { mintItem } from '../../support/minting.js';
import { startTestNode } from '../../support/node.js';
import { eventually, tempFolder } from '../../support/temp.js';

describe('minting of a node', function () {
  this.timeout(120_000);
  let folder: { path: string; remove: () => Promise<void> };
  let node: RunningNode;

  before(async () => {
    folder = await tempFolder();
    const site = 'site: s\nchannels: []\ntokenization: { auto_mint_enabled: false }\n';
    await writeFile(join(folder.path, 'site.yaml'), site);
    node = (await startTestNode(folder.path)).node;
  });
  after(async () => {
    await node.stop();
    await folder.remove();
  });

  /** What the journal of a meter says of readings that it accepts. */
  async function accept(wallets: readonly string[]): Promise<void> {
    const bus = await connectBus({ servers: [node.natsUrl], name: 'meter' });
    const items = wallets.map((wallet, index) => ({ ...mintItem(index, index + 1, 7n), wallet }));
    const entry: JournalEntry = {
      event: { type: 'submit' },
      effects: [{ type: 'accepted', params: { items } }],
      ...{ at: Date.now(), machine: 1, traceparent: '', node: 'meter' },
    };
    const to = subjects.journal(makeRef('meter', meterActorId('METER.1')));
    await bus.jetstream.publish(to, codecs.journal.encode(entry));
    await bus.close();
  }

  it('mints what meters have accepted when it is told to, shows what it cost, and knows it after a restart', async () => {
    const told: MeterEvent[] = [];
    const listening = new AbortController();
    const heard = (async () => {
      for await (const { events } of node.client.metering.watch({ meters: ['METER.1'] }, listening.signal))
        told.push(...events);
    })();
    await accept(newWallets(2));
    const waiting = await eventually(async () => {
      const view = await node.client.minting.view();
      return view.waiting === 2 ? view : undefined;
    });
    assert.deepEqual([waiting.auto, waiting.told, waiting.minted], [false, null, 0]);
    await node.client.minting.mint();
    const minted = await eventually(
      async () => {
        const view = await node.client.minting.view();
        return view.minted === 2 && !view.wanted ? view : undefined;
      },
      { within: 60_000 },
    );
    assert.equal(minted.tokens, '14');
    assert.equal(minted.feesPaid, minted.feesEstimated);
    await eventually(() => (told.length === 2 ? true : undefined), { within: 20_000, what: 'both events' });
    listening.abort();
    await heard;
    const id = minted.recent[0]?.id ?? '';
    const batch = await node.client.minting.batch(id);
    assert.deepEqual([batch.state, batch.items[0]?.meter], ['settled', 'METER.1']);
    const reading = await eventually(async () => {
      const { readings } = await node.client.ledger.readings({ meter: 'METER.1', status: 'minted' });
      return readings.length === 2 ? readings[0] : undefined;
    });
    assert.deepEqual([reading.batch, reading.signature], [id, batch.transaction?.signature]);
    assert.deepEqual(
      told.map(({ type, transaction_signature, batch_id }) => [type, transaction_signature, batch_id]),
      new Array(2).fill(['TokensMinted', batch.transaction?.signature, id]),
    );
    const { found, chain, journal, ledger } = await node.client.minting.reconcile();
    assert.deepEqual([found, chain, journal, ledger], [0, '14', '14', '14']);
    await assert.rejects(node.client.minting.retry(id), { code: 'mint.state' });
    await assert.rejects(node.client.minting.batch('nothing'), { code: 'mint.not_found' });
    assert.equal((await node.client.minting.auto(true)).auto, true);

    await node.stop();
    node = (await startTestNode(folder.path)).node;
    const again = await eventually(async () => {
      const view = await node.client.minting.view();
      return view.auto ? view : undefined;
    });
    assert.deepEqual([again.minted, again.tokens, again.open], [2, '14', []]);
    await accept(newWallets(1));
    await node.client.minting.mint();
    await eventually(async () => ((await node.client.minting.view()).minted === 3 ? true : undefined), {
      within: 60_000,
    });
  });

  it('is off where nothing says how readings become tokens', async () => {
    await assert.rejects(new LocalMinting(undefined).view(), { code: 'mint.off' });
  });
});
