import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { redisSink, type RedisClient, type RedisSinkOptions } from '../../../actors/sinks/redis.js';
import type { Note } from '../../support/notifier.js';
import { startRedis, type TestRedis } from '../../support/redis.js';
import { PATIENT, startSinkBed, type SinkBed } from '../../support/sinks.js';
import { openLink, type Link } from '../../support/link.js';

describe('redisSink', function () {
  this.timeout(60_000);
  let server: TestRedis;
  let link: Link;
  let redis: Redis;
  /** The sink's own connection, whose line can be cut. */
  let out: Redis;
  let bed: SinkBed;

  before(async () => {
    server = await startRedis();
    link = await openLink(server.port);
    redis = new Redis(server.url);
    out = new Redis(`redis://${link.address}`, { retryStrategy: () => 50 });
    for (const each of [redis, out]) each.on('error', () => undefined);
  });
  after(async () => {
    redis.disconnect();
    out.disconnect();
    await link.close();
    await server.close();
  });
  beforeEach(() => redis.flushall());
  afterEach(() => bed.stop());

  const start = async (options: Pick<RedisSinkOptions<Note>, 'write'> & Partial<RedisSinkOptions<Note>>) => {
    bed = await startSinkBed(() => redisSink<Note>({ redis: out, policy: PATIENT, ...options }));
  };

  it('writes once and in order, though the line is cut and answers are lost', async () => {
    let calls = 0;
    const lossy: RedisClient = {
      eval: async (...args) => {
        const reply = await out.eval(...args);
        if (++calls % 5 === 0) throw new Error('the answer was lost');
        return reply;
      },
    };
    await start({
      redis: lossy,
      write: ({ text }, { seq }) => [
        { xadd: 'log', fields: { text }, maxLength: 10_000 },
        { hset: 'newest', fields: { text, seq } },
        { set: `seen:${text}`, value: 1, expireMs: 600_000 },
      ],
    });
    for (let each = 0; each < 60; each++) {
      await bed.note('a', String(each));
      if (each === 20) link.shut();
      if (each === 40) link.open();
    }
    await bed.settled();
    const entries = await redis.xrange('log', '-', '+');
    assert.deepEqual(
      entries.map(([, [, text]]) => text),
      Array.from({ length: 60 }, (_, each) => String(each)),
    );
    assert.ok(calls > 60);
    assert.equal(await redis.hget('newest', 'text'), '59');
    assert.equal((await redis.keys('seen:*')).length, 60);
    assert.ok((await redis.pttl('seen:0')) > 0);
    const guards = await redis.keys('statewatt:effect:notifier/a#*');
    assert.equal(guards.length, 60);
    assert.ok((await redis.pttl(String(guards[0]))) > 6 * 24 * 3_600_000);
  });

  it('writes nothing of an effect that cannot be written whole; it is parked, and the next goes on', async () => {
    await redis.set('text', 'no hash');
    await start({
      write: ({ text }) => [
        { xadd: 'log', fields: { text } },
        ...(text === 'bad' ? [{ hset: 'text', fields: { text } }] : []),
        ...(text === 'empty' ? [{ hset: 'other', fields: {} }] : []),
      ],
    });
    for (const text of ['bad', 'empty', 'good']) await bed.note('a', text);
    await bed.settled();
    assert.equal(await redis.xlen('log'), 1);
    const letters = await bed.system.deadLetters.list();
    assert.deepEqual(
      letters.map(({ letter }) => [letter.effect?.attempts, letter.error.code]),
      [
        [1, 'effects.refused'],
        [1, 'effects.refused'],
      ],
    );
    assert.match(letters[0]?.letter.error.message ?? '', /WRONGTYPE text is a string, not a hash/);
    // Once the reason is gone, the letter is done.
    await redis.del('text');
    await bed.system.deadLetters.replay(letters[0]?.id ?? 0);
    assert.deepEqual([await redis.xlen('log'), await redis.hget('text', 'text')], [2, 'bad']);
  });
});
