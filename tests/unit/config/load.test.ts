import assert from 'node:assert/strict';
import type { Files } from '../../../site/config/files.js';
import { loadSite } from '../../../site/config/load.js';
import type { ModbusChannel, ModbusTransport, VirtualChannel } from '../../../site/model.js';
import { loadFiles, memoryFiles, ROOT } from '../../support/config.js';

const TELEMETRY = 'point_id,signal_name,scale,offset,unit,reverse,data_type\n1,Temperature,1.0,0.0,℃,false,float\n';
const MAPPING = 'point_id,slave_id,function_code,register_address,data_type,byte_order,bit_position\n';

describe('loadSite', () => {
  it('loads a small site from one file', async () => {
    const site = await loadFiles({
      'site.yaml': `
site: farm
defaults: { polling_interval_ms: 500, connection_timeout_ms: 700, max_concurrent_connections: 9 }
watch_files: false
history: { raw_days: 2 }
channels:
  - id: 2
    name: Meter
    protocol: modbus
    address: 10.0.0.7
    polling: { interval_ms: 100, batch_size: 50 }
    slave_id: 3
    points:
      - { id: 1, name: Power, unit: kW, function_code: 3, register_address: 1, data_type: int, scale: 0.1 }
      - { id: 2, kind: S, name: Door, function_code: 2, register_address: 7 }
      - { id: 1, kind: C, name: Breaker, function_code: 5, register_address: 9, slave_id: 4 }
  - { id: 1, protocol: virtual, enabled: false, simulation: { patterns: [{ type: constant, point_id: 4, value: 7 }] } }
`,
    });
    assert.equal(site.name, 'farm');
    assert.deepEqual(site.defaults, { pollingIntervalMs: 500, connectionTimeoutMs: 700, maxConcurrentConnections: 9 });
    assert.equal(site.watchFiles, false);
    assert.deepEqual(site.history, { rawDays: 2, minuteDays: 365, hourDays: 1825, dayDays: 3650 });
    assert.deepEqual(
      site.channels.map(({ id, name, enabled, pollingIntervalMs }) => [id, name, enabled, pollingIntervalMs]),
      [
        [1, 'channel 1', false, 500],
        [2, 'Meter', true, 100],
      ],
    );
    const meter = site.channels[1] as ModbusChannel;
    assert.deepEqual(meter.transport, { type: 'tcp', host: '10.0.0.7', port: 502 });
    assert.equal(meter.limits.maxRegistersPerRead, 50);
    assert.equal(meter.limits.connectTimeoutMs, 700);
    assert.deepEqual(
      meter.points.map(({ kind, id, name, dataType, scale }) => [kind, id, name, dataType, scale]),
      [
        ['T', 1, 'Power', 'int16', 0.1],
        ['S', 2, 'Door', 'bool', 1],
        ['C', 1, 'Breaker', 'bool', 1],
      ],
    );
    const base = { registers: 1, byteOrder: 'AB' };
    assert.deepEqual(meter.mappings, [
      { ...base, unitId: 3, functionCode: 3, address: 1, dataType: 'int16' },
      { ...base, unitId: 3, functionCode: 2, address: 7, dataType: 'bool' },
      { ...base, unitId: 4, functionCode: 1, writeFunctionCode: 5, address: 9, dataType: 'bool' },
    ]);
  });

  it('loads the folder form of VoltageEMS as it is', async () => {
    const site = await loadFiles({
      'comsrv/comsrv.yaml': `
name: comsrv
version: "1.0.0"
api: { host: 0.0.0.0, port: 6001 }
redis: { url: "redis://localhost:6379", enabled: true }
channels:
  - id: 1001
    name: "PCS#1"
    protocol: modbus_tcp
    enabled: true
    parameters: { host: 192.168.1.10, port: 502, connect_timeout_ms: 3000, read_timeout_ms: 2000, poll_interval_ms: 250 }
    logging: { enabled: true, level: info }
  - id: 3
    name: "GENSET#1"
    protocol: modbus_rtu
    parameters: { port: /dev/ttyS4, baud_rate: 19200, parity: "E", slave_id: 7 }
`,
      'comsrv/1001/telemetry.csv': TELEMETRY,
      'comsrv/1001/signal.csv': 'point_id,signal_name,scale,offset,unit,reverse,data_type\n1,Run,1,0,,1,bool\n',
      'comsrv/1001/mapping/telemetry_mapping.csv': `${MAPPING}1,1,3,1,float32,CDAB,\n`,
      'comsrv/1001/mapping/signal_mapping.csv': `${MAPPING}1,1,4,8,uint16,AB,3\n`,
      'comsrv/3/telemetry.csv': TELEMETRY,
      'comsrv/3/protocol/telemetry_mapping.csv':
        'point_id,signal_name,slave_id,function_code,register_address,data_format,register_count\n1,Temperature,,3,40011,float32,2\n',
    });
    const [genset, pcs] = site.channels as ModbusChannel[];
    assert.deepEqual(genset?.transport, {
      type: 'rtu',
      device: '/dev/ttyS4',
      baudRate: 19200,
      dataBits: 8,
      stopBits: 1,
      parity: 'even',
    });
    assert.deepEqual(genset.mappings, [
      { unitId: 7, functionCode: 3, address: 10, dataType: 'float32', byteOrder: 'ABCD', registers: 2 },
    ]);
    assert.equal(pcs?.pollingIntervalMs, 250);
    assert.deepEqual([pcs.limits.connectTimeoutMs, pcs.limits.responseTimeoutMs], [3000, 2000]);
    assert.deepEqual(pcs.mappings, [
      { unitId: 1, functionCode: 3, address: 1, dataType: 'float32', byteOrder: 'CDAB', registers: 2 },
      { unitId: 1, functionCode: 4, address: 8, dataType: 'bool', byteOrder: 'AB', bit: 3, registers: 1 },
    ]);
    assert.equal(pcs.points[1]?.reverse, true);
    assert.equal(site.files.length, 7);
  });

  it('takes tables that are named one by one, and virtual channels in both forms of VoltageEMS', async () => {
    const site = await loadFiles({
      'site.yaml': `
file_watch_enabled: true
channels:
  - id: 1001
    protocol: modbus
    transport_config: { address: "127.0.0.1:5020" }
    polling_config: { interval_ms: 100, batch_size: 50 }
    table_config:
      four_telemetry_files: { telemetry_file: tables/t.csv, signal_file: "" }
      protocol_mapping_files: { telemetry_mapping: tables/m.csv }
  - id: 1002
    protocol: virtual
    simulation_config:
      sine_wave: { amplitude: 100.0, frequency: 1.0, phase: 0.0 }
      random_walk: { initial_value: 50.0, step_size: 5.0, bounds: [-100.0, 100.0] }
  - id: 1003
    protocol: virtual
    simulation_config:
      patterns:
        - SineWave: { point_id: 1, amplitude: 100.0, frequency: 0.1, phase: 0.0, offset: 50.0 }
        - type: RandomWalk
          point_id: 2
          step_size: 1.0
          bounds: [-50.0, 50.0]
        - StepFunction: { point_id: 3, values: [0, 100, 50, 75], duration_ms: 500 }
`,
      'tables/t.csv': TELEMETRY,
      'tables/m.csv': `${MAPPING}1,1,3,1,,,\n`,
    });
    const [modbus, short, listed] = site.channels as [ModbusChannel, VirtualChannel, VirtualChannel];
    assert.equal(modbus.mappings[0]?.dataType, 'float32');
    assert.deepEqual(
      short.patterns.map(({ type, kind, pointId }) => [type, kind, pointId]),
      [
        ['sine', 'T', 1],
        ['random-walk', 'T', 2],
      ],
    );
    assert.deepEqual(listed.patterns, [
      { type: 'sine', kind: 'T', pointId: 1, amplitude: 100, frequencyHz: 0.1, phase: 0, offset: 50 },
      { type: 'random-walk', kind: 'T', pointId: 2, initialValue: 0, stepSize: 1, min: -50, max: 50 },
      { type: 'step', kind: 'T', pointId: 3, values: [0, 100, 50, 75], durationMs: 500 },
    ]);
    assert.deepEqual(
      listed.points.map(({ id, name }) => [id, name]),
      [
        [1, 'Sine wave 1'],
        [2, 'Random walk 2'],
        [3, 'Step function 3'],
      ],
    );
    assert.equal(site.watchFiles, true);
    assert.equal(site.name, 'site');
  });

  it('takes tables from the routes of VoltageEMS, under csv_base_path', async () => {
    const site = await loadFiles({
      'site.yaml': `
csv_base_path: csv
channels:
  - id: 1
    protocol: modbus
    address: a
    table_config: { four_telemetry_route: meter, protocol_mapping_route: meter/map }
`,
      'csv/meter/telemetry.csv': TELEMETRY,
      'csv/meter/map/telemetry_mapping.csv': `${MAPPING}1,1,3,9,,,\n`,
    });
    assert.equal((site.channels[0] as ModbusChannel).mappings[0]?.address, 9);
  });

  it('gives every output of a site model a point when the channel has none', async () => {
    const site = await loadFiles({
      'site.yaml': `channels: [{ id: 5, protocol: virtual, simulation: { seed: 9, site_model: { speed: 60, ev_power_kw: 22 } } }]`,
    });
    const [channel] = site.channels as VirtualChannel[];
    assert.equal(channel?.seed, 9);
    assert.equal(channel.siteModel?.speed, 60);
    assert.equal(channel.points.length, channel.siteModel.outputs.length);
    assert.deepEqual(
      channel.points.filter(({ kind }) => kind !== 'T').map(({ kind, id, name }) => [kind, id, name]),
      [
        ['C', 1, 'Battery automatic'],
        ['C', 2, 'Main breaker'],
        ['A', 1, 'PV limit'],
        ['A', 2, 'Battery set-point'],
      ],
    );
  });

  it('says which file may not be read', async () => {
    const files = memoryFiles({ 'site.yaml': 'channels: [{ id: 1, protocol: modbus, address: a, tables: t }]' });
    const locked: Files = {
      ...files,
      read: (path) =>
        path.endsWith('.csv') ? Promise.reject(Object.assign(new Error(), { code: 'EACCES' })) : files.read(path),
    };
    await assert.rejects(loadSite(ROOT, locked), /telemetry\.csv: cannot be read \(EACCES\), allowed a readable file/);
  });

  it('repeats the settings of channels by YAML anchors and merge keys', async () => {
    const site = await loadFiles({
      'site.yaml': `
channels:
  - &meter { id: 1, protocol: modbus, address: a, points: [{ id: 1, name: P, function_code: 4, register_address: 0 }] }
  - { <<: *meter, id: 2, address: b }
`,
    });
    assert.deepEqual(
      site.channels.map(
        (channel) => channel.protocol === 'modbus' && [channel.id, channel.transport, channel.points.length],
      ),
      [
        [1, { type: 'tcp', host: 'a', port: 502 }, 1],
        [2, { type: 'tcp', host: 'b', port: 502 }, 1],
      ],
    );
  });

  const transports: [what: string, channel: string, transport: ModbusTransport][] = [
    ['host and port in one', 'address: "h:1502"', { type: 'tcp', host: 'h', port: 1502 }],
    ['an IPv6 address', 'address: "[fe80::1%eth0]:1502"', { type: 'tcp', host: 'fe80::1%eth0', port: 1502 }],
    [
      'RTU framing over TCP',
      'transport: { type: rtu-over-tcp, host: h }',
      { type: 'rtu-over-tcp', host: 'h', port: 502 },
    ],
    ['a transport without a type', 'transport: { host: h, port: 7 }', { type: 'tcp', host: 'h', port: 7 }],
    ['a nested address', 'transport_config: { tcp: { address: "h:7" } }', { type: 'tcp', host: 'h', port: 7 }],
    [
      'a serial port',
      'transport: { type: rtu, device: /dev/ttyUSB0, baud_rate: 115200, data_bits: 7, stop_bits: 2, parity: odd }',
      { type: 'rtu', device: '/dev/ttyUSB0', baudRate: 115200, dataBits: 7, stopBits: 2, parity: 'odd' },
    ],
    ['a port that is text', 'parameters: { host: h, port: "503" }', { type: 'tcp', host: 'h', port: 503 }],
  ];
  for (const [what, channel, transport] of transports) {
    it(`takes ${what}`, async () => {
      const site = await loadFiles({ 'site.yaml': `channels: [{ id: 1, protocol: modbus, points: [], ${channel} }]` });
      assert.deepEqual((site.channels[0] as ModbusChannel).transport, transport);
    });
  }
});
