import assert from 'node:assert/strict';
import type { NatsConnection } from '@nats-io/transport-node';
import { Answers } from '../../../bus/answers.js';
import type { AnswerBody } from '../../../bus/messages.js';
import { Requests } from '../../../bus/requests.js';
import { startNats, type TestNats } from '../../support/nats.js';

describe('requests over one subscription', () => {
  let nats: TestNats;
  let asker: NatsConnection;
  /** What was sent on `echo.>`: the questions of each message. */
  const messages: string[] = [];
  before(async () => {
    nats = await startNats();
    asker = (await nats.connect('asker')).nats;
    const { nats: connection } = await nats.connect('echo');
    const answers = new Answers(connection);
    connection.subscribe('echo.>', {
      callback: (_error, message) => {
        messages.push(message.string());
        answers.take(message, echo);
      },
    });
    connection.subscribe('silent', { callback: () => undefined });
    await connection.flush();
  });
  after(() => nats.stop());

  const held = new Map<unknown, (body: AnswerBody) => void>();
  const echo = (question: unknown): Promise<AnswerBody> => {
    if (question === 'huge') return Promise.resolve({ ok: true, reply: 'x'.repeat(20_000_000) });
    if (question !== 'later') return Promise.resolve({ ok: true, reply: question });
    return new Promise((resolve) => held.set(question, resolve));
  };
  const reply = (value: unknown) => ({ ok: true, reply: value });

  it('go in one message by subject and turn, and bring each its own answer', async () => {
    const requests = new Requests(asker, 20_000);
    messages.length = 0;
    const answers = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((number) => requests.request(`echo.${number % 2}`, { number })),
    );
    assert.deepEqual(
      answers,
      [1, 2, 3, 4, 5, 6].map((number) => reply({ number })),
    );
    assert.deepEqual(
      messages.map((text) => (JSON.parse(text) as [number, { number: number }][]).map(([, { number }]) => number)),
      [
        [1, 3, 5],
        [2, 4, 6],
      ],
    );
    requests.close();
  });

  it('hold up nobody who was asked in the same message', async () => {
    const requests = new Requests(asker, 20_000);
    const later = requests.request('echo.1', 'later');
    assert.deepEqual(await requests.request('echo.1', 'now'), reply('now'));
    held.get('later')?.({ ok: true, reply: 'then' });
    assert.deepEqual(await later, reply('then'));
    requests.close();
  });

  it('go in more than one message when they are many', async () => {
    const requests = new Requests(asker, 20_000);
    messages.length = 0;
    const answers = await Promise.all(
      Array.from({ length: 1_200 }, (_, index) => requests.request('echo.1', 'x'.repeat(1_000) + String(index))),
    );
    assert.deepEqual(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1_200);
    assert.deepEqual(
      messages.map((text) => (JSON.parse(text) as unknown[]).length),
      [512, 512, 176],
    );
    requests.close();
  });

  it('are told that an answer is larger than NATS takes, beside those that are not', async () => {
    const requests = new Requests(asker, 20_000);
    const [huge, small] = await Promise.all([requests.request('echo.1', 'huge'), requests.request('echo.1', 'small')]);
    assert.equal(huge?.ok, false);
    assert.match(JSON.stringify(huge), /bus\.too_large.*max_payload/);
    assert.deepEqual(small, reply('small'));
    requests.close();
  });

  it('are told what a question looks like', async () => {
    const answer = await asker.request('echo.1', JSON.stringify({ ask: 'anything' }), { timeout: 20_000 });
    assert.match(answer.string(), /bus\.bad_payload.*questions are/);
    assert.match((await asker.request('echo.1', '{', { timeout: 20_000 })).string(), /bus\.bad_payload.*JSON/);
  });

  it('say at once that nobody listens, and in their time that nobody answers', async () => {
    const requests = new Requests(asker, 60_000);
    assert.deepEqual(await Promise.all([requests.request('nowhere', 1), requests.request('nowhere', 2)]), [
      undefined,
      undefined,
    ]);
    requests.close();
    await assert.rejects(new Requests(asker, 20).request('silent', 1), {
      code: 'bus.unavailable',
      message: /silent within 20 ms/,
    });
  });

  it('go on when something else comes into their inbox', async () => {
    const troubles: string[] = [];
    const requests = new Requests(asker, 60_000, ({ message }) => troubles.push(message));
    const { nats: stranger } = await nats.connect('stranger');
    let inbox = '';
    const strange = [
      '{',
      '7',
      'null',
      '[1]',
      '[[1]]',
      '[["1",{"ok":true}]]',
      '[[1,{"ok":1}],[1]]',
      '[[99,{"ok":true}]]',
    ];
    stranger.subscribe('strange', {
      callback: (_error, { reply = '' }) => {
        inbox = reply.slice(0, reply.lastIndexOf('.'));
        for (const text of strange) stranger.publish(`${inbox}.answers`, text);
        stranger.publish(`${inbox}.nobody`, 'x');
        stranger.publish(reply, '{"ok":"yes"}');
      },
    });
    await stranger.flush();
    await assert.rejects(requests.request('strange', 1), { code: 'bus.bad_payload', message: /found \{"ok":"yes"\}/ });
    assert.equal(requests.unreadable, 10);
    assert.equal(troubles.length, 10);
    assert.match(troubles[1] ?? '', /inbox of answers: found 7, allowed/);
    assert.deepEqual(await requests.request('echo.1', 'still'), reply('still'));
    requests.close();
  });

  it('are refused when they are closed, and without a connection', async () => {
    const { nats: connection } = await nats.connect();
    const requests = new Requests(connection, 60_000);
    const unsent = requests.request('silent', 1);
    requests.close();
    await assert.rejects(unsent, { code: 'bus.unavailable', message: /was stopped/ });
    await assert.rejects(requests.request('echo.1', 1), { code: 'bus.unavailable', message: /was stopped/ });
    await connection.close();
    await assert.rejects(new Requests(connection, 60_000).request('silent', 1), {
      code: 'bus.unavailable',
      message: /no connection/,
    });
  });
});
