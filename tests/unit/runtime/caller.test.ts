import assert from 'node:assert/strict';
import type { Bus, BusStatus } from '../../../bus/connection.js';
import { HEADER } from '../../../bus/headers.js';
import { makeRef } from '../../../bus/subjects.js';
import { Caller } from '../../../actors/runtime/caller.js';
import type { Delivery } from '../../../actors/runtime/delivery.js';

const counter = makeRef('counter', 'a');
const other = makeRef('counter', 'b');

interface Queued {
  readonly subject: string;
  readonly command: { readonly type: string; readonly n: number };
  readonly id: string;
  readonly replyTo: string;
}

describe('Caller of actors in its own process', () => {
  let status: BusStatus;
  /** What went into the queue, in order. */
  let queue: Queued[];
  /** Answers of the queue to those that asked. */
  let answer: (replyTo: string, body: unknown) => void;
  /** What went straight, in order. */
  let straight: Delivery[];
  /** How far the actor's node has taken the queue; undefined: the actor lives elsewhere. */
  let taken: number | undefined;
  let caller: Caller;

  beforeEach(() => {
    [status, queue, straight, taken] = ['connected', [], [], 0];
    const publish = (
      subject: string,
      data: Uint8Array,
      { headers }: { headers: { get(name: string): string } },
    ): Promise<{ seq: number; duplicate: boolean }> => {
      const command = JSON.parse(Buffer.from(data).toString()) as Queued['command'];
      queue.push({ subject, command, id: headers.get(HEADER.command), replyTo: headers.get(HEADER.reply) });
      return Promise.resolve({ seq: queue.length, duplicate: false });
    };
    const nats = {
      // Those of a batch, and the last of it, which asks for its answer.
      publish: (...message: Parameters<typeof publish>) => void publish(...message),
      request: async (...message: Parameters<typeof publish>) => {
        const landed = await publish(...message);
        return { json: () => landed };
      },
      subscribe: (_subject: string, { callback }: { callback: (error: null, message: unknown) => void }) => {
        answer = (subject, body) => callback(null, { subject, data: Buffer.from(JSON.stringify(body)) });
        return { unsubscribe: () => undefined };
      },
    };
    const bus = {
      nats,
      jetstream: { publish },
      get status() {
        return status;
      },
    } as unknown as Bus;
    caller = new Caller(bus, (_ref, delivery, behind) => {
      if (taken === undefined || taken < behind) return false;
      straight.push(delivery);
      return true;
    });
  });
  afterEach(() => caller.close());

  const ask = (n: number, to = counter): Promise<unknown> => caller.ask(to, { type: 'add', n });
  const tell = (n: number, to = counter): Promise<void> => caller.tell(to, { type: 'add', n });
  const reply = (index: number, value: unknown): void => straight[index]?.answer({ ok: true, reply: value });
  const queued = (): number[] => queue.map(({ command }) => command.n);
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  };

  it('asks straight, and hands over copies only', async () => {
    const [command, state] = [{ type: 'add', n: 1 }, { total: 1 }];
    const asked = caller.ask(counter, command, { commandId: 'one', correlationId: 'why', deadline: 1_000 });
    const [delivery] = straight as [Delivery];
    assert.deepEqual(delivery.event, command);
    assert.notEqual(delivery.event, command);
    assert.deepEqual([delivery.commandId, delivery.correlationId, delivery.awaited], ['one', 'why', true]);
    assert.ok(Math.abs((delivery.deadline as number) - Date.now() - 1_000) < 500);
    assert.match(delivery.traceparent as string, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    reply(0, state);
    assert.deepEqual(await asked, state);
    assert.notEqual(await asked, state);
    assert.deepEqual(queue, []);
  });

  it('gives the actor’s refusal, and an answer that is no JSON as an error', async () => {
    const refused = ask(1);
    straight[0]?.answer({ ok: false, error: { code: 'actors.busy', category: 'busy', message: 'later' } });
    await assert.rejects(refused, { code: 'actors.busy' });
    const odd = ask(2);
    reply(1, 1n);
    await assert.rejects(odd, /BigInt/);
    await assert.rejects(caller.ask(counter, { type: 'add', n: 1n }), { code: 'actors.invalid_command' });
  });

  it('queues what nobody waits for, what is too big, and everything while the connection is away', async () => {
    await tell(1);
    const big = caller.ask(counter, { type: 'add', n: 2, text: 'x'.repeat(70_000) });
    status = 'disconnected';
    const away = ask(3, other);
    await settled();
    assert.deepEqual(queued(), [1, 2, 3]);
    assert.deepEqual(straight, []);
    for (const { replyTo } of queue.slice(1)) answer(replyTo, { ok: true, reply: null });
    await Promise.all([big, away]);
  });

  it('never asks straight past what it has queued', async () => {
    await tell(1);
    const behind = ask(2);
    await settled();
    assert.deepEqual(queued(), [1, 2], 'the actor’s node has not taken the first');
    answer(queue[1]?.replyTo ?? '', { ok: true, reply: 2 });
    await behind;
    taken = 2;
    const under = tell(3);
    const next = ask(4);
    const elsewhere = ask(5, other);
    assert.equal(straight.length, 1, 'one is on its way into the queue, to this actor');
    await under;
    await settled();
    assert.deepEqual(queued(), [1, 2, 3, 4]);
    answer(queue[3]?.replyTo ?? '', { ok: true, reply: 4 });
    reply(0, 5);
    assert.deepEqual(await Promise.all([next, elsewhere]), [4, 5]);
    taken = 4;
    void ask(6).catch(() => undefined);
    assert.equal(straight.length, 2);
  });

  it('queues what comes back, in its order, and what comes after it', async () => {
    const asked = [ask(1), ask(2)];
    straight.forEach((delivery) => delivery.release());
    asked.push(ask(3));
    await settled();
    assert.deepEqual(queued(), [1, 2, 3]);
    assert.deepEqual(
      queue.slice(0, 2).map(({ id }) => id),
      straight.map(({ commandId }) => commandId),
    );
    for (const { replyTo, command } of queue) answer(replyTo, { ok: true, reply: command.n });
    assert.deepEqual(await Promise.all(asked), [1, 2, 3]);
  });

  it('refuses what comes back when a later one has been queued: it would be behind it', async () => {
    const asked = ask(1);
    await tell(2);
    straight[0]?.release();
    await assert.rejects(asked, { code: 'actors.not_owner' });
    assert.deepEqual(queued(), [2]);
  });

  it('forgets what comes back when nobody waits any longer', async () => {
    await assert.rejects(caller.ask(counter, { type: 'add', n: 1 }, { deadline: 1 }), { code: 'actors.timeout' });
    straight[0]?.release();
    await settled();
    assert.deepEqual(queue, []);
  });

  it('queues it as well when the actor wants that, and takes the answer that comes first', async () => {
    const asked = ask(1);
    await straight[0]?.queue?.();
    assert.deepEqual(queued(), [1]);
    assert.equal(queue[0]?.id, straight[0]?.commandId);
    reply(0, 'from here');
    assert.equal(await asked, 'from here');
    answer(queue[0]?.replyTo ?? '', { ok: true, reply: 'late' });
  });
});
