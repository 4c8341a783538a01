import assert from 'node:assert/strict';
import { grpcChannel } from '../../support/grpc-channel.js';
import { linesOf } from '../../support/config.js';

describe('gRPC channels in site.yaml', () => {
  it('have defaults for all but the address', async () => {
    const channel = await grpcChannel('127.0.0.1:50051', '    points: [{ id: 1, name: power }]\n');
    assert.deepEqual(
      { ...channel, points: channel.points.length },
      {
        id: 1,
        name: 'channel 1',
        enabled: true,
        pollingIntervalMs: 1000,
        points: 1,
        protocol: 'grpc',
        address: '127.0.0.1:50051',
        metadata: {},
        mode: 'stream',
        connectTimeoutMs: 5000,
        deadlineMs: 2000,
        healthIntervalMs: 5000,
        settings: {},
        mappings: [{ source: 'power', staleAfterMs: 0 }],
      },
    );
  });

  it('read every key; a point’s source is its name where no table says another', async () => {
    const channel = await grpcChannel(
      'unix:/run/meter.sock',
      `    tls: { ca: ca.pem, verify: false }
    token: "\${TOKEN}"
    metadata: { x-site: farm }
    mode: poll
    connect_timeout_ms: 50
    deadline_ms: 100
    health_interval_ms: 200
    stale_after_ms: 300
    settings: { device: /dev/ttyUSB0 }
    tables: t
`,
      {
        'ca.pem': '',
        't/telemetry.csv': 'point_id,signal_name\n1,power\n2,voltage\n',
        't/mapping/telemetry_mapping.csv': 'point_id,source,stale_after_ms\n2,u1,0\n',
        't/signal.csv': 'point_id,signal_name\n1,door\n',
      },
    );
    const { tls, token, metadata, mode, connectTimeoutMs, deadlineMs, healthIntervalMs, settings, mappings } = channel;
    assert.deepEqual(
      [tls, token, metadata, mode, connectTimeoutMs, deadlineMs, healthIntervalMs, settings],
      [
        { caFile: '/site/ca.pem', verify: false },
        '${TOKEN}',
        { 'x-site': 'farm' },
        'poll',
        50,
        100,
        200,
        { device: '/dev/ttyUSB0' },
      ],
    );
    assert.deepEqual(mappings, [
      { source: 'power', staleAfterMs: 300 },
      { source: 'u1', staleAfterMs: 0 },
      { source: 'door', staleAfterMs: 300 },
    ]);
  });

  it('are told every mistake at its place', async () => {
    const lines = await linesOf({
      'site.yaml': `
channels:
  - { id: 1, protocol: grpc, address: somewhere, points: [] }
  - { id: 2, protocol: grpc, address: "a:70000", points: [] }
  - { id: 3, protocol: grpc, address: "a:1", points: [], metadata: { Authorization: x, authorization: x, x-bin: x, x: ä } }
  - { id: 4, protocol: grpc, address: "a:1", points: [], mode: push, tls: { cert: c.pem } }
  - { id: 5, protocol: grpc, address: "a:1", points: [{ id: 1, name: a, topic: t }] }
  - { id: 6, protocol: grpc, address: "a:1" }
`,
    });
    assert.deepEqual(lines, [
      'site.yaml:3:30: channels[0].address: found "somewhere", allowed host:port or unix:/path',
      'site.yaml:4:30: channels[1].address: found "a:70000", allowed host:port or unix:/path',
      'site.yaml:5:70: channels[2].metadata.Authorization: found "Authorization", allowed a name of a-z 0-9 _ - . that does not begin with grpc- or end with -bin',
      'site.yaml:5:88: channels[2].metadata.authorization: found authorization, allowed token: what follows Bearer',
      'site.yaml:5:106: channels[2].metadata.x-bin: found "x-bin", allowed a name of a-z 0-9 _ - . that does not begin with grpc- or end with -bin',
      'site.yaml:5:116: channels[2].metadata.x: found "ä", allowed a text of printable ASCII',
      'site.yaml:6:64: channels[3].mode: found "push", allowed stream or poll',
      'site.yaml:7:73: channels[4].points[0].topic: unknown key, allowed id, kind, name, unit, data_type, scale, offset, reverse, deadband, min, max, source or stale_after_ms',
      'site.yaml:8:5: channels[5]: the channel has no points, allowed points, tables, or a folder /site/6 or /site/comsrv/6',
    ]);
  });
});
