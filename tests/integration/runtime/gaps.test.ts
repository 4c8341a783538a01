import assert from 'node:assert/strict';
import { createSystem, ref, type ActorSystem } from '../../../actors/runtime/system.js';
import { connectBus, type Bus } from '../../../bus/connection.js';
import { readBatch } from '../../../bus/read-batch.js';
import { STREAM } from '../../../bus/streams.js';
import { codecs } from '../../../bus/topics.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { notifierKind } from '../../support/notifier.js';
import { openLink, type Link } from '../../support/link.js';
import { eventually } from '../../support/temp.js';

describe('an actor system whose connection breaks', function () {
  this.timeout(60_000);
  let nats: TestNats;
  let line: Link;
  let bus: Bus;
  let system: ActorSystem;
  let teller: ActorSystem;
  let outside: Bus;
  const ran: string[] = [];
  const kind = notifierKind(({ params }) => Promise.resolve(void ran.push(params.text)), {
    attempts: 3,
    backoffMs: { initial: 10, max: 20 },
    timeoutMs: 2_000,
  });
  const to = ref(kind, 'a');

  beforeEach(async () => {
    ran.length = 0;
    nats = await startNats();
    line = await openLink(Number(new URL(nats.url).port));
    bus = await connectBus({ servers: [line.address], name: 'n1' });
    system = createSystem({ bus, kinds: [kind], node: 'n1' });
    await system.start();
    outside = await nats.connect('teller');
    teller = createSystem({ bus: outside, kinds: [kind], node: 'teller' });
    await teller.ask(to, { type: 'note', text: '0' });
    await eventually(() => (ran.length === 1 ? true : undefined));
  });
  afterEach(async () => {
    await system.stop();
    await teller.stop();
    await bus.close();
    await line.close();
    await nats.stop();
  });

  const tell = (text: string): Promise<void> => teller.tell(to, { type: 'note', text });

  /** Messages that the server has sent to consumers of a stream and that nobody has acknowledged. */
  async function underWay(stream: string): Promise<number> {
    let count = 0;
    for await (const info of outside.manager.consumers.list(stream)) count += info.num_ack_pending;
    return count;
  }

  async function consumers(stream: string): Promise<number> {
    let count = 0;
    for await (const _ of outside.manager.consumers.list(stream)) count += 1;
    return count;
  }

  /** The texts of the commands, in the order of the journal: whether it was they or their effects that were out of order. */
  async function journaled(): Promise<string> {
    const { state } = await outside.manager.streams.info(STREAM.journal);
    const entries = await readBatch(outside, STREAM.journal, { seq: state.first_seq, batch: 100 });
    return entries.map(({ seq, data }) => `${seq}:${JSON.stringify(codecs.journal.decode(data).event)}`).join(' ');
  }

  it('gets what was lost on the way before what came later', async () => {
    line.hold();
    for (const text of ['1', '2', '3']) await tell(text);
    await eventually(async () => ((await underWay(STREAM.commands)) === 3 ? true : undefined));
    line.shut();
    line.open();
    for (const text of ['4', '5', '6']) await tell(text);
    await eventually(() => (ran.length === 7 ? true : undefined));
    assert.deepEqual(ran, ['0', '1', '2', '3', '4', '5', '6'], `ran ${ran.join(' ')}; journal ${await journaled()}`);
  });

  it('does so gap after gap, in the middle of new ones too', async () => {
    const expected = ['0'];
    for (let gap = 0; gap < 5; gap++) {
      if (gap % 2 === 0) line.hold();
      for (let each = 0; each < 20; each++) {
        expected.push(`${gap}-${each}`);
        await tell(`${gap}-${each}`);
        if (each % 7 === 0) {
          line.shut();
          line.open();
        }
      }
    }
    await eventually(() => (ran.length >= expected.length ? true : undefined), { within: 40_000 });
    assert.deepEqual(ran, expected);
    // One consumer each, though each gap made one anew.
    for (const stream of [STREAM.commands, STREAM.journal]) {
      await eventually(async () => ((await consumers(stream)) === system.owned.size ? true : undefined));
    }
  });
});
