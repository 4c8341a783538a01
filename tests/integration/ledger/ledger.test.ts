import assert from 'node:assert/strict';
import { meterActorId } from '../../../actors/meter/meter-id.js';
import { LedgerProjection } from '../../../actors/projections/ledger.js';
import type { Bus } from '../../../bus/connection.js';
import type { JournalEntry } from '../../../bus/messages.js';
import { STREAM } from '../../../bus/streams.js';
import { makeRef, subjects, type Ref } from '../../../bus/subjects.js';
import { codecs } from '../../../bus/topics.js';
import { Ledger } from '../../../node/ledger.js';
import { LedgerStore, type VersionedRow } from '../../../protocols/clickhouse/ledger/store.js';
import type { MintBatchState } from '../../../site/minting/batch.js';
import type { MintItem } from '../../../site/minting/item.js';
import { mintItem, walletAddress } from '../../support/minting.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';
import { startTestEngine, type TestEngine } from '../history/engine.js';

const MAX = (2n ** 64n - 1n).toString();

function row(owner: number, sequence: number, more: Partial<VersionedRow> = {}): VersionedRow {
  const standing = { status: 'accepted' as const, batch: '', signature: '', since: 1_763_735_000_000 };
  return { ...mintItem(owner, sequence), ...standing, version: sequence, ...more };
}

describe('ledger', function () {
  this.timeout(60_000);
  let engine: TestEngine;
  let databases = 0;
  const open: { close(): Promise<void> }[] = [];
  before(async () => {
    engine = await startTestEngine();
  });
  after(async () => {
    for (const each of open) await each.close();
    await engine.stop();
  });

  async function newStore(): Promise<LedgerStore> {
    const database = `ledger${++databases}`;
    await engine.client('default').command({ query: `CREATE DATABASE ${database}` });
    const store = new LedgerStore({ url: engine.engine.url, database });
    open.push(store);
    await store.prepare();
    return store;
  }

  describe('store', () => {
    let store: LedgerStore;
    let ledger: Ledger;
    const progress = { stream: 's', base: 0, meters: 9, batches: 7, written: 1 };
    before(async () => {
      store = await newStore();
      await store.prepare();
      ledger = new Ledger(store, { bus: undefined as unknown as Bus });
      await store.append(
        [
          ...[1, 2, 3, 4, 5].map((sequence) => row(1, sequence)),
          row(2, 1, { status: 'held', tokens: MAX, energy: MAX }),
          row(2, 2, { status: 'refused', tokens: MAX, energy: MAX }),
        ],
        progress,
      );
      const batch = { status: 'minted' as const, batch: '7-1', signature: 'sig7', since: 1_763_735_001_000 };
      const later = [row(1, 1, { ...batch, version: 20 }), row(1, 2, { ...batch, version: 20 })];
      await store.append(later, { ...progress, written: 2 });
      // What is written again, and late, changes nothing.
      await store.append([row(1, 1), row(1, 2)], { ...progress, written: 3 });
      await store.append(later, { ...progress, meters: 10, written: 4 });
      await store.append([row(1, 3, { status: 'failed', batch: '8-1', version: 21 })], { ...progress, written: 5 });
    });

    it('keeps the newest row of each reading, whatever comes again', async () => {
      const { minted, pending, failed } = await ledger.totals({ user: 'user1' });
      assert.deepEqual(minted, { readings: 2, kwh: '2', tokens: '2000000000' });
      assert.deepEqual(pending, { readings: 2, kwh: '2', tokens: '2000000000' });
      assert.deepEqual(failed, { readings: 1, kwh: '1', tokens: '1000000000' });
      const { status, batch, signature, since } = await ledger.reading('METER_1', 1);
      assert.deepEqual([status, batch, signature, since], ['minted', '7-1', 'sig7', 1_763_735_001_000]);
      assert.equal((await ledger.reading('METER_1', 1, 'user1')).user, 'user1');
      await assert.rejects(ledger.reading('METER_1', 1, 'user2'), { code: 'ledger.not_found' });
      await assert.rejects(ledger.reading('METER_1', 6), { code: 'ledger.not_found' });
      assert.deepEqual(await store.progress(), { ...progress, written: 5 });
      assert.equal(await store.last('METER_1'), 5);
      assert.equal(await store.last('METER_9'), undefined);
      assert.deepEqual([...(await store.minted())], [['7-1', 2_000_000_000n]]);
    });

    it('sums amounts beyond 64 bits', async () => {
      const { held, refused } = await ledger.totals({ wallet: walletAddress(2) });
      assert.deepEqual([held.tokens, refused.tokens], [MAX, MAX]);
      const all = await store.sums({});
      assert.equal(
        all.reduce((sum, { tokens }) => sum + tokens, 0n),
        2n * BigInt(MAX) + 5_000_000_000n,
      );
    });

    for (const filter of [{ user: 'user1' }, { wallet: walletAddress(1) }, { meter: 'METER_1' }, {}]) {
      it(`pages through readings of ${JSON.stringify(Object.keys(filter))}, both ways`, async () => {
        for (const order of ['newest', 'oldest'] as const) {
          const found: string[] = [];
          let cursor: string | undefined;
          do {
            const page = await ledger.readings({
              ...filter,
              order,
              limit: 2,
              ...(cursor === undefined ? {} : { cursor }),
            });
            found.push(...page.readings.map(({ meter, sequence }) => `${meter}/${sequence}`));
            cursor = page.nextCursor ?? undefined;
          } while (cursor !== undefined);
          const expected = [1, 2, 3, 4, 5].map((sequence) => `METER_1/${sequence}`);
          if (Object.keys(filter).length === 0) expected.push('METER_2/1', 'METER_2/2');
          assert.deepEqual(found, order === 'oldest' ? expected : expected.reverse());
        }
      });
    }

    it('sums accounts by user, wallet and meter, page by page, by text', async () => {
      const ids = async (query: Parameters<typeof ledger.accounts>[0]) =>
        (await ledger.accounts(query)).accounts.map(({ id }) => id);
      const [first, second] = (await ledger.accounts({})).accounts;
      assert.deepEqual(
        [first?.id, first?.user, first?.wallet, first?.meters, first?.latest],
        ['METER_1', 'user1', walletAddress(1), 1, mintItem(1, 5).end],
      );
      assert.deepEqual(first?.minted, { readings: 2, kwh: '2', tokens: '2000000000' });
      assert.deepEqual([first.pending.readings, first.failed.readings, first.held.readings], [2, 1, 0]);
      assert.deepEqual([second?.held.tokens, second?.refused.tokens], [MAX, MAX]);
      assert.deepEqual(await ids({ by: 'user' }), ['user1', 'user2']);
      assert.deepEqual(await ids({ by: 'wallet', user: 'user2' }), [walletAddress(2)]);
      assert.deepEqual(await ids({ text: 'eR_2' }), ['METER_2']);
      assert.deepEqual(await ids({ by: 'meter', text: 'USER1' }), ['METER_1'], 'by whose it is');
      assert.deepEqual(await ids({ text: "'%" }), []);
      assert.deepEqual(await ids({ by: 'user', to: mintItem(1, 1).end }), []);
      const { nextCursor } = await ledger.accounts({ by: 'user', limit: 1 });
      assert.deepEqual(await ids({ by: 'user', cursor: nextCursor ?? '' }), ['user2']);
      for (const cursor of [nextCursor ?? '', 'x', Buffer.from('["meter"]').toString('base64url')])
        await assert.rejects(ledger.accounts({ cursor }), { code: 'ledger.invalid_cursor' });
      assert.equal((await ledger.totals({})).decimals, 9);
    });

    it('finds readings by status as it is now, and by time', async () => {
      const of = async (query: Parameters<typeof ledger.readings>[0]) =>
        (await ledger.readings({ order: 'oldest', ...query })).readings.map(({ sequence }) => sequence);
      assert.deepEqual(await of({ user: 'user1', status: 'minted' }), [1, 2]);
      assert.deepEqual(await of({ user: 'user1', status: 'accepted' }), [4, 5]);
      assert.deepEqual(await of({ meter: 'METER_1', user: 'user2' }), []);
      const { end } = mintItem(1, 3);
      assert.deepEqual(await of({ user: 'user1', from: end }), [3, 4, 5]);
      assert.deepEqual(await of({ meter: 'METER_1', to: end }), [1, 2]);
    });

    it('refuses cursors that are none, or of other readings', async () => {
      const { nextCursor } = await ledger.readings({ user: 'user1', limit: 1 });
      for (const cursor of [nextCursor ?? '', 'x', Buffer.from('["meter","m","1x"]').toString('base64url')]) {
        await assert.rejects(ledger.readings({ meter: 'METER_1', cursor }), { code: 'ledger.invalid_cursor' });
      }
    });

    it('writes a file of CSV', async () => {
      const pieces: Uint8Array[] = [];
      for await (const piece of ledger.export({ user: 'user1' }, new AbortController().signal)) pieces.push(piece);
      const [titles, first = '', ...rest] = Buffer.concat(pieces).toString().trimEnd().split('\n');
      assert.match(
        titles ?? '',
        /^meter,sequence,start,end,energy_uwh,tokens,wallet,user,status,batch,signature,since$/,
      );
      assert.match(first, /^"METER_1",1,"2025-11-21T14:15:00.000Z",.*,1000000000,1000000000,.*"minted","7-1","sig7",/);
      assert.equal(rest.length, 4);
    });
  });

  describe('projection of the journal', () => {
    let nats: TestNats;
    let bus: Bus;
    before(async () => {
      nats = await startNats();
      bus = await nats.connect('n1');
    });
    after(() => nats.stop());

    async function journal(to: Ref, entry: Pick<JournalEntry, 'event' | 'effects'>): Promise<void> {
      const whole = { ...entry, at: Date.now(), machine: 1, traceparent: '', node: 'n1' };
      await bus.jetstream.publish(subjects.journal(to), codecs.journal.encode(whole));
    }
    const meter = (id: string, type: string, ...items: MintItem[]) =>
      journal(makeRef('meter', meterActorId(id)), {
        event: { type: 'submit' },
        effects: [{ type, params: { items } }],
      });
    const batch = (id: string, type: string, state: MintBatchState, items?: MintItem[]) =>
      journal(makeRef('mint-batch', id), {
        event: { type, ...(items === undefined ? {} : { items }) },
        effects: [{ type: 'announce', params: { batch: { id, state, since: 5, transaction: { signature: 'sig' } } } }],
      });

    it('follows readings from their meter to the chain, also behind a projection that has ended', async () => {
      const store = await newStore();
      const ledger = new Ledger(store, { bus, lookEveryMs: 20 });
      const is = (id: string, sequence: number, status: string, batchId: string | null) =>
        eventually(async () => {
          const found = await ledger.reading(id, sequence).catch(() => undefined);
          return found?.status === status && found.batch === batchId ? found : undefined;
        });
      const items = [1, 2, 3, 4].map((sequence) => ({ ...mintItem(7, sequence), meter: 'M-7.a' }));
      const [one, two, three, four] = items as [MintItem, MintItem, MintItem, MintItem];
      await ledger.write(true);
      await meter('M-7.a', 'accepted', one, two);
      await meter('M-7.a', 'held', three, four);
      await is('M-7.a', 2, 'accepted', null);
      await is('M-7.a', 4, 'held', null);
      await meter('M-7.a', 'released', three);
      await meter('M-7.a', 'refused', four);
      await batch('9-1', 'collect', 'building', [one, two, three]);
      await is('M-7.a', 3, 'minting', '9-1');
      await is('M-7.a', 4, 'refused', null);
      await ledger.write(false);

      await batch('9-1', 'failed', 'split');
      await batch('9-1-1', 'collect', 'building', [one]);
      await batch('9-1-1', 'failed', 'parked');
      await batch('9-1-2', 'collect', 'building', [two, three]);
      await batch('9-1-2', 'signed', 'submitting');
      await ledger.write(true);
      await is('M-7.a', 1, 'failed', '9-1-1');
      await is('M-7.a', 2, 'minting', '9-1-2');
      await ledger.write(false);
      // Another one that does not remember the batches' readings.
      await batch('9-1-2', 'confirmed', 'settled');
      await batch('9-1-1', 'retry', 'building');
      await ledger.write(true);
      assert.equal((await is('M-7.a', 3, 'minted', '9-1-2')).signature, 'sig');
      assert.equal((await is('M-7.a', 1, 'minting', '9-1-1')).signature, null);
      const { minted, pending } = await ledger.totals({ meter: 'M-7.a' });
      assert.deepEqual([minted.readings, pending.readings], [2, 1]);
      await ledger.write(false);
    });

    it('writes what a journal that was made anew says over what the former said', async () => {
      const target = await newStore();
      await target.append([row(3, 1, { version: 900 })], {
        ...{ stream: 'a former one', base: 0, meters: 900, batches: 0, written: 4 },
      });
      const projection = new LedgerProjection({ bus, target, lookEveryMs: 20 });
      projection.start();
      await meter('METER_3', 'refused', mintItem(3, 1));
      await eventually(async () => {
        const [found] = await target.readings('METER_3', [1]);
        return found?.status === 'refused' ? true : undefined;
      });
      await projection.stop();
      const after = await target.progress();
      const { created } = await bus.manager.streams.info(STREAM.journal);
      assert.deepEqual([after?.stream, after?.base], [created, 900]);
    });

    it('goes on when the database is back', async () => {
      const target = await newStore();
      const troubles: (string | null)[] = [];
      let failing = true;
      const projection = new LedgerProjection({
        ...{ bus, lookEveryMs: 20, onTrouble: (error) => troubles.push(error) },
        target: {
          progress: () => target.progress(),
          append: (rows, progress) => (failing ? Promise.reject(new Error('away')) : target.append(rows, progress)),
        },
      });
      projection.start();
      await eventually(() => Promise.resolve(projection.lastError === 'away' ? true : undefined));
      failing = false;
      await eventually(() => Promise.resolve(projection.lastError === null ? true : undefined));
      await projection.stop();
      assert.deepEqual(troubles, ['away', null]);
    });
  });
});
