import assert from 'node:assert/strict';
import { connectBus, type Bus } from '../../../bus/connection.js';
import { readBatch } from '../../../bus/read-batch.js';
import { natsSink } from '../../../actors/sinks/nats.js';
import type { Note } from '../../support/notifier.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { PATIENT, startSinkBed, type SinkBed } from '../../support/sinks.js';
import { openLink, type Link } from '../../support/link.js';
import { eventually } from '../../support/temp.js';

describe('natsSink', function () {
  this.timeout(60_000);
  let nats: TestNats;
  let link: Link;
  /** The sink's own connection, whose line can be cut. */
  let out: Bus;
  let bed: SinkBed;

  beforeEach(async () => {
    nats = await startNats();
    link = await openLink(Number(new URL(nats.url).port));
    out = await connectBus({ servers: [`nats://${link.address}`], name: 'sink', ensureStreams: false });
    await out.manager.streams.add({ name: 'OUT', subjects: ['out.*'], allow_direct: true, max_msg_size: 1_000 });
  });
  afterEach(async () => {
    link.open();
    await bed.system.stop();
    await out.nats.close();
    await link.close();
    await nats.stop();
  });

  async function kept(): Promise<unknown[]> {
    const messages = await readBatch(bed.bus, 'OUT', { seq: 1, batch: 500 });
    return messages.map((message) => [message.subject, message.json<unknown>()]);
  }

  it('has each message once in the stream, in order, though the line is cut and answers are lost', async () => {
    let lost = 0;
    const lossy = {
      ...{ nats: out.nats, onStatus: out.onStatus.bind(out) },
      get status() {
        return out.status;
      },
      jetstream: {
        publish: async (...args: Parameters<Bus['jetstream']['publish']>) => {
          const ack = await out.jetstream.publish(...args);
          if (++lost % 5 === 0) throw new Error('the acknowledgement was lost');
          return ack;
        },
      },
    } as unknown as Bus;
    const sink = natsSink<Note>({ bus: lossy, subject: ({ text }) => `out.${text[0]}`, policy: PATIENT });
    bed = await startSinkBed(() => sink, [], nats);
    const expected: unknown[] = [];
    for (let each = 0; each < 60; each++) {
      const text = `${each % 2 === 0 ? 'e' : 'o'}${each}`;
      expected.push([`out.${text[0]}`, { text }]);
      await bed.note('a', text);
      if (each === 20) link.shut();
      if (each === 40) link.open();
    }
    await bed.settled();
    assert.deepEqual(await kept(), expected);
    assert.ok(lost > 60);
    const [first] = await readBatch(bed.bus, 'OUT', { seq: 1, batch: 1 });
    assert.match(first?.header.get('Nats-Msg-Id') ?? '', /^notifier\/a#\d+\.0$/);
    assert.match(first?.header.get('traceparent') ?? '', /^00-/);
  });

  it('parks at once what is too large, after its attempts what no stream takes, and goes on', async () => {
    const policy = { ...PATIENT, attempts: 2 };
    bed = await startSinkBed(
      () => natsSink<Note>({ bus: out, subject: ({ text }) => (text === 'nowhere' ? 'no.stream' : 'out.x'), policy }),
      [],
      nats,
    );
    await bed.note('a', 'x'.repeat(2_000));
    await bed.note('a', 'nowhere');
    await bed.note('a', 'last');
    await bed.settled();
    const letters = await bed.system.deadLetters.list();
    assert.deepEqual(
      letters.map(({ letter }) => [letter.effect?.attempts, letter.error.code]),
      [
        [1, 'effects.refused'],
        [2, 'effects.failed'],
      ],
    );
    assert.deepEqual(await kept(), [['out.x', { text: 'last' }]]);
  });

  it('reaches subscribers without a stream', async () => {
    const heard: [unknown, string][] = [];
    const subscriber = await nats.connect('subscriber');
    subscriber.nats.subscribe('prices', {
      callback: (_, message) => {
        heard.push([message.json(), message.headers?.get('x-site') ?? '']);
      },
    });
    await subscriber.nats.flush();
    const options = { subject: 'prices', core: true, headers: { 'x-site': 's1' }, policy: PATIENT };
    bed = await startSinkBed((bus) => natsSink<Note>({ bus, ...options, body: ({ text }) => text }), [], nats);
    await bed.note('a', 'one');
    await eventually(() => (heard.length === 1 ? true : undefined));
    assert.deepEqual(heard, [['one', 's1']]);
  });
});
