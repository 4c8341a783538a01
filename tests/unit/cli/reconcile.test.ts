import assert from 'node:assert/strict';
import type { Reconciliation } from '../../../actors/client/minting.js';
import { FakeClient } from '../../support/fake-client.js';
import { NOW, statewatt } from './support.js';

describe('cli reconcile', () => {
  it('ends with 0 when the chain and the journal agree', async () => {
    const { code, out } = await statewatt('reconcile', { client: new FakeClient({ time: NOW }) });
    assert.equal(code, 0);
    assert.match(out, /chain +2000000000 base units by 1 transactions/);
    assert.match(out, /differences +0/);
  });

  it('prints every difference, and ends with 1', async () => {
    const client = new FakeClient({ time: NOW });
    const none = { chain: null, journal: null, ledger: null, signature: null };
    client.minting.differences = [
      { ...none, kind: 'not_on_chain', batch: '7-1', signature: 'sig7', chain: '0', journal: '5' },
      { ...none, kind: 'no_batch', batch: null, chain: '9' },
    ];
    const { code, out } = await statewatt('reconcile', { client });
    assert.equal(code, 1);
    assert.match(out, /in the journal, not on the chain +7-1 +0 +5/);
    assert.match(out, /on the chain, of no batch/);
    const json = await statewatt('reconcile --json', { client });
    assert.equal(json.code, 1);
    assert.equal((JSON.parse(json.out) as Reconciliation).found, 2);
  });
});
