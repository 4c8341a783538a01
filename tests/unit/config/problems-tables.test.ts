import assert from 'node:assert/strict';
import { linesOf } from '../../support/config.js';

/** What is wrong in a site of these files, without the source lines. */
const CASES: readonly { what: string; files: Record<string, string | Uint8Array>; problems: readonly string[] }[] = [
  {
    what: 'a folder that is not there',
    files: {
      'site.yaml': `channels: [{ id: 1, protocol: modbus, address: a, tables: t }]
`,
    },
    problems: [
      'site.yaml:1:51: channels[0].tables: found no such folder (/site/t), allowed a folder with any of telemetry.csv, signal.csv, control.csv, adjustment.csv',
    ],
  },
  {
    what: 'a folder without tables',
    files: {
      'site.yaml': `channels: [{ id: 1, protocol: modbus, address: a, tables: t }]
`,
      't/readme.txt': '',
    },
    problems: [
      'site.yaml:1:51: channels[0].tables: found no table (/site/t), allowed a folder with any of telemetry.csv, signal.csv, control.csv, adjustment.csv',
    ],
  },
  {
    what: 'tables without mappings',
    files: {
      'site.yaml': `channels: [{ id: 1, protocol: modbus, address: a, tables: t }]
`,
      't/telemetry.csv': `point_id,signal_name,scale,offset,unit,reverse,data_type
1,A,,,,,float
2,B,,,,,float
`,
      't/signal.csv': `point_id,signal_name,scale,offset,unit,reverse,data_type
1,A,,,,,bool
`,
    },
    problems: [
      't/mapping/signal_mapping.csv: there is no such file; found 1 signal point without a mapping table',
      't/mapping/telemetry_mapping.csv: there is no such file; found 2 telemetry points without a mapping table',
    ],
  },
  {
    what: 'named tables that are not there',
    files: {
      'site.yaml': `channels:
  - id: 1
    protocol: modbus
    address: a
    table_config:
      four_telemetry_files: {telemetry_file: t/x.csv, signal_file: s.csv}
      protocol_mapping_files: {signal_mapping: m.csv}
`,
      't/x.csv': `point_id,signal_name,scale,offset,unit,reverse,data_type
1,A,,,,,float
`,
    },
    problems: [
      'site.yaml:6:55: channels[0].table_config.four_telemetry_files.signal_file: there is no file /site/s.csv, allowed the path of a CSV table',
      'site.yaml:7:7: channels[0].table_config.protocol_mapping_files: found 1 telemetry point without a mapping table, allowed telemetry_mapping: the path of the table',
      'site.yaml:7:32: channels[0].table_config.protocol_mapping_files.signal_mapping: there is no file /site/m.csv, allowed the path of a CSV table',
    ],
  },
  {
    what: 'headers',
    files: {
      'site.yaml': `channels: [{ id: 1, protocol: modbus, address: a, tables: t }]
`,
      't/telemetry.csv': `point_id,signal_nam,scal,scale,scale
1,a,1,1,1
`,
      't/signal.csv': `# only a comment
`,
      't/control.csv': `id,name
`,
    },
    problems: [
      't/control.csv:1:1: unknown column "id", allowed point_id, signal_name, scale, offset, unit, reverse, data_type, deadband, min, max, min_value, max_value, description, chinese_name, normal_state, alarm_on_change or control_type',
      't/control.csv:1:1: the header lacks point_id, signal_name; allowed point_id, signal_name, scale, offset, unit, reverse, data_type, deadband, min, max, min_value, max_value, description, chinese_name, normal_state, alarm_on_change or control_type',
      't/control.csv:1:4: unknown column "name", allowed point_id, signal_name, scale, offset, unit, reverse, data_type, deadband, min, max, min_value, max_value, description, chinese_name, normal_state, alarm_on_change or control_type',
      't/signal.csv: found no line, allowed a header line: point_id,signal_name,scale,offset,unit,reverse,data_type,deadband,min,max,min_value,max_value,description,chinese_name,normal_state,alarm_on_change,control_type',
      't/telemetry.csv:1:1: the header lacks signal_name; allowed point_id, signal_name, scale, offset, unit, reverse, data_type, deadband, min, max, min_value, max_value, description, chinese_name, normal_state, alarm_on_change or control_type',
      't/telemetry.csv:1:10: unknown column "signal_nam", allowed point_id, signal_name, scale, offset, unit, reverse, data_type, deadband, min, max, min_value, max_value, description, chinese_name, normal_state, alarm_on_change or control_type; did you mean signal_name?',
      't/telemetry.csv:1:21: unknown column "scal", allowed point_id, signal_name, scale, offset, unit, reverse, data_type, deadband, min, max, min_value, max_value, description, chinese_name, normal_state, alarm_on_change or control_type; did you mean scale?',
      't/telemetry.csv:1:26: scale: found the column twice, allowed each column once',
    ],
  },
  {
    what: 'point rows',
    files: {
      'site.yaml': `channels: [{ id: 1, protocol: modbus, address: a, tables: t }]
`,
      't/telemetry.csv': `point_id,signal_name,scale,offset,unit,reverse,data_type
0,A,,,,,float
1,,x,1e999,,maybe,flot
2,B,0,0,kW,0,float
2,C,1,0,kW,0,float
3,D,1,0,kW,0,string
x
4,E,1,0,kW,0,bool,extra
`,
    },
    problems: [
      't/telemetry.csv:2:1: point_id: found "0", allowed a whole number from 1 to 1073741823',
      't/telemetry.csv:3:3: signal_name: found nothing, allowed a name',
      't/telemetry.csv:3:4: scale: found "x", allowed a number',
      't/telemetry.csv:3:6: offset: found "1e999", allowed a number',
      't/telemetry.csv:3:13: reverse: found "maybe", allowed 0, 1, false or true',
      't/telemetry.csv:3:19: data_type: found "flot", allowed bool, uint16, int16, uint32, int32, uint64, int64, float32, float64, bcd16, bcd32, string, float or int; did you mean float?',
      't/telemetry.csv:4:5: scale: found 0, allowed a number other than 0',
      't/telemetry.csv:5:1: point_id: found id 2, which the telemetry point "B" has too, allowed each id once for telemetry',
      't/telemetry.csv:7:1: point_id: found "x", allowed a whole number from 1 to 1073741823',
      't/telemetry.csv:7:1: signal_name: found nothing, allowed a name',
      't/telemetry.csv:8:14: data_type: the row has 8 fields, allowed 7, as in the header',
      't/mapping/telemetry_mapping.csv: there is no such file; found 3 telemetry points without a mapping table',
    ],
  },
  {
    what: 'places after quoted commas and line breaks',
    files: {
      'site.yaml': `channels: [{ id: 1, protocol: modbus, address: a, tables: t }]
`,
      't/telemetry.csv': `point_id,signal_name,scale,offset,deadband,min,max
1,A,0,1,-1,5,2
2,"multi
line, too",1,0,x,2,3
3,B,1,0,z,,
`,
      't/mapping/telemetry_mapping.csv': `point_id,slave_id,function_code,register_address,data_type,byte_order,bit_position
1,1,3,1,,,
2,1,3,3,,,
3,1,3,5,,,
`,
    },
    problems: [
      't/telemetry.csv:2:5: scale: found 0, allowed a number other than 0',
      't/telemetry.csv:2:9: deadband: found -1, allowed a number from 0',
      't/telemetry.csv:2:12: min: found 5, allowed a number up to the maximum, 2',
      't/telemetry.csv:4:16: deadband: found "x", allowed a number',
      't/telemetry.csv:5:9: deadband: found "z", allowed a number',
    ],
  },
  {
    what: 'mapping rows',
    files: {
      'site.yaml': `channels: [{ id: 1, protocol: modbus, address: a, tables: t }]
`,
      't/telemetry.csv': `point_id,signal_name,scale,offset,unit,reverse,data_type
1,P1,1,0,,0,float
2,P2,1,0,,0,float
3,P3,1,0,,0,float
4,P4,1,0,,0,float
5,P5,1,0,,0,float
6,P6,1,0,,0,float
7,P7,1,0,,0,float
8,P8,1,0,,0,float
9,P9,1,0,,0,float
10,P10,1,0,,0,float
11,P11,1,0,,0,float
12,P12,1,0,,0,float
13,P13,1,0,,0,float
14,P14,1,0,,0,float
20,S,1,0,,0,string
21,T,1,0,,0,string
`,
      't/mapping/telemetry_mapping.csv': `point_id,slave_id,function_code,register_address,data_type,byte_order,bit_position
1,256,3,1,float32,ABCD,
2,1,5,1,float32,ABCD,
3,1,3,70000,float32,ABCD,
4,1,3,65535,float32,ABCD,
5,1,3,5,uint16,ABCD,
6,1,3,5,flaot,ABCD,
7,1,3,5,float32,ABDC,
8,1,3,5,float32,ABCD,3
9,1,3,5,bool,AB,16
10,1,1,5,uint16,AB,
11,1,1,5,bool,AB,4
12,1,1,5,bool,XY,
13,1,3,5,float32,ABCD,
13,1,3,7,float32,ABCD,
99,1,3,7,float32,ABCD,
20,1,3,7,string,,
21,1,3,7,uint16,,
`,
      't/control.csv': `point_id,signal_name,scale,offset,unit,reverse,data_type
1,A,1,0,,0,bool
2,B,1,0,,0,bool
`,
      't/mapping/control_mapping.csv': `point_id,slave_id,function_code,register_address,data_type,byte_order,bit_position
1,1,2,5,bool,,
2,1,4,5,bool,,
`,
      't/adjustment.csv': `point_id,signal_name,scale,offset,unit,reverse,data_type
1,A,1,0,,0,float
2,A,1,0,,0,float
3,A,1,0,,0,float
`,
      't/mapping/adjustment_mapping.csv': `point_id,slave_id,function_code,register_address,data_type,byte_order,bit_position,write_function_code
1,1,1,5,bool,,,
2,1,3,5,float32,,,6
3,1,3,7,float32,,,x
`,
      't/signal.csv': `point_id,signal_name,scale,offset,unit,reverse,data_type
1,A,1,0,,0,bool
2,A,1,0,,0,string
`,
      't/mapping/signal_mapping.csv': `point_id,slave_id,function_code,register_address,data_type,byte_order,bit_position,write_function_code
1,1,3,5,float32,,5,
2,1,3,5,,,,6
`,
    },
    problems: [
      't/signal.csv:3:12: data_type: found "string", allowed a number type or bool, as the point is a state',
      't/telemetry.csv:15:1: point_id: found point 14 without a mapping, allowed a point with a row in telemetry_mapping.csv',
      't/mapping/adjustment_mapping.csv:2:5: function_code: found "1", allowed 3, 6 or 16 for an adjustment (A)',
      't/mapping/adjustment_mapping.csv:3:19: write_function_code: found "6", allowed 16 for a value of 2 registers',
      't/mapping/adjustment_mapping.csv:4:19: write_function_code: found "x", allowed 16 for a value of 2 registers',
      't/mapping/control_mapping.csv:2:5: function_code: found "2", allowed 1, 3, 5, 6, 15 or 16 for a control (C)',
      't/mapping/control_mapping.csv:3:5: function_code: found "4", allowed 1, 3, 5, 6, 15 or 16 for a control (C)',
      't/mapping/signal_mapping.csv:2:18: bit_position: found a bit of a float32, allowed with bool, uint16 or int16',
      't/mapping/signal_mapping.csv:3:1: register_count: found nothing, allowed a whole number from 1 to 125',
      't/mapping/telemetry_mapping.csv:2:3: slave_id: found "256", allowed a whole number from 0 to 255',
      't/mapping/telemetry_mapping.csv:3:5: function_code: found "5", allowed 1, 2, 3 or 4 for telemetry (T)',
      't/mapping/telemetry_mapping.csv:4:7: register_address: found "70000", allowed a whole number from 0 to 65535',
      't/mapping/telemetry_mapping.csv:5:7: register_address: 65535 with 2 registers ends beyond 65535, the last register',
      't/mapping/telemetry_mapping.csv:6:16: byte_order: found "ABCD", allowed AB or BA for uint16',
      't/mapping/telemetry_mapping.csv:7:9: data_type: found "flaot", allowed bool, uint16, int16, uint32, int32, uint64, int64, float32, float64, bcd16, bcd32, string, float or int; did you mean float?',
      't/mapping/telemetry_mapping.csv:8:17: byte_order: found "ABDC", allowed ABCD, DCBA, BADC or CDAB for float32; did you mean ABCD?',
      't/mapping/telemetry_mapping.csv:9:22: bit_position: found a bit of a float32, allowed with bool',
      't/mapping/telemetry_mapping.csv:10:17: bit_position: found "16", allowed a whole number from 0 to 15',
      't/mapping/telemetry_mapping.csv:11:10: data_type: found "uint16", allowed bool, as coils and discrete inputs hold one bit',
      't/mapping/telemetry_mapping.csv:12:18: bit_position: found 4, allowed nothing, as only registers have bits',
      't/mapping/telemetry_mapping.csv:13:15: byte_order: found "XY", allowed AB, BA, ABCD, DCBA, BADC, CDAB, ABCDEFGH, HGFEDCBA, BADCFEHG or GHEFCDAB for a bit',
      't/mapping/telemetry_mapping.csv:15:1: point_id: found point 13 again, allowed one row for each point',
      't/mapping/telemetry_mapping.csv:16:1: point_id: found 99, which is no telemetry point; allowed a point of the telemetry table',
      't/mapping/telemetry_mapping.csv:17:1: register_count: found nothing, allowed a whole number from 1 to 125',
      't/mapping/telemetry_mapping.csv:18:10: data_type: found uint16 for a string point, allowed string in both tables or in none',
    ],
  },
  {
    what: 'mapping rows of the older form',
    files: {
      'site.yaml': `channels: [{ id: 1, protocol: modbus, address: a, tables: t }]
`,
      't/telemetry.csv': `point_id,signal_name,scale,offset,unit,reverse,data_type
1,A,,,,,int
2,A,,,,,int
3,A,,,,,int
4,A,,,,,int
5,A,,,,,float
`,
      't/protocol/telemetry_mapping.csv': `point_id,signal_name,slave_id,function_code,register_address,data_format,register_count
1,A,1,3,40000,int16,1
2,A,1,3,10001,int16,1
3,A,1,1,40001,bool,1
4,A,1,4,465537,int16,1
5,A,1,4,30001,float32,1
`,
    },
    problems: [
      't/protocol/telemetry_mapping.csv:2:9: register_address: found "40000", allowed a reference number from 40001 to 49999',
      't/protocol/telemetry_mapping.csv:3:9: register_address: found "10001", allowed a reference number that function 3 reads; 10001 is a discrete input',
      't/protocol/telemetry_mapping.csv:4:9: register_address: found "40001", allowed a reference number that function 1 reads; 40001 is a register',
      't/protocol/telemetry_mapping.csv:5:9: register_address: found "465537", allowed a reference number from 400001 to 465536',
      't/protocol/telemetry_mapping.csv:6:23: register_count: found "1", allowed 2 for float32',
    ],
  },
  {
    what: 'a quote that is never closed',
    files: {
      'site.yaml': `channels: [{ id: 1, protocol: modbus, address: a, tables: t }]
`,
      't/telemetry.csv': `point_id,signal_name,scale,offset,unit,reverse,data_type
1,"A,1,0,,0,bool
2,B,1,0,,0,bool
`,
    },
    problems: [
      't/telemetry.csv:2:1: not valid CSV: Quote Not Closed: the parsing is finished with an opening quote at line 3',
    ],
  },
];

describe('problems of tables', () => {
  for (const { what, files, problems } of CASES) {
    it(`are all told: ${what}`, async () => {
      assert.deepEqual(await linesOf(files), problems);
    });
  }
});
