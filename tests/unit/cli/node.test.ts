import assert from 'node:assert/strict';
import { statewatt } from './support.js';

describe('statewatt node', () => {
  it('says what a node that joins needs', async () => {
    const { code, err } = await statewatt('node', { env: { NATS_URL: '' } });
    assert.equal(code, 1);
    assert.match(err, /node\.cannot_join: .*NATS_URL, and .*CLICKHOUSE_URL/);
    assert.match((await statewatt('node')).err, /needs the site’s history: CLICKHOUSE_URL\n/);
  });

  it('starts a node when it knows both', async () => {
    const { err } = await statewatt('node', { env: { CLICKHOUSE_URL: 'http://127.0.0.1:8123' } });
    assert.match(err, /not here/); // the node of these tests
  });

  it('takes 1 to 32 nodes', async () => {
    for (const nodes of ['0', '33', 'many', '1.5']) {
      const { code, err } = await statewatt(['up', '--nodes', nodes]);
      assert.equal(code, 1, nodes);
      assert.match(err, /--nodes takes 1 to 32, not/);
    }
  });
});
