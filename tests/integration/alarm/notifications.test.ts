import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { createAlarmKind } from '../../../actors/alarm.js';
import { LocalAlarms } from '../../../actors/alarm/local-alarms.js';
import type { RaiseAlarm } from '../../../actors/client/alarms.js';
import { createNotifierKind, notifierRef } from '../../../actors/notifier.js';
import { createSystem } from '../../../actors/runtime/system.js';
import { parseRef } from '../../../bus/subjects.js';
import { deliverTo } from '../../../node/notification-delivery.js';
import { Notifications } from '../../../node/notifications.js';
import { SiteHolder } from '../../../node/site-holder.js';
import type { NotificationMessage } from '../../../site/notifications/message.js';
import type { NotificationTarget } from '../../../site/notifications/target.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { webhookTarget } from '../../support/notifications.js';
import { testSite } from '../../support/site.js';
import { eventually, tempFolder } from '../../support/temp.js';

const WINDOW_MS = 1_500;
const HOT: RaiseAlarm = { source: 'boiler', ruleId: 'r1', title: 'Too hot', level: 'Major' };

type Sent = NotificationMessage & { site: string };

/** A receiver of web hooks; `answers` are its next statuses, 200 when there is none. */
class Hook {
  readonly taken: { headers: IncomingHttpHeaders; text: string; body: Sent }[] = [];
  readonly answers: number[] = [];
  #server: Server | undefined;
  url = '';

  async start(): Promise<this> {
    this.#server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        const status = this.answers.shift() ?? 200;
        if (status === 200) this.taken.push({ headers: request.headers, text, body: JSON.parse(text) as Sent });
        response.writeHead(status).end();
      });
    });
    await new Promise<void>((resolve) => this.#server?.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
    return this;
  }
  stop(): void {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }
  /** What came: alarms by id and change, digests by number. */
  get told(): (string | number)[] {
    return this.taken.map(({ body }) => (body.type === 'alarm' ? `${body.alarm.id} ${body.change}` : body.count));
  }
  /** Changes that were told, in digests too. */
  get count(): number {
    return this.told.reduce<number>((sum, each) => sum + (typeof each === 'string' ? 1 : each), 0);
  }
  /** Ids of the alarms that were named, as often as they were. */
  get named(): string[] {
    return this.taken.flatMap(({ body }) => (body.type === 'alarm' ? [body.alarm.id] : body.first.map(({ id }) => id)));
  }
}

describe('notifications', () => {
  let nats: TestNats;
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  let hook: Hook;
  const stops: (() => Promise<void>)[] = [];

  before(async () => {
    nats = await startNats();
    folder = await tempFolder();
  });
  after(async () => {
    await nats.stop();
    await folder.remove();
  });
  beforeEach(async () => {
    hook = await new Hook().start();
  });
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
    hook.stop();
  });

  /** A node with these targets, each of an id of its own in the test. */
  async function start(node: string, ...notifications: NotificationTarget[]) {
    const bus = await nats.connect(node);
    const holder = new SiteHolder(testSite([], { name: 'Hall 3', notifications }));
    const alarmKind = createAlarmKind();
    const listeners = new Set<() => void>();
    const kind = createNotifierKind(
      {
        bus,
        target: (id) => holder.site.notifications.find((target) => target.id === id),
        onAlarm: (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        windowMs: WINDOW_MS,
      },
      deliverTo({ bus, holder }),
    );
    const targets: Notifications = new Notifications({
      system: () => system,
      kind,
      holder,
      onTrouble: (_, error) => assert.fail(String(error)),
    });
    const system = createSystem({
      bus,
      kinds: [alarmKind, kind],
      node,
      alwaysOn: () => Promise.resolve(targets.refs()),
      onOwned: (partitions) => void targets.own(partitions),
    });
    await system.start();
    const alarms = new LocalAlarms({ bus, system, kind: alarmKind });
    alarms.start();
    const abort = new AbortController();
    const watching = (async () => {
      for await (const _ of alarms.watch({}, abort.signal)) for (const listener of listeners) listener();
    })();
    let stopped = false;
    const stop = async () => {
      if (stopped) return;
      stopped = true;
      abort.abort();
      await watching;
      targets.stop();
      await alarms.stop();
      await system.stop();
      await bus.close();
    };
    stops.push(stop);
    const follows = (id: string) =>
      eventually(
        () => {
          const context = system.inspect(notifierRef(kind, id))?.context as { position: number | null } | undefined;
          return typeof context?.position === 'number' ? true : undefined;
        },
        { what: `${id} follows` },
      );
    for (const { id } of notifications) await follows(id);
    return { bus, system, alarms, holder, targets, follows, stop };
  }
  const told = (count: number) =>
    eventually(() => (hook.told.length >= count ? true : undefined), { what: `${count} messages` });

  it('tell a web hook of what it wants to know, signed, each once and in order', async () => {
    const secretFile = join(folder.path, 'secret');
    await writeFile(secretFile, 'topsecret\n');
    const { alarms } = await start('n1', webhookTarget('signed', { url: hook.url, secretFile, sources: ['boil*'] }));
    await alarms.raise({ ...HOT, source: 'elsewhere' });
    const { id } = await alarms.raise({ ...HOT, escalateAfterMs: 300 });
    await told(2);
    await alarms.command(id, { type: 'acknowledge', by: 'ann' });
    await alarms.command(id, { type: 'clear', by: 'boiler' });
    await told(3);
    assert.deepEqual(hook.told, [`${id} raised`, `${id} escalated`, `${id} resolved`]);
    const [first] = hook.taken;
    assert.ok(first?.body.type === 'alarm');
    assert.deepEqual(
      [first.body.site, first.body.key, first.body.alarm.title, first.body.alarm.state],
      ['Hall 3', `${id}/1/1`, 'Too hot', 'unacknowledged'],
    );
    const { 'webhook-id': name, 'webhook-timestamp': time, 'webhook-signature': signature } = first.headers;
    const expected = createHmac('sha256', 'topsecret').update(`${String(name)}.${String(time)}.${first.text}`);
    assert.equal(signature, `v1,${expected.digest('base64')}`);
    assert.equal(new Set(hook.taken.map(({ headers }) => headers['idempotency-key'])).size, 3);
  });

  it('tell a flood as one message more than the bound', async () => {
    const { alarms } = await start('n1', webhookTarget('flooded', { url: hook.url, perMinute: 3 }));
    await Promise.all(Array.from({ length: 40 }, (_, index) => alarms.raise({ ...HOT, ruleId: `flood${index}` })));
    await eventually(() => (hook.count === 40 ? true : undefined), { what: 'all of them' });
    assert.deepEqual(
      hook.taken.slice(0, 4).map(({ body }) => body.type),
      ['alarm', 'alarm', 'alarm', 'digest'],
    );
    assert.ok(hook.taken.length <= 12, `${hook.taken.length} messages`); // Four, when all are raised within the window.
    const digest = hook.taken[3]?.body;
    assert.ok(digest?.type === 'digest');
    assert.deepEqual(digest.byLevel, { Major: digest.count });
  });

  it('go on at the next node where the one before was, and what waits with them', async () => {
    const target = webhookTarget('moved', { url: hook.url, perMinute: 2, changes: ['raised'] });
    const one = await start('n1', target);
    const raised = await Promise.all([1, 2, 3].map((n) => one.alarms.raise({ ...HOT, ruleId: `move${n}` })));
    await told(2);
    await one.stop();
    const two = await start('n2', target);
    const last = await two.alarms.raise({ ...HOT, ruleId: 'move4' });
    await eventually(() => (hook.count === 4 ? true : undefined), { what: 'all of them' });
    assert.deepEqual(hook.named.sort(), [...raised, last].map(({ id }) => id).sort());
  });

  it('are tried again under the same key, and hold up nobody else’s', async () => {
    const other = await new Hook().start();
    stops.push(async () => other.stop());
    hook.answers.push(503, 500);
    const { alarms } = await start(
      'n1',
      webhookTarget('failing', { url: hook.url }),
      webhookTarget('sound', { url: other.url }),
    );
    const { id } = await alarms.raise({ ...HOT, ruleId: 'again' });
    await eventually(() => (other.told.length === 1 ? true : undefined));
    assert.equal(hook.taken.length, 0);
    await told(1);
    assert.deepEqual(hook.told, [`${id} raised`]);
  });

  it('are parked when the target refuses them, and told when replayed', async () => {
    hook.answers.push(410);
    const { alarms, system } = await start('n1', webhookTarget('gone', { url: hook.url }));
    const { id } = await alarms.raise({ ...HOT, ruleId: 'parked' });
    const ref = parseRef('notifier/gone'); // The tests share a server: another one's letter may lie there too.
    const letter = await eventually(async () => (await system.deadLetters.list({ ref }))[0]);
    assert.match(letter.letter.error.message, /answered 410/);
    assert.deepEqual(hook.told, []);
    await system.deadLetters.replay(letter.id);
    assert.deepEqual(hook.told, [`${id} raised`]);
  });

  it('reach a NATS subject', async () => {
    const nothing = { secretFile: undefined };
    const { bus, alarms } = await start('n1', {
      ...webhookTarget('bus', nothing),
      ...{ type: 'nats', subject: 'alarms.out', stream: false },
    });
    const next = new Promise<Sent>((resolve) => {
      bus.nats.subscribe('alarms.out', { max: 1, callback: (_error, message) => resolve(message.json<Sent>()) });
    });
    await bus.nats.flush();
    const { id } = await alarms.raise({ ...HOT, ruleId: 'nats' });
    const message = await next;
    assert.ok(message.type === 'alarm');
    assert.deepEqual([message.alarm.id, message.change, message.site], [id, 'raised', 'Hall 3']);
  });

  it('begin with what comes after a target is there, and end with it', async () => {
    const { alarms, holder, targets, follows } = await start('n1');
    await alarms.raise({ ...HOT, ruleId: 'before' });
    const target = webhookTarget('late', { url: hook.url });
    holder.replace(testSite([], { notifications: [target] }));
    await targets.apply();
    await follows('late');
    const { id } = await alarms.raise({ ...HOT, ruleId: 'after' });
    await told(1);
    holder.replace(testSite([]));
    await targets.apply();
    await alarms.raise({ ...HOT, ruleId: 'without' });
    holder.replace(testSite([], { notifications: [target] }));
    await targets.apply();
    await follows('late');
    const again = await alarms.raise({ ...HOT, ruleId: 'again after' });
    await told(2);
    assert.deepEqual(hook.told, [`${id} raised`, `${again.id} raised`]);
  });

  describe('by mail', () => {
    interface Taken {
      from: string;
      to: string[];
      text: string;
      user: unknown;
    }
    let smtp: SMTPServer;
    let port: number;
    let mails: Taken[];
    let refusals: { responseCode: number; message: string }[];

    before(async () => {
      smtp = new SMTPServer({
        allowInsecureAuth: true,
        authOptional: true,
        hideSTARTTLS: true,
        onAuth: ({ username, password }, _session, callback) =>
          password === 'pass word' ? callback(null, { user: username }) : callback(new Error('Invalid credentials')),
        onData: (stream, session, callback) => {
          let text = '';
          stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
          stream.on('end', () => {
            const refusal = refusals.shift();
            if (refusal !== undefined) {
              callback(Object.assign(new Error(refusal.message), { responseCode: refusal.responseCode }));
              return;
            }
            const { mailFrom, rcptTo } = session.envelope;
            mails.push({
              from: mailFrom === false ? '' : mailFrom.address,
              to: rcptTo.map(({ address }) => address),
              text,
              user: session.user,
            });
            callback();
          });
        },
      });
      await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve));
      ({ port } = smtp.server.address() as AddressInfo);
    });
    after(() => new Promise<void>((resolve) => smtp.close(() => resolve())));
    beforeEach(() => {
      mails = [];
      refusals = [];
    });

    const mailTarget = (id: string, rest: object = {}) =>
      ({
        ...webhookTarget(id),
        ...{ type: 'mail', server: `smtp://127.0.0.1:${port}`, user: undefined, passwordFile: undefined },
        ...{ from: 'Site <site@example.com>', to: ['duty@example.com', 'Second <second@example.com>'] },
        ...rest,
      }) as NotificationTarget;
    const mailed = () => eventually(() => mails[0], { what: 'a mail' });

    it('say what is wrong in the subject, to each receiver', async () => {
      const passwordFile = join(folder.path, 'password');
      await writeFile(passwordFile, 'pass word\n');
      const { alarms } = await start('n1', mailTarget('duty', { user: 'site', passwordFile }));
      await alarms.raise({ ...HOT, ruleId: 'mail', title: 'Too hot' });
      const { from, to, text, user } = await mailed();
      assert.deepEqual([from, to, user], ['site@example.com', ['duty@example.com', 'second@example.com'], 'site']);
      for (const line of [
        /^Subject: \[Hall 3\] Major raised: Too hot \(boiler\)\r$/m,
        /^From: Site <site@example\.com>\r$/m,
        /^Message-ID: <[0-9a-f]{32}@example\.com>\r$/im,
        /^Idempotency-Key: notifier\/duty#\d+\.0\r$/m,
        /^level +Major\r$/m,
      ]) {
        assert.match(text, line);
      }
    });

    it('are sent again when the server cannot take them now', async () => {
      refusals.push({ responseCode: 451, message: 'Try again later' });
      const { alarms } = await start('n1', mailTarget('busy'));
      await alarms.raise({ ...HOT, ruleId: 'greylisted' });
      await mailed();
      assert.equal(mails.length, 1);
    });

    it('are parked when the server never will', async () => {
      refusals.push({ responseCode: 552, message: 'Mailbox full' });
      const { alarms, system } = await start('n1', mailTarget('full'));
      await alarms.raise({ ...HOT, ruleId: 'refused' });
      const letter = await eventually(async () => {
        const letters = await system.deadLetters.list({ kind: 'notifier' });
        return letters.find(({ letter }) => letter.ref === 'notifier/full');
      });
      assert.match(letter.letter.error.message, /552 Mailbox full/);
      await system.deadLetters.replay(letter.id);
      assert.equal(mails.length, 1);
    });
  });
});
