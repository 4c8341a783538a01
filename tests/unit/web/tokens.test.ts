import assert from 'node:assert/strict';
import sinon from 'sinon';
import type { LedgerReading } from '../../../actors/client/ledger.js';
import type { MeterEvent } from '../../../actors/client/meter-watch.js';
import { ApiError, ServerAwayError } from '../../../facade/web/src/api.js';
import { HttpLedgerApi, type LedgerApi } from '../../../facade/web/src/ledger-api.js';
import { AccountsStore } from '../../../facade/web/src/state/accounts-store.js';
import { LedgerReadingStore } from '../../../facade/web/src/state/ledger-reading-store.js';
import { LedgerReadingsStore } from '../../../facade/web/src/state/ledger-readings-store.js';
import { MeterEventsStore, type MeterEventsHandlers } from '../../../facade/web/src/state/meter-events-store.js';
import { MintBatchStore, MintingStore } from '../../../facade/web/src/state/minting-store.js';
import { readPages } from '../../../facade/web/src/state/read-pages.js';
import { canRetry, describeEvent, formatTokens } from '../../../facade/web/src/state/token-words.js';
import { FakeLedger } from '../../support/fake-ledger.js';
import { FakeMinting } from '../../support/fake-minting.js';

const T0 = 1_700_000_000_000;
const EVENT: MeterEvent = {
  ...{ type: 'MeterReadingValidated', user_id: 'user1', wallet_address: null, meter_id: 'METER_1' },
  ...{ kwh_amount: '1234.5', timestamp: '2026-01-01T00:00:00.000Z', sequence: 2 },
};

describe('web page: tokens', () => {
  let clock: sinon.SinonFakeTimers;
  let ledger: FakeLedger;
  let minting: FakeMinting;
  let api: sinon.SinonStubbedInstance<LedgerApi>;
  let mayRead: boolean;

  beforeEach(() => {
    clock = sinon.useFakeTimers({ now: T0 });
    ledger = new FakeLedger(T0);
    minting = new FakeMinting(T0);
    mayRead = true;
    api = sinon.createStubInstance(HttpLedgerApi);
    api.totals.callsFake((query) => ledger.totals(query));
    api.accounts.callsFake((query) => ledger.accounts(query));
    api.readings.callsFake((query) => ledger.readings(query));
    api.reading.callsFake((meter, sequence) => ledger.reading(meter, sequence));
    api.minting.callsFake(() => minting.view());
    api.batch.callsFake((id) => minting.batch(id));
    api.hasMeters.resolves(false);
    api.held.resolves([]);
  });
  afterEach(() => clock.restore());

  it('lists accounts with their sums, anew by kind and by text', async () => {
    const store = new AccountsStore(api, () => mayRead);
    store.poll.start();
    await clock.tickAsync(0);
    assert.deepEqual([store.accounts.value[0]?.id, store.totals.value?.minted.readings], ['METER_1', 1]);
    store.show('user');
    assert.equal(store.accounts.value.length, 0, 'no meter is shown as a user');
    await clock.tickAsync(0);
    assert.equal(store.accounts.value[0]?.id, 'user1');
    store.find(' nobody ');
    await clock.tickAsync(250);
    assert.deepEqual(api.accounts.lastCall.args[0], { by: 'user', text: 'nobody', limit: 200 });
    assert.deepEqual([store.accounts.value, store.hasMeters.value], [[], undefined]);
    store.more();
    assert.equal(api.accounts.lastCall.args[0].limit, 1_000);
    store.poll.stop();
  });

  it('knows whether there are meters when nothing is there, but never asks for those who may not', async () => {
    ledger.entries.forEach((entry) => Object.assign(entry, { user: 'other' }));
    const none = { accounts: [], nextCursor: null };
    api.accounts.resolves(none);
    const store = new AccountsStore(api, () => mayRead);
    store.poll.start();
    await clock.tickAsync(0);
    assert.equal(store.hasMeters.value, false);
    mayRead = false;
    await clock.tickAsync(10_000);
    assert.equal(store.hasMeters.value, undefined);
    assert.equal(api.hasMeters.callCount, 1);
    store.poll.stop();
  });

  it('asks soon after events, once for many, and never before it is answered', async () => {
    const store = new AccountsStore(api, () => mayRead);
    store.poll.start();
    await clock.tickAsync(0);
    for (let at = 0; at < 10; at++) {
      store.poll.soon(1_500);
      await clock.tickAsync(100);
    }
    assert.equal(api.totals.callCount, 1);
    await clock.tickAsync(500);
    assert.equal(api.totals.callCount, 2);
    let answer: () => void = () => undefined;
    api.totals.callsFake(async () => {
      await new Promise<void>((resolve) => (answer = resolve));
      return ledger.totals({});
    });
    store.poll.now();
    store.poll.soon(1_500);
    await clock.tickAsync(8_000);
    assert.equal(api.totals.callCount, 3, 'one question at a time');
    answer();
    await clock.tickAsync(1_500);
    assert.equal(api.totals.callCount, 4);
    store.poll.stop();
    store.poll.soon(1_500);
    answer();
    await clock.tickAsync(60_000);
    assert.equal(api.totals.callCount, 4, 'stopped');
  });

  it('follows the readings of one ledger, by status, with why they failed', async () => {
    const store = new LedgerReadingsStore(api, () => mayRead);
    store.poll.start();
    await clock.tickAsync(0);
    assert.equal(api.totals.callCount, 0);
    store.select({ user: 'user1' });
    await clock.tickAsync(0);
    assert.deepEqual([store.readings.value.length, store.totals.value?.pending.readings], [2, 1]);
    store.select({ user: 'user1' });
    assert.equal(store.readings.value.length, 2, 'the same is not asked anew');
    store.more();
    assert.equal(api.readings.lastCall.args[0].limit, 500);
    await clock.tickAsync(0);
    Object.assign(ledger.entries[1] as LedgerReading, { status: 'failed', batch: '9-1' });
    store.show('failed');
    assert.equal(store.readings.value.length, 0);
    await clock.tickAsync(0);
    assert.deepEqual([...store.reasons.value], [['9-1', 'it is not a wallet']]);
    await clock.tickAsync(10_000);
    assert.equal(api.batch.callCount, 1);
    void store.exportUrl;
    assert.deepEqual(api.exportUrl.lastCall.args, [{ user: 'user1', status: 'failed' }]);
    api.readings.rejects(new ServerAwayError('gone'));
    await clock.tickAsync(10_000);
    assert.deepEqual([store.poll.problem.peek(), store.readings.value.length], ['gone', 1]);
    store.poll.stop();
  });

  it('asks an owner’s ledger for nothing else', async () => {
    mayRead = false;
    Object.assign(ledger.entries[1] as LedgerReading, { status: 'failed', batch: '9-1' });
    Object.assign(ledger.entries[0] as LedgerReading, { status: 'held' });
    const store = new LedgerReadingsStore(api, () => mayRead);
    store.poll.start();
    const one = new LedgerReadingStore(api, () => mayRead);
    one.select({ meter: 'METER_1', sequence: 1 });
    await clock.tickAsync(10_000);
    assert.equal(one.reading.value?.status, 'held');
    const asked = [api.batch.callCount, api.held.callCount, api.minting.callCount, api.hasMeters.callCount];
    assert.deepEqual(asked, [0, 0, 0, 0]);
    one.select(undefined);
    store.poll.stop();
  });

  it('follows one reading, and why it is held', async () => {
    const store = new LedgerReadingStore(api, () => mayRead);
    const reading = ledger.entries[1] as LedgerReading;
    Object.assign(reading, { status: 'held' });
    const { sequence, start, end, kwh, tokens, wallet, user } = reading;
    api.held.resolves([{ sequence, start, end, kwh, tokens, wallet, user, at: T0, reason: 'too much' }]);
    store.select({ meter: 'METER_1', sequence: 2 });
    await clock.tickAsync(0);
    assert.equal(store.held.value?.reason, 'too much');
    Object.assign(reading, { status: 'accepted' });
    await clock.tickAsync(5_000);
    assert.deepEqual([store.reading.value?.status, store.held.value], ['accepted', undefined]);
    store.select({ meter: 'METER_1', sequence: 9 });
    await clock.tickAsync(0);
    assert.match(store.poll.problem.value ?? '', /no reading 9/);
    store.select(undefined);
    assert.equal(store.reading.value, undefined);
  });

  it('shows minting, and asks a site that does not mint once', async () => {
    const store = new MintingStore(api);
    store.poll.start();
    await clock.tickAsync(0);
    assert.equal(store.view.value?.open[0]?.state, 'parked');
    api.minting.rejects(new ApiError(503, { code: 'client.unavailable', message: 'no bus' }));
    await clock.tickAsync(5_000);
    assert.equal(store.poll.problem.peek(), 'no bus');
    api.minting.rejects(new ApiError(409, { code: 'mint.off', message: 'this site does not mint' }));
    await clock.tickAsync(5_000);
    assert.equal(store.off.value, 'this site does not mint');
    const asked = api.minting.callCount;
    await clock.tickAsync(60_000);
    assert.equal(api.minting.callCount, asked);
  });

  it('follows a batch, and what a command makes of it', async () => {
    const store = new MintBatchStore(api);
    store.select('9-1');
    await clock.tickAsync(0);
    assert.equal(store.batch.value?.state, 'parked');
    store.put(await minting.retry('9-1'));
    assert.equal(store.batch.value?.state, 'building');
    store.put(await minting.batch('7-1'));
    assert.equal(store.batch.value?.id, '9-1', 'not another');
    store.select(undefined);
    assert.equal(store.batch.value, undefined);
    assert.deepEqual((['parked', 'retrying', 'building', 'settled'] as const).map(canRetry), [
      true,
      true,
      false,
      false,
    ]);
  });

  it('keeps the newest events, and tells that there are some at most a few times a second', async () => {
    let handlers: MeterEventsHandlers | undefined;
    const close = sinon.spy();
    const store = new MeterEventsStore(
      (given) => {
        handlers = given;
        return { close };
      },
      () => clock.now,
    );
    store.onEvents = sinon.spy();
    store.start();
    store.start();
    handlers?.status('open');
    for (let sequence = 0; sequence < 150; sequence++)
      handlers?.update({ events: [{ ...EVENT, sequence }], missed: false });
    await clock.tickAsync(200);
    sinon.assert.calledOnce(store.onEvents as sinon.SinonSpy);
    const { events } = store;
    assert.deepEqual([events.value.length, events.value[0]?.event.sequence, store.isLive.value], [100, 149, true]);
    handlers?.update({ events: [{ ...EVENT, type: 'MeterReadingReceived' }], missed: false });
    await clock.tickAsync(200);
    assert.equal(events.value[0]?.event.sequence, 149, 'what is told twice is shown once');
    handlers?.update({ events: [EVENT], missed: false });
    store.stop();
    await clock.tickAsync(1_000);
    assert.equal((store.onEvents as sinon.SinonSpy).callCount, 2);
    sinon.assert.calledOnce(close);
    assert.deepEqual([events.value.length, store.isLive.value], [100, false]);
  });

  it('reads as many pages as it wants and no more', async () => {
    const asked: unknown[] = [];
    const ask = (page: { limit: number; cursor?: string }) => {
      asked.push(page);
      return Promise.resolve({ items: new Array<number>(page.limit).fill(1), nextCursor: 'next' });
    };
    const { items, nextCursor } = await readPages(2_500, ask);
    assert.deepEqual([items.length, nextCursor], [2_500, 'next']);
    assert.deepEqual(asked, [{ limit: 1_000 }, { limit: 1_000, cursor: 'next' }, { limit: 500, cursor: 'next' }]);
    assert.deepEqual(await readPages(5, () => Promise.resolve({ items: [1], nextCursor: null })), {
      ...{ items: [1], nextCursor: null },
    });
  });

  it('says amounts whole, and events in words', () => {
    assert.deepEqual(
      [formatTokens('1234500000000', 9), formatTokens('1', 9), formatTokens('7', 0)],
      ['1\u2009234.5', '0.000000001', '7'],
    );
    const said = (more: Partial<MeterEvent>) => describeEvent({ ...EVENT, ...more }, 9).replaceAll('\u2009', ' ');
    assert.equal(said({ type: 'MeterReadingReceived' }), '1 234.5 kWh received');
    assert.equal(said({}), '1 234.5 kWh accepted');
    assert.equal(said({ type: 'MeterReadingReceived', held: true }), '1 234.5 kWh held for a person');
    assert.equal(
      said({ type: 'MeterReadingValidationFailed', error_reason: 'too old' }),
      '1 234.5 kWh rejected: too old',
    );
    assert.equal(said({ type: 'TokensMinted', tokens_minted: '1500000000' }), '1 234.5 kWh minted: 1.5 tokens');
    assert.equal(said({ type: 'MintFailed' }), '1 234.5 kWh not minted: no reason was told');
    assert.equal(
      said({ type: 'BatchMintingCompleted', total: 3, successful: 2, failed: 1 }),
      'batch of 3 readings, 1 234.5 kWh: 2 minted, 1 failed',
    );
  });

  it('asks the server in its own words', async () => {
    const asked: [string, unknown][] = [];
    const http = new HttpLedgerApi({
      ask: (url, options) => {
        asked.push([url, options?.post]);
        return Promise.resolve({ meters: [], held: [] });
      },
    });
    await http.totals({});
    await http.accounts({ by: 'user', text: 'a b' });
    await http.readings({ meter: 'M:1', status: 'held' });
    await http.reading('M:1', 7);
    await http.minting();
    await http.mint();
    await http.batch('9-1');
    await http.retry('9-1');
    assert.equal(await http.hasMeters(), false);
    assert.deepEqual(await http.held('M:1'), []);
    await http.decide('M:1', 'refuse', 7, 'ann');
    assert.deepEqual(asked, [
      ['/api/v1/ledger/totals', undefined],
      ['/api/v1/ledger/accounts?by=user&text=a+b', undefined],
      ['/api/v1/ledger/readings?meter=M%3A1&status=held', undefined],
      ['/api/v1/ledger/readings/M%3A1/7', undefined],
      ['/api/v1/minting', undefined],
      ['/api/v1/minting/mint', {}],
      ['/api/v1/minting/batches/9-1', undefined],
      ['/api/v1/minting/batches/9-1/retry', {}],
      ['/api/v1/meters?limit=1', undefined],
      ['/api/v1/meters/M%3A1/held', undefined],
      ['/api/v1/meters/M%3A1/refuse', { sequence: 7, by: 'ann' }],
    ]);
    assert.equal(http.exportUrl({ user: 'anna' }), '/api/v1/ledger/export?user=anna');
    assert.equal(http.exportUrl({}), '/api/v1/ledger/export');
  });
});
