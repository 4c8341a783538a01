import assert from 'node:assert/strict';
import sinon from 'sinon';
import type { LedgerAccountsPage, LedgerPage, LedgerReading, LedgerTotals } from '../../../actors/client/ledger.js';
import { buildHttpApp, type HttpApp } from '../../../facade/http/app.js';
import { WALLET } from '../../support/meter.js';
import { FakeClient } from '../../support/fake-client.js';

describe('HTTP: ledger', () => {
  let client: FakeClient;
  let app: HttpApp;
  beforeEach(() => {
    client = new FakeClient();
    app = buildHttpApp({ client, host: '127.0.0.1' });
  });
  afterEach(async () => {
    sinon.restore();
    await app.close();
  });

  it('answers readings, one of them, and sums', async () => {
    const asked = sinon.spy(client.ledger, 'readings');
    const page = await app.inject('/api/v1/ledger/readings?user=user1&status=minted&from=5&limit=7');
    assert.equal(page.json<LedgerPage>().readings[0]?.signature, 'sig7');
    const query = { ...asked.lastCall.args[0] };
    assert.deepEqual(query, { user: 'user1', status: 'minted', from: 5, limit: 7, order: 'newest' });
    const one = await app.inject('/api/v1/ledger/readings/METER_1/2');
    assert.equal(one.json<LedgerReading>().batch, null);
    assert.equal((await app.inject('/api/v1/ledger/readings/METER_1/3')).statusCode, 404);
    assert.equal((await app.inject('/api/v1/ledger/readings/METER_1/x')).statusCode, 400);
    assert.equal((await app.inject('/api/v1/ledger/readings?status=lost')).statusCode, 400);
    const totals = await app.inject('/api/v1/ledger/totals?wallet=' + WALLET);
    assert.equal(totals.json<LedgerTotals>().minted.tokens, '1000000000');
    assert.equal(totals.json<LedgerTotals>().decimals, 9);
  });

  it('answers accounts with their sums', async () => {
    const asked = sinon.spy(client.ledger, 'accounts');
    const page = await app.inject('/api/v1/ledger/accounts?by=user&text=USER&limit=7');
    assert.deepEqual({ ...asked.lastCall.args[0] }, { by: 'user', text: 'USER', limit: 7 });
    const [account] = page.json<LedgerAccountsPage>().accounts;
    assert.deepEqual([account?.id, account?.minted.tokens, account?.held.readings], ['user1', '1000000000', 0]);
  });

  it('sends a file of CSV piece by piece', async () => {
    const csv = await app.inject('/api/v1/ledger/export?user=user1');
    assert.equal(csv.headers['content-type'], 'text/csv; charset=utf-8');
    assert.equal(csv.headers['content-disposition'], 'attachment; filename="ledger.csv"');
    assert.equal(csv.body, 'meter,sequence\nMETER_1,1\nMETER_1,2\n');
  });
});
