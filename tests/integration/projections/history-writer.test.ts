import assert from 'node:assert/strict';
import type { HistoryEvent, HistoryTarget } from '../../../actors/projections/history.js';
import { connectBus, type Bus } from '../../../bus/connection.js';
import { encodeFrame } from '../../../bus/frame-codec.js';
import { subjects } from '../../../bus/subjects.js';
import { HistoryWriter } from '../../../node/history-writer.js';
import { frame, names } from '../../support/frames.js';
import { openLink, type Link } from '../../support/link.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

describe('the writer of history of a node', function () {
  this.timeout(60_000);
  let nats: TestNats;
  let bus: Bus;
  let written: string[];
  const tokens = new Set<string>();
  let target: HistoryTarget;
  const writers: HistoryWriter[] = [];

  beforeEach(async () => {
    nats = await startNats();
    bus = await nats.connect();
    written = [];
    tokens.clear();
    target = {
      insert: ({ token, frames }) => {
        if (!tokens.has(token)) written.push(...frames.map(({ frame: each }) => `${each.epoch}/${each.seq}`));
        tokens.add(token);
        return Promise.resolve({ rows: frames.length });
      },
    };
  });
  afterEach(async () => {
    await Promise.all(writers.splice(0).map((writer) => writer.write(false)));
    await nats.stop();
  });

  function open(events: HistoryEvent[] = [], over = bus, againMs = 50): HistoryWriter {
    const onEvent = (event: HistoryEvent): void => void events.push(event);
    const writer = new HistoryWriter({ bus: over, target, batchMs: 20, againMs, onEvent });
    writers.push(writer);
    return writer;
  }
  async function publish(first: number, last: number): Promise<void> {
    for (let seq = first; seq <= last; seq++) {
      await bus.jetstream.publish(subjects.frame(1), encodeFrame(frame(1, 5, seq)));
    }
  }
  const all = (count: number) =>
    eventually(() => (written.length >= count ? true : undefined), { what: `${count} frames in history` });

  it('goes on when another one had its turn meanwhile, though it was never told that it lost it', async () => {
    const events: HistoryEvent[] = [];
    const [here, there] = [open(events), open()];
    await here.write(true);
    await publish(1, 10);
    await all(10);
    await there.write(true);
    await publish(11, 20);
    await all(20);
    await there.write(false);
    await publish(21, 30);
    await all(30);
    assert.ok(events.some(({ type }) => type === 'fenced'));
    assert.deepEqual(written, names(5, 30));
    assert.equal(here.writing, true);
    await eventually(() => (here.lastError === null && here.committed === 30 ? true : undefined));
  });

  it('goes on though it is told once more that it is its turn when it has just been fenced', async () => {
    const events: HistoryEvent[] = [];
    const [here, there] = [open(events, bus, 500), open()];
    await here.write(true);
    await publish(1, 10);
    await all(10);
    await there.write(true);
    await publish(11, 20);
    await all(20);
    await there.write(false);
    await publish(21, 30);
    await eventually(() => (events.some(({ type }) => type === 'fenced') ? true : undefined));
    await here.write(true);
    await all(30);
    assert.deepEqual(written, names(5, 30));
    await eventually(() => (here.lastError === null && here.committed === 30 ? true : undefined));
  });

  it('comes up later when it could not at its turn, and says why until then', async () => {
    const link: Link = await openLink(Number(new URL(nats.url).port));
    const events: HistoryEvent[] = [];
    const shaky = await connectBus({ servers: [link.address], name: 'shaky', ensureStreams: false });
    const writer = open(events, shaky);
    link.shut();
    await eventually(() => (shaky.status === 'connected' ? undefined : true));
    await writer.write(true);
    assert.equal(writer.writing, true);
    assert.notEqual(writer.lastError, null);
    await publish(1, 10);
    link.open();
    await all(10);
    assert.equal(writer.lastError, null);
    await writer.write(false);
    assert.equal(writer.writing, false);
    await shaky.close();
    await link.close();
  });
});
