import assert from 'node:assert/strict';
import { SpanKind } from '@opentelemetry/api';
import { createSystem, ref, type ActorSystem } from '../../../actors/runtime/system.js';
import { connectClient } from '../../../actors/client/remote.js';
import { PARTITIONS } from '../../../bus/subjects.js';
import { buildHttpApp } from '../../../facade/http/app.js';
import { startNatsServices } from '../../../facade/nats/services.js';
import { FakeClient } from '../../support/fake-client.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { notifierKind } from '../../support/notifier.js';
import { keepSpans, type KeptSpan } from '../../support/spans.js';
import { eventually } from '../../support/temp.js';

describe('traces over two nodes', function () {
  this.timeout(60_000);
  let nats: TestNats;
  let kept: ReturnType<typeof keepSpans>;
  const systems: ActorSystem[] = [];
  const ran: string[] = [];

  const kind = notifierKind(async ({ params, tell, ref: from, traceparent }) => {
    ran.push(traceparent);
    if (params.text === 'pass on') await tell(ref(kind, `${from.id}-next`), { type: 'note', text: 'end' });
  });

  async function join(node: string): Promise<ActorSystem> {
    const system = createSystem({ bus: await nats.connect(node), kinds: [kind], node });
    systems.push(system);
    await system.start();
    return system;
  }

  before(async () => {
    nats = await startNats();
    const [one, two] = [await join('n1'), await join('n2')];
    await eventually(() => (one.owned.size === PARTITIONS / 2 && two.owned.size === PARTITIONS / 2 ? true : undefined));
  });
  after(async () => {
    for (const system of systems) await system.stop();
    await nats.stop();
  });
  beforeEach(() => {
    ran.length = 0;
    kept = keepSpans();
  });
  afterEach(() => kept.stop());

  /** From the span up to the root, by name. */
  function pathOf(span: KeptSpan): string[] {
    const parent = kept.spans.find(({ spanId }) => spanId === span.parentSpanId);
    return [span.name, ...(parent === undefined ? [] : pathOf(parent))];
  }

  /** An actor that lives on another node than the caller. */
  async function elsewhere(here: ActorSystem, there: ActorSystem) {
    for (let index = 0; ; index++) {
      const to = ref(kind, `a${index}`);
      await here.ask(to, { type: 'note', text: 'warm up' });
      if (there.inspect(to) === undefined) continue;
      // Their effects come after the answers, and have spans as well.
      await eventually(() => (ran.length === index + 1 ? true : undefined));
      return to;
    }
  }

  it('from an HTTP request to the effect on the other node, and on to the actor that it tells', async () => {
    const [one, two] = systems as [ActorSystem, ActorSystem];
    const to = await elsewhere(one, two);
    await eventually(() => (kept.spans.every(({ ended }) => ended) ? true : undefined));
    kept.spans.length = 0;
    const client = new FakeClient();
    client.restartActor = async () => {
      await one.ask(to, { type: 'note', text: 'pass on' });
      return (await new FakeClient().actors())[0] as never;
    };
    const app = buildHttpApp({ client, host: '127.0.0.1' });
    const answer = await app.inject({
      method: 'POST',
      url: '/api/v1/actors/notifier/x/restart',
      headers: { 'content-type': 'application/json' },
    });
    await app.close();
    assert.equal(answer.statusCode, 200, answer.body);
    const effects = await eventually(() => {
      const found = kept.spans.filter(({ name }) => name === 'effect notifier.notify');
      return found.length === 2 && found.every(({ ended }) => ended) ? found : undefined;
    });
    const [first, second] = effects as [KeptSpan, KeptSpan];
    const toActor = ['append notifier.note', 'process notifier.note'];
    const whole = ['effect notifier.notify', ...toActor, 'ask notifier.note', 'POST /api/v1/actors/:kind/:id/restart'];
    assert.deepEqual(pathOf(first), whole);
    assert.deepEqual(pathOf(second), ['effect notifier.notify', ...toActor, 'tell notifier.note', ...whole]);
    assert.equal(new Set(kept.spans.map(({ traceId }) => traceId)).size, 1);
    assert.deepEqual([first.kind, first.attributes['statewatt.node']], [SpanKind.CONSUMER, 'n2']);
    assert.deepEqual(
      ran.slice(-2),
      effects.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`),
    );
  });

  it('from a NATS client through the service to its answer', async () => {
    const bus = await nats.connect('services');
    const services = await startNatsServices({
      nats: bus.nats,
      client: new FakeClient(),
      version: '1.0.0',
      node: 'n1',
    });
    const client = await connectClient({ natsUrl: nats.url });
    try {
      await client.channel(1001);
      await assert.rejects(client.channel(7), { code: 'channels.not_found' });
    } finally {
      await client.close();
      await services.stop();
    }
    const servers = kept.spans.filter((span) => span.kind === SpanKind.SERVER);
    assert.equal(servers.length, 2);
    for (const span of servers) assert.equal(pathOf(span).length, 2);
    assert.deepEqual(
      kept.spans.map(({ attributes }) => attributes['error.type']),
      [undefined, undefined, 'channels.not_found', 'channels.not_found'],
    );
    assert.ok(kept.spans.every(({ ended }) => ended));
  });

  it('without an SDK each entry and each tell of an effect still belongs to the trace of the command', async () => {
    kept.stop();
    const [one] = systems as [ActorSystem];
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await one.ask(ref(kind, 'plain'), { type: 'note', text: 'pass on' }, { traceparent });
    const found = await eventually(() => (ran.length === 2 ? ran : undefined));
    assert.deepEqual(
      found.map((each) => each.slice(3, 35)),
      [traceparent.slice(3, 35), traceparent.slice(3, 35)],
    );
  });
});
