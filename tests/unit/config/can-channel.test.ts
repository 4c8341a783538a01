import assert from 'node:assert/strict';
import { linesOf, loadFiles } from '../../support/config.js';

describe('CAN channels in site.yaml', () => {
  it('read every key, with defaults', async () => {
    const { channels } = await loadFiles({
      'site.yaml': `
channels:
  - id: 1
    protocol: can
    source: { log: drive.log, interface: can1, speed: 10, repeat: true }
    stale_after_ms: 500
    points:
      - { id: 1, name: Speed, can_id: 0x1A0, start_bit: 7, length: 16, byte_order: motorola, encoding: signed }
      - { id: 2, name: Load, can_id: "0x1A0", start_bit: 16, length: 32, encoding: float, stale_after_ms: 0 }
  - id: 2
    protocol: can
    source: { interface: can0 }
    tables: t
`,
      'drive.log': '',
      't/signal.csv': 'point_id,signal_name\n1,Door\n2,Window\n',
      't/mapping/signal_mapping.csv': 'point_id,can_id,start_bit,length,extended\n1,0x18FF50E5,3,1,\n2,5,0,1,1\n',
    });
    const [log, live] = channels;
    assert.ok(log?.protocol === 'can' && live?.protocol === 'can');
    assert.deepEqual(log.source, {
      type: 'log',
      file: '/site/drive.log',
      interface: 'can1',
      speed: 10,
      repeat: true,
    });
    assert.deepEqual(log.mappings, [
      {
        canId: 0x1a0,
        extended: false,
        startBit: 7,
        length: 16,
        byteOrder: 'big',
        encoding: 'signed',
        staleAfterMs: 500,
      },
      {
        canId: 0x1a0,
        extended: false,
        startBit: 16,
        length: 32,
        byteOrder: 'little',
        encoding: 'float',
        staleAfterMs: 0,
      },
    ]);
    assert.deepEqual(live.source, { type: 'interface', interface: 'can0' });
    assert.deepEqual(
      live.mappings.map(({ canId, extended }) => [canId, extended]),
      [
        [0x18ff50e5, true],
        [5, true],
      ],
    );
  });

  it('are told every mistake at its place', async () => {
    const lines = await linesOf({
      'site.yaml': `
channels:
  - { id: 1, protocol: can, source: {}, points: [] }
  - { id: 2, protocol: can, source: { log: away.log }, points: [] }
  - { id: 3, protocol: can, source: { interface: can0, speed: 2 }, points: [] }
  - { id: 4, protocol: can, source: { interface: "can 0" }, points: [] }
  - { id: 5, protocol: can, source: { interface: can0 }, tables: t }
`,
      't/telemetry.csv': 'point_id,signal_name,data_type\n1,A,\n2,B,\n3,C,\n4,D,\n5,E,string\n6,F,\n7,G,\n',
      't/mapping/telemetry_mapping.csv': `point_id,can_id,start_bit,length,byte_order,encoding,extended
1,1G,0,8,,,
2,0x20000000,0,8,,,
3,1,505,8,,,
4,1,0,16,,float,
5,1,0,8,,,
6,0x800,0,8,,,false
7,1,512,65,middle,,
`,
      't/control.csv': 'point_id,signal_name\n1,A\n',
      't/mapping/control_mapping.csv': 'point_id,can_id,start_bit,length\n1,1,0,1\n',
    });
    assert.deepEqual(
      lines.map((line) => line.replace('t/mapping/', '')),
      [
        'site.yaml:3:29: channels[0].source: found nothing, allowed interface or log',
        'site.yaml:4:39: channels[1].source.log: there is no file /site/away.log, allowed the path of a file',
        'site.yaml:5:56: channels[2].source.speed: found 2, allowed log beside it',
        'site.yaml:6:50: channels[3].source.interface: found "can 0", allowed text like ^[A-Za-z0-9_.-]{1,15}$',
        'control_mapping.csv:2:1: point_id: found a C point, allowed T and S points that are no texts, as CAN channels are only read',
        'telemetry_mapping.csv:2:3: can_id: found "1G", allowed an identifier from 0 to 0x1FFFFFFF, such as 0x1A0',
        'telemetry_mapping.csv:3:3: can_id: found "0x20000000", allowed an identifier from 0 to 0x1FFFFFFF, such as 0x1A0',
        'telemetry_mapping.csv:4:5: start_bit: found 8 bits from 505 on, which end in byte 65, allowed up to byte 64',
        'telemetry_mapping.csv:5:7: length: found 16, allowed 32 or 64, as IEEE 754 has them',
        'telemetry_mapping.csv:6:1: point_id: found a text, allowed T and S points that are no texts, as CAN channels are only read',
        'telemetry_mapping.csv:7:15: extended: found false, allowed true, as the identifier is above 0x7FF',
        'telemetry_mapping.csv:8:5: start_bit: found "512", allowed a whole number from 0 to 511',
        'telemetry_mapping.csv:8:9: length: found "65", allowed a whole number from 1 to 64',
        'telemetry_mapping.csv:8:12: byte_order: found "middle", allowed little, big, intel or motorola',
      ],
    );
  });
});
