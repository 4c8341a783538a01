import assert from 'node:assert/strict';
import { PointIndex, PointIndexes } from '../../../node/point-index.js';
import { isWritable, viewChannel } from '../../../node/views.js';
import type { ActorInside } from '../../../actors/runtime/host.js';
import type { ModbusChannel, ModbusMapping } from '../../../site/model.js';
import { BAD, STALE, type PointDefinition } from '../../../site/points.js';
import { testChannel, testFrame, testPointDefinition } from '../../support/realtime-store.js';

const limited: PointDefinition = { ...testPointDefinition('A', 1), min: 0, max: 5, deadband: 0.5 };
const config = testChannel(7, [testPointDefinition('T', 1), testPointDefinition('T', 2, 'string'), limited]);

describe('PointIndex', () => {
  it('finds points by kind and id', () => {
    const index = new PointIndex(config);
    assert.equal(index.find('A', 1)?.point, limited);
    assert.equal(index.find('A', 2), undefined);
    assert.equal(index.find('C', 1), undefined);
  });

  it('shows every point, those that were never read too, with its limits', () => {
    const value = { channel: 7, kind: 'T', id: 1, value: 2.5, quality: 'stale', time: 9 } as const;
    const [first, second, third] = new PointIndex(config).views([value]);
    assert.deepEqual(first, {
      address: 'comsrv:7:T:1',
      channel: 7,
      kind: 'T',
      id: 1,
      name: 'T 1',
      unit: 'kW',
      writable: false,
      value: 2.5,
      quality: 'stale',
      time: 9,
    });
    assert.deepEqual([second?.value, second?.quality, second?.time], [null, 'bad', null]);
    assert.deepEqual([third?.writable, third?.min, third?.max, third?.deadband], [true, 0, 5, 0.5]);
  });

  it('shows the points of a frame: numbers, texts, ages, never read, no longer configured', () => {
    const frame = testFrame(7, 1, 1, 10_000, [
      ['T', 1, NaN, BAD],
      ['T', 2, 'open', STALE, 400],
      ['T', 99, 1],
      ['A', 1, 3],
    ]);
    const views = new PointIndex(config).viewsOf(frame);
    assert.deepEqual(
      views.map(({ address, value, quality, time }) => [address, value, quality, time]),
      [
        ['comsrv:7:T:1', null, 'bad', null],
        ['comsrv:7:T:2', 'open', 'stale', 9_600],
        ['comsrv:7:A:1', 3, 'good', 10_000],
      ],
    );
    frame.quality[3] = 200;
    assert.equal(new PointIndex(config).viewsOf(frame)[2]?.quality, 'bad');
  });

  it('is made once for each configuration', () => {
    const indexes = new PointIndexes();
    assert.equal(indexes.of(config), indexes.of(config));
    assert.notEqual(indexes.of(config), indexes.of({ ...config }));
  });
});

describe('views', () => {
  const mapping = { unitId: 1, functionCode: 3, address: 0, dataType: 'int16', byteOrder: 'AB', registers: 1 } as const;
  const modbus = (mappings: readonly ModbusMapping[], points: readonly PointDefinition[]): ModbusChannel => ({
    id: 3,
    name: 'Meter',
    enabled: true,
    pollingIntervalMs: 500,
    points,
    protocol: 'modbus',
    transport: { type: 'tcp', host: '10.0.0.1', port: 502 },
    sharedConnection: false,
    limits: {
      connectTimeoutMs: 1,
      responseTimeoutMs: 1,
      retries: 0,
      maxRegistersPerRead: 125,
      maxBitsPerRead: 2000,
      maxGap: 0,
      pipeline: 1,
      pauseMs: 0,
    },
    mappings,
  });

  it('call a point writable when it is one to write and something writes it', () => {
    const points = (['T', 'A', 'A', 'C'] as const).map((kind, index) => testPointDefinition(kind, index + 1));
    const written = { ...mapping, writeFunctionCode: 6 as const };
    const meter = modbus([written, written, mapping, { ...mapping, functionCode: 1, writeFunctionCode: 5 }], points);
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((index) => isWritable(meter, index)),
      [false, true, false, true, false],
    );
    assert.deepEqual(
      [0, 2].map((index) => isWritable(config, index)),
      [false, true],
    );
  });

  it('show a channel whose actor is not there yet as connecting, with empty counters', () => {
    const view = viewChannel(modbus([mapping], [testPointDefinition('T', 1)]), undefined);
    assert.deepEqual(
      [view.ref, view.state, view.since, view.address, view.points.T, view.stats.totalReads, view.stats.lastError],
      ['channel/3', 'connecting', 0, '10.0.0.1:502', 1, 0, null],
    );
  });

  it('name the address of every transport', () => {
    const at = (transport: ModbusChannel['transport']) =>
      viewChannel({ ...modbus([], []), transport }, undefined).address;
    assert.equal(at({ type: 'rtu-over-tcp', host: 'gw', port: 4001 }), 'gw:4001');
    const serial = { baudRate: 9600, dataBits: 8, stopBits: 1, parity: 'none' } as const;
    assert.equal(at({ type: 'rtu', device: '/dev/ttyS0', ...serial }), '/dev/ttyS0');
    assert.equal(viewChannel(config, undefined).address, 'virtual');
  });

  it('show the state of the actor: parked as faulted, with the newest error that is known', () => {
    const facts: ActorInside = {
      ref: 'channel/7',
      kind: 'channel',
      id: '7',
      state: 'failed',
      chartState: 'online',
      node: 'n',
      partition: 1,
      mailbox: 0,
      restarts: 4,
      seq: 9,
      activatedAt: 1,
      commands: 0,
      lastError: 'crashed',
      context: undefined,
      live: undefined,
      transitions: [],
      timers: [],
    };
    const parked = viewChannel(config, facts);
    assert.deepEqual([parked.state, parked.stats.lastError], ['faulted', 'crashed']);
    assert.equal(viewChannel(config, { ...facts, state: 'starting' }).state, 'connecting');
    const error = { code: 'x', category: 'unavailable', message: 'refused' } as const;
    const context = { since: 5, lastError: { at: 4, error } };
    const backing = viewChannel(config, { ...facts, state: 'backingOff', context });
    assert.deepEqual(
      [backing.state, backing.since, backing.stats.lastError, backing.stats.lastErrorAt],
      ['backingOff', 5, 'refused', 4],
    );
    const roundTripMs = { p50: 1, p95: 2, p99: 3, max: 4 };
    const stats = { totalReads: 8, lastError: 'no answer', lastErrorAt: 6, lastGoodAt: 3 };
    const live = viewChannel(config, { ...facts, state: 'online', context, live: { stats, roundTripMs } });
    assert.deepEqual(
      [live.stats.totalReads, live.stats.lastError, live.stats.lastGoodAt, live.stats.roundTripMs],
      [8, 'no answer', 3, roundTripMs],
    );
  });
});
