import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunningNode } from '../../../node/node.js';
import { startTestNode } from '../../support/node.js';
import { eventually, tempFolder } from '../../support/temp.js';

const PATIENCE = { within: 20_000 };
/** Together 80,000 polls a second. */
const CHANNELS = 800;
const POINTS = [1, 2, 3, 4, 5].map((id) => `{ id: ${id}, name: P${id} }`).join(', ');
const channel = (id: number) => `
  - { id: ${id}, protocol: virtual, polling: { interval_ms: 10 }, points: [${POINTS}, { id: 1, kind: A, name: Limit }] }`;
const SITE = `site: Too much
channels:${Array.from({ length: CHANNELS }, (_, at) => channel(at + 1)).join('')}
rules:
  - { id: high, condition: '1:A:1 > 50', actions: [{ type: alarm, level: Major }] }
`;

describe('a node that cannot keep up with the intervals of its channels', function () {
  this.timeout(60_000);
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  let node: RunningNode;
  before(async () => {
    folder = await tempFolder();
    await writeFile(join(folder.path, 'site.yaml'), SITE);
    ({ node } = await startTestNode(folder.path));
  });
  after(async () => {
    await node.stop();
    await folder.remove();
  });

  it('misses cycles and counts them; control, alarms and queries go on', async () => {
    const missed = async () => (await node.client.channel(1)).stats.missedCycles;
    const before = await missed();
    await eventually(async () => ((await missed()) > before + 10 ? true : undefined), PATIENCE);
    const waiting = await eventually(async () => {
      const text = await (await fetch(`${node.url}/metrics`)).text();
      const [, count = '0'] = /^statewatt_polls_waiting (\d+)$/m.exec(text) ?? [];
      return Number(count) > 0 ? Number(count) : undefined;
    }, PATIENCE);
    assert.ok(waiting <= CHANNELS, `${waiting} polls wait: one of a channel at most`);
    const begun = performance.now();
    const reply = await node.client.write({ channel: 1, kind: 'A', id: 1, value: 60 });
    assert.equal(reply.confirmed, true);
    await eventually(async () => {
      const { alarms } = await node.client.alarms.list({});
      return alarms.length > 0 ? true : undefined;
    }, PATIENCE);
    const { points: page } = await node.client.points({ channel: CHANNELS });
    assert.equal(page.length, 6);
    const took = performance.now() - begun;
    assert.ok(took < 8_000, `control, alarm and query took ${took} ms`);
  });
});
