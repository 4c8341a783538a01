import assert from 'node:assert/strict';
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { connectBus } from '../../../bus/connection.js';
import { STREAM } from '../../../bus/streams.js';
import { NatsCluster } from '../../../chaos/nats-cluster.js';
import { StatewattError } from '../../../errors/error.js';
import { eventually, tempFolder } from '../../support/temp.js';

const PATIENCE = { within: 30_000 };

describe('a NATS cluster of three, split', function () {
  this.timeout(120_000);
  let folder: { path: string; remove: () => Promise<void> };
  let cluster: NatsCluster | undefined;

  before(async function () {
    folder = await tempFolder();
    try {
      cluster = await NatsCluster.start(folder.path);
    } catch (error) {
      if (!(error instanceof StatewattError) || error.code !== 'chaos.not_permitted') throw error;
      console.log(`      skipped: ${error.message.split('\n')[0]}`);
      this.skip();
    }
  });
  after(async () => {
    await cluster?.stop();
    await folder.remove();
  });

  it('goes on with two, the third is refused, and has everything afterwards', async () => {
    assert.ok(cluster);
    const bus = await connectBus({ servers: [cluster.url], name: 'test' });
    try {
      assert.equal(bus.replicas, 3);
      const publish = () => bus.jetstream.publish('evt.0.test.a', '{}', { timeout: 1_000 });
      await eventually(() => publish().catch(() => undefined), PATIENCE);
      await cluster.split(2); // We are at the first one.
      await eventually(() => publish().catch(() => undefined), PATIENCE);
      const cutOff = await connect({ servers: `${cluster.hosts[2]}:${cluster.port}`, ignoreClusterUpdates: true });
      await assert.rejects(jetstream(cutOff).publish('evt.0.test.b', '{}', { timeout: 2_000 }));
      await cutOff.close();
      await cluster.heal();
      const { state } = await eventually(async () => {
        // Just healed, the cluster may have no leader to ask yet.
        const info = await bus.manager.streams.info(STREAM.journal).catch(() => undefined);
        return info?.cluster?.replicas?.every(({ current }) => current) === true ? info : undefined;
      }, PATIENCE);
      assert.ok(state.messages >= 2);
    } finally {
      await bus.close();
    }
  });
});
