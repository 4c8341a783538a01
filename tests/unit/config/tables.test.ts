import assert from 'node:assert/strict';
import type { ModbusChannel, ModbusMapping, VirtualChannel } from '../../../site/model.js';
import { loadFiles } from '../../support/config.js';

const SITE = 'channels: [{ id: 1, protocol: modbus, address: a, tables: t }]\n';
const MAPPING =
  'point_id,slave_id,function_code,register_address,data_type,byte_order,bit_position,write_function_code\n';
const OLDER = 'point_id,signal_name,slave_id,function_code,register_address,data_format,register_count\n';

async function channelOf(files: Record<string, string>): Promise<ModbusChannel> {
  return (await loadFiles({ 'site.yaml': SITE, ...files })).channels[0] as ModbusChannel;
}

/** The mapping of the one point of a kind's table. */
async function mappingOf(kind: string, dataType: string, row: string, header = MAPPING): Promise<ModbusMapping> {
  const channel = await channelOf({
    [`t/${kind}.csv`]: `point_id,signal_name,data_type\n1,A,${dataType}\n`,
    [`t/mapping/${kind}_mapping.csv`]: `${header}1,${row}\n`,
  });
  return channel.mappings[0] as ModbusMapping;
}

describe('point tables', () => {
  it('may have a byte order mark, CRLF, quotes, blank lines, comments and columns in any order', async () => {
    const { points } = await channelOf({
      't/telemetry.csv':
        '\ufeff# exported\r\nSignal Name, unit ,point_id,min,max,deadband,scale\r\n\r\n' +
        '"Power, ""total""",kW,2,-10,1e3,.5,-0.1\r\n# 3 is not wired\r\n,,,,,,\r\n PCS #1 ,,1\r\n',
      't/mapping/telemetry_mapping.csv': `${MAPPING}2,,3,0,,,,\n1,,3,2,,,,\n`,
    });
    const base = { kind: 'T', dataType: 'float32', offset: 0, reverse: false };
    assert.deepEqual(points, [
      { ...base, id: 1, name: 'PCS #1', unit: '', scale: 1, deadband: 0 },
      { ...base, id: 2, name: 'Power, "total"', unit: 'kW', scale: -0.1, deadband: 0.5, min: -10, max: 1000 },
    ]);
  });

  it('are put in the order of kind and id, with their mappings', async () => {
    const header = 'point_id,signal_name\n';
    const { points, mappings } = await channelOf({
      't/adjustment.csv': `${header}1,a1\n`,
      't/telemetry.csv': `${header}10,t10\n2,t2\n`,
      't/mapping/adjustment_mapping.csv': `${MAPPING}1,,3,30,,,,\n`,
      't/mapping/telemetry_mapping.csv': `${MAPPING}10,,3,10,,,,\n2,,3,2,,,,\n`,
    });
    assert.deepEqual(
      points.map(({ name }, index) => [name, mappings[index]?.address]),
      [
        ['t2', 2],
        ['t10', 10],
        ['a1', 30],
      ],
    );
  });

  it('need no mapping when a kind has no point', async () => {
    const header = 'point_id,signal_name\n';
    const { points } = await channelOf({
      't/telemetry.csv': `${header}1,a\n`,
      't/signal.csv': header,
      't/mapping/telemetry_mapping.csv': `${MAPPING}1,,3,0,,,,\n`,
    });
    assert.equal(points.length, 1);
  });
});

describe('mapping tables', () => {
  const base = { unitId: 1, functionCode: 3, address: 5, byteOrder: 'AB', registers: 1 };
  const cases: [what: string, kind: string, type: string, row: string, expected: Partial<ModbusMapping>][] = [
    [
      'the point’s type where the row has none',
      'telemetry',
      'uint32',
      ',3,5,,,,',
      { dataType: 'uint32', byteOrder: 'ABCD', registers: 2 },
    ],
    [
      'float as float32',
      'telemetry',
      'int',
      ',3,5,float,CDAB,,',
      { dataType: 'float32', byteOrder: 'CDAB', registers: 2 },
    ],
    ['int as int16', 'telemetry', 'float', ',3,5,int,ba,,', { dataType: 'int16', byteOrder: 'BA', registers: 1 }],
    [
      'eight bytes',
      'telemetry',
      'float64',
      ',4,5,,GHEFCDAB,,',
      { functionCode: 4, dataType: 'float64', byteOrder: 'GHEFCDAB', registers: 4 },
    ],
    ['BCD', 'telemetry', 'bcd32', ',3,5,,,,', { dataType: 'bcd32', byteOrder: 'ABCD', registers: 2 }],
    ['bit 0 of a number as no bit', 'telemetry', 'uint16', ',3,5,uint16,AB,0,', { dataType: 'uint16', registers: 1 }],
    [
      'a bit of a register',
      'signal',
      'bool',
      '9,3,5,uint16,AB,0,',
      { unitId: 9, dataType: 'bool', bit: 0, registers: 1 },
    ],
    ['a discrete input', 'signal', 'bool', ',2,5,bool,AB,0,', { functionCode: 2, dataType: 'bool', registers: 1 }],
    [
      '5 as a coil',
      'control',
      'bool',
      ',5,5,,,,',
      { functionCode: 1, writeFunctionCode: 5, dataType: 'bool', registers: 1 },
    ],
    [
      '15 as a coil',
      'control',
      'bool',
      ',15,5,,,,',
      { functionCode: 1, writeFunctionCode: 15, dataType: 'bool', registers: 1 },
    ],
    [
      '1 of a control',
      'control',
      'bool',
      ',1,5,,,,',
      { functionCode: 1, writeFunctionCode: 5, dataType: 'bool', registers: 1 },
    ],
    ['6 as a register', 'adjustment', 'int16', ',6,5,,,,', { writeFunctionCode: 6, dataType: 'int16', registers: 1 }],
    [
      '6 of two registers as 16',
      'adjustment',
      'float',
      ',6,5,,,,',
      { writeFunctionCode: 16, dataType: 'float32', byteOrder: 'ABCD', registers: 2 },
    ],
    [
      '3 and a writing code',
      'adjustment',
      'int16',
      ',3,5,,,,16',
      { writeFunctionCode: 16, dataType: 'int16', registers: 1 },
    ],
  ];
  for (const [what, kind, type, row, expected] of cases) {
    it(`read ${what}`, async () => {
      assert.deepEqual(await mappingOf(kind, type, row), { ...base, ...expected });
    });
  }

  it('give a string its registers', async () => {
    const { dataType, registers, byteOrder } = await mappingOf('telemetry', 'string', 'x,1,3,5,,8', OLDER);
    assert.deepEqual({ dataType, registers, byteOrder }, { dataType: 'string', registers: 8, byteOrder: 'AB' });
  });

  const addresses: [code: number, written: string, address: number][] = [
    [3, '40001', 0],
    [3, '400001', 0],
    [3, '465536', 65535],
    [4, '30010', 9],
    [3, '30010', 9], // some manuals number holding registers so
    [2, '10001', 0],
    [1, '00017', 16],
    [1, '1', 1],
    [3, '5000', 5000],
    [3, '50000', 50000],
  ];
  for (const [code, written, address] of addresses) {
    it(`of the older form read ${written} for function ${code} as ${address}`, async () => {
      const mapping = await mappingOf('telemetry', code < 3 ? 'bool' : 'int16', `x,1,${code},${written},,`, OLDER);
      assert.equal(mapping.address, address);
    });
  }

  it('of the newer form hold addresses as on the wire', async () => {
    assert.equal((await mappingOf('telemetry', 'int16', '1,3,40001,,,,')).address, 40001);
  });
});

describe('replay tables', () => {
  it('are read at load', async () => {
    const site = await loadFiles({
      'site.yaml':
        'channels: [{ id: 1, protocol: virtual, simulation: { patterns: [{ type: replay, point_id: 1, file: day.csv, repeat: false }] } }]',
      'day.csv': 'time_ms,value\n0,1\n500,-2.5\n',
    });
    assert.deepEqual((site.channels[0] as VirtualChannel).patterns, [
      {
        type: 'replay',
        kind: 'T',
        pointId: 1,
        repeat: false,
        rows: [
          [0, 1],
          [500, -2.5],
        ],
      },
    ]);
    assert.equal(site.files.length, 2);
  });
});
