import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import sinon from 'sinon';
import { LinkError, ProtocolError, type Driver } from '../../../protocols/driver.js';
import { createModbusDriver } from '../../../protocols/modbus/driver.js';
import { Link } from '../../../protocols/modbus/link.js';
import { MbapFraming } from '../../../protocols/modbus/mbap.js';
import { RtuFraming } from '../../../protocols/modbus/rtu.js';
import { RegisterBank } from '../../../protocols/modbus/simulator/index.js';
import type { ModbusLimits } from '../../../site/model.js';
import { Readings } from '../../../site/readings.js';
import { modbusChannel, shown, type TestPoint } from '../../support/modbus.js';
import { Loopback } from '../../support/modbus-loopback.js';

const SECOND = 1000;

describe('modbus driver, over time', () => {
  let clock: sinon.SinonFakeTimers;
  let driver: Driver;
  let device: Loopback;
  let banks: { 1: RegisterBank; 2: RegisterBank };

  beforeEach(() => {
    clock = sinon.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'],
    });
    clock.tick(5000); // a backoff must not take time 0 for never
    banks = { 1: new RegisterBank(), 2: new RegisterBank() };
  });
  afterEach(async () => {
    await driver.close();
    clock.restore();
  });

  async function start(points: readonly TestPoint[], limits: Partial<ModbusLimits> = {}): Promise<Readings> {
    const channel = modbusChannel(502, points, limits);
    driver = createModbusDriver(channel, { open: () => Promise.resolve((device = new Loopback(banks))) });
    await driver.connect();
    return new Readings(channel.points);
  }

  /** One cycle, with time passing as it needs. Answers the units that were asked. */
  async function cycle(readings: Readings): Promise<number[]> {
    device.asked.length = 0;
    const poll = driver.poll(readings);
    let done = false;
    const end = poll.finally(() => (done = true)).catch(() => undefined);
    while (!done) await clock.tickAsync(10);
    await end;
    await poll;
    return [...device.asked];
  }

  it('asks again for a refused point after a minute, and then reads it with the others', async () => {
    banks[1].holding.refuse(2, 3);
    const readings = await start([{ address: 1 }, { address: 2 }, { address: 3 }]);
    await cycle(readings);
    assert.deepEqual(shown(readings), ['0 good', 'never bad', 'never bad']);
    banks[1].heal();
    await clock.tickAsync(50 * SECOND);
    assert.equal((await cycle(readings)).length, 1, 'too early');
    await clock.tickAsync(11 * SECOND);
    await cycle(readings);
    assert.deepEqual(shown(readings), ['0 good', '0 good', '0 good']);
    assert.equal((await cycle(readings)).length, 1, 'one block again');
  });

  it('asks only for one refused point a minute while the device goes on refusing', async () => {
    banks[1].holding.refuse(2, 30);
    const readings = await start(Array.from({ length: 30 }, (_, index) => ({ address: index + 1 })));
    await cycle(readings);
    await clock.tickAsync(61 * SECOND);
    assert.equal((await cycle(readings)).length, 2);
    assert.equal(shown(readings)[29], 'never bad');
  });

  it('asks a silent unit after 0.5 s, 1 s, 2 s … and at last every 10 s', async () => {
    const readings = await start([{ address: 0 }, { address: 0, unitId: 2 }, { address: 100, unitId: 2 }], {
      responseTimeoutMs: 100,
    });
    banks[2].faults.silent = true;
    const begun = performance.now();
    const askedAt: number[] = [];
    while (performance.now() - begun < 60 * SECOND) {
      if ((await cycle(readings)).includes(2)) askedAt.push(performance.now());
      await clock.tickAsync(100);
    }
    const pauses = askedAt.slice(1).map((at, index) => (at - (askedAt[index] as number)) / SECOND);
    const expected = [0.5, 1, 2, 4, 8, 10, 10, 10, 10];
    assert.equal(pauses.length, expected.length, pauses.join());
    for (const [index, pause] of pauses.entries()) {
      const least = expected[index] as number;
      assert.ok(pause >= least && pause < least + 0.5, `${pause} s instead of ${least} s`);
    }
    banks[2].heal();
    await clock.tickAsync(10 * SECOND);
    assert.deepEqual(await cycle(readings), [1, 2, 2], 'one request shows that it is back, the rest follows');
    assert.deepEqual(shown(readings), ['0 good', '0 good', '0 good']);
  });

  it('gives a unit that is only being probed no second try', async () => {
    const readings = await start([{ address: 0 }, { address: 0, unitId: 2 }], { responseTimeoutMs: 50, retries: 2 });
    banks[2].faults.silent = true;
    assert.deepEqual(await cycle(readings), [1, 2, 2, 2]);
    await clock.tickAsync(SECOND);
    assert.deepEqual(await cycle(readings), [1, 2]);
  });

  for (const silentAddress of [0, 100, 200]) {
    it(`reads the other blocks of a device that never answers the one at ${silentAddress}`, async () => {
      const readings = await start([{ address: 0 }, { address: 100 }, { address: 200 }], { responseTimeoutMs: 50 });
      const others = [0, 1, 2].filter((index) => index * 100 !== silentAddress);
      device.silentAddress = silentAddress;
      // The first timeout ends what is asked in a cycle. When it is the first request, nothing shows yet that the
      // device is there: the link is opened anew.
      await cycle(readings).catch(async () => {
        await driver.connect();
        device.silentAddress = silentAddress;
        await cycle(readings);
      });
      assert.equal((await cycle(readings)).length, 2, 'the silent one is left alone for a while');
      for (const index of others) assert.equal(shown(readings)[index], '0 good');
      await clock.tickAsync(20 * SECOND);
      device.silentAddress = undefined;
      assert.equal((await cycle(readings)).length, 3);
      assert.deepEqual(shown(readings), ['0 good', '0 good', '0 good']);
    });
  }

  it('asks for a silent block soon again when it had answered meanwhile, and at once over a new link', async () => {
    const readings = await start([{ address: 0 }, { address: 100 }], { responseTimeoutMs: 50 });
    device.silentAddress = 100;
    for (let failure = 0; failure < 5; failure++) {
      await cycle(readings);
      await clock.tickAsync(9 * SECOND);
    }
    device.silentAddress = undefined;
    await cycle(readings);
    assert.deepEqual(shown(readings), ['0 good', '0 good']);
    device.silentAddress = 100;
    await cycle(readings);
    await clock.tickAsync(0.6 * SECOND);
    assert.equal((await cycle(readings)).length, 2, 'after 0.5 s, as for the first time');
    assert.equal((await cycle(readings)).length, 1);
    await driver.connect();
    assert.equal((await cycle(readings)).length, 2);
  });

  it('times a request out neither early nor late', async () => {
    const readings = await start([{ address: 0 }], { responseTimeoutMs: 250 });
    banks[1].faults.silent = true;
    const poll = driver.poll(readings);
    const ends: unknown[] = [];
    poll.catch((error: unknown) => ends.push(error));
    await clock.tickAsync(249);
    assert.equal(ends.length, 0);
    await clock.tickAsync(2);
    const [error] = ends;
    assert.ok(error instanceof LinkError);
    assert.match(error.message, /no answer within 250 ms to unit 1, function 3, address 0, count 1/);
  });

  it('tries a timed-out request again, as often as told', async () => {
    const readings = await start([{ address: 0 }], { responseTimeoutMs: 100, retries: 2 });
    banks[1].faults.silent = true;
    await assert.rejects(cycle(readings), LinkError);
    assert.equal(device.asked.length, 3);
  });

  it('leaves nothing open when it was closed while the link was being opened', async () => {
    let opened: (stream: Duplex) => void = () => undefined;
    driver = createModbusDriver(modbusChannel(502, [{ address: 0 }]), {
      open: () => new Promise((resolve) => (opened = resolve)),
    });
    const connecting = driver.connect();
    await clock.tickAsync(1);
    await driver.close();
    const stream = new Loopback(banks);
    opened(stream);
    await assert.rejects(connecting, LinkError);
    assert.ok(stream.destroyed);
  });

  it('does not poll before it is connected, nor twice at once', async () => {
    const readings = await start([{ address: 0 }]);
    const first = driver.poll(readings);
    await assert.rejects(driver.poll(readings), { code: 'protocol.busy' });
    await first;
    await driver.close();
    await assert.rejects(driver.poll(readings), LinkError);
  });
});

describe('modbus link', () => {
  let clock: sinon.SinonFakeTimers;
  beforeEach(() => {
    clock = sinon.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'],
    });
  });
  afterEach(() => clock.restore());

  it('does not take a late answer for the next one', async () => {
    const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
    const link = new Link(stream, new MbapFraming(), { name: 'x', responseTimeoutMs: 100, pipeline: 1, pauseMs: 0 });
    const ends: string[] = [];
    const answer = (transaction: number, value: number) =>
      stream.push(Uint8Array.of(0, transaction, 0, 0, 0, 5, 1, 3, 2, 0, value));
    for (let index = 0; index < 2; index++) {
      link.request({
        unitId: 1,
        pdu: Uint8Array.of(3, 0, 0, 0, 1),
        done: (error, bytes, start) => ends.push(error?.code ?? `value ${bytes[start + 3]}`),
      });
    }
    await clock.tickAsync(110);
    answer(1, 11);
    await clock.tickAsync(10);
    assert.deepEqual([ends, link.ignoredAnswers], [['protocol.timeout'], 1]);
    answer(2, 22);
    await clock.tickAsync(10);
    assert.deepEqual(ends, ['protocol.timeout', 'value 22']);
    link.close(new LinkError('end of test'));
  });

  it('gives each of several requests under way its own time', async () => {
    const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
    const link = new Link(stream, new MbapFraming(), { name: 'x', responseTimeoutMs: 100, pipeline: 4, pauseMs: 0 });
    const endedAt: number[] = [];
    const begun = performance.now();
    const request = () =>
      link.request({
        unitId: 1,
        pdu: Uint8Array.of(3, 0, 0, 0, 1),
        done: () => endedAt.push(Math.round(performance.now() - begun)),
      });
    for (let index = 0; index < 3; index++) {
      request();
      await clock.tickAsync(30);
    }
    await clock.tickAsync(200);
    // A turn of the event loop later, on this clock a millisecond.
    assert.deepEqual(endedAt, [101, 131, 161]);
    link.close(new LinkError('end of test'));
  });

  for (const [name, framing] of [
    ['TCP', () => new MbapFraming()],
    ['RTU', () => new RtuFraming()],
  ] as const) {
    it(`ends every request exactly once within its time, whatever bytes arrive (${name})`, async () => {
      // Bytes that look like frames now and then, so that the checks behind the framing are reached too.
      const chunk = fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc
          .tuple(fc.nat(9), fc.uint8Array({ minLength: 2, maxLength: 20 }))
          .map(([id, pdu]) => Uint8Array.of(0, id, 0, 0, 0, pdu.length + 1, 1, ...pdu)),
        fc.nat(9).map((id) => Uint8Array.of(0, id, 0, 0, 0, 5, 1, 3, 2, 0, id)),
        fc.nat(9).map((id) => Uint8Array.of(0, id, 0, 0, 0, 3, 1, 0x83, id)),
      );
      await fc.assert(
        fc.asyncProperty(
          fc.array(chunk, { maxLength: 12 }),
          fc.integer({ min: 1, max: 8 }),
          async (chunks, pipeline) => {
            const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
            const link = new Link(stream, framing(), { name: 'x', responseTimeoutMs: 100, pipeline, pauseMs: 0 });
            const ends: (ProtocolError | undefined)[][] = Array.from({ length: 6 }, () => []);
            for (const end of ends) {
              link.request({ unitId: 1, pdu: Uint8Array.of(3, 0, 0, 0, 1), done: (error) => end.push(error) });
            }
            for (const bytes of chunks) {
              if (!stream.destroyed) stream.push(bytes);
              await clock.tickAsync(1);
            }
            await clock.tickAsync(6 * 200);
            assert.deepEqual(
              ends.map(({ length }) => length),
              [1, 1, 1, 1, 1, 1],
            );
            for (const [error] of ends) assert.ok(error === undefined || error instanceof ProtocolError);
            link.close(new LinkError('end of test'));
            assert.equal(clock.countTimers(), 0);
          },
        ),
        { numRuns: 60 },
      );
    });
  }
});
