import { BYTE_ORDERS, type ByteOrder, type ModbusMapping } from '../model.js';
import { isState, type DataType, type PointDefinition } from '../points.js';
import { readInteger, readWord, type Row } from './cells.js';
import type { TableColumns } from './csv-table.js';
import { DATA_TYPE_WORDS } from './point-table.js';
import { choices, nearest, show } from './problems.js';
import { readAddress } from './register-address.js';

/** Columns of a Modbus mapping table, of the newer and of the older form. */
export const MAPPING_COLUMNS: TableColumns = {
  required: ['point_id', 'function_code', 'register_address'],
  optional: [
    'slave_id',
    'data_type',
    'byte_order',
    'bit_position',
    'write_function_code',
    'register_count',
    // The older form only.
    'signal_name',
    'data_format',
    'coil_number',
  ],
};

const REGISTERS: Record<Exclude<DataType, 'string'>, number> = {
  bool: 1,
  uint16: 1,
  int16: 1,
  bcd16: 1,
  uint32: 2,
  int32: 2,
  float32: 2,
  bcd32: 2,
  uint64: 4,
  int64: 4,
  float64: 4,
};
/** Modbus Application Protocol V1.1b3: function 3 reads at most 125 registers, function 16 writes at most 123. */
const MAX_READ = 125;
const MAX_WRITE = 123;

type ReadCode = ModbusMapping['functionCode'];
type WriteCode = NonNullable<ModbusMapping['writeFunctionCode']>;

/** Where a point lives on the device; undefined when a fault was noted. */
export function readMapping(row: Row, point: PointDefinition, slaveId: number): ModbusMapping | undefined {
  const isOlder = row.has('signal_name') || row.has('data_format') || row.has('coil_number');
  const unitId = readInteger(row, 'slave_id', 0, 255, slaveId);
  const codes = readFunctionCodes(row, point);
  const isBits = codes !== undefined && codes.read <= 2;
  const address = codes === undefined ? undefined : readAddress(row, codes.read, isOlder);
  const encoding = readEncoding(row, point, isBits);
  if (unitId === undefined || codes === undefined || address === undefined || encoding === undefined) return undefined;

  const { dataType, registers, byteOrder, bit } = encoding;
  if (address + registers > 0x1_0000) {
    const found = `${address} with ${registers} registers`;
    row.report('register_address', found, 'registers up to 65535', `${found} ends beyond 65535, the last register`);
    return undefined;
  }
  const writeFunctionCode = readWriteCode(row, point, codes, registers);
  if (writeFunctionCode === null) return undefined;
  return {
    unitId,
    functionCode: codes.read,
    ...(writeFunctionCode === undefined ? {} : { writeFunctionCode }),
    address,
    dataType,
    byteOrder,
    ...(bit === undefined ? {} : { bit }),
    registers,
  };
}

const READ_OF: Record<WriteCode, ReadCode> = { 5: 1, 15: 1, 6: 3, 16: 3 };

/** The reading function and, when the column holds a writing one (5, 6, 15, 16), that too. */
function readFunctionCodes(row: Row, point: PointDefinition): { read: ReadCode; write?: WriteCode } | undefined {
  const allowed = { T: [1, 2, 3, 4], S: [1, 2, 3, 4], C: [1, 3, 5, 6, 15, 16], A: [3, 6, 16] }[point.kind];
  const text = row.cell('function_code');
  const code = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!allowed.includes(code)) {
    const what = { T: 'telemetry', S: 'a signal', C: 'a control', A: 'an adjustment' }[point.kind];
    row.report(
      'function_code',
      text === '' ? 'nothing' : show(text),
      `${choices(allowed)} for ${what} (${point.kind})`,
    );
    return undefined;
  }
  if (code <= 4) return { read: code as ReadCode };
  return { read: READ_OF[code as WriteCode], write: code as WriteCode };
}

/** Undefined: the point is only read. Null: a fault was noted. */
function readWriteCode(
  row: Row,
  point: PointDefinition,
  codes: { read: ReadCode; write?: WriteCode },
  registers: number,
): WriteCode | undefined | null {
  const text = row.cell('write_function_code');
  if (point.kind === 'T' || point.kind === 'S') {
    if (text === '') return undefined;
    row.report('write_function_code', show(text), `nothing, as ${point.kind} points are only read`);
    return null;
  }
  if (registers > MAX_WRITE) {
    row.report('register_count', show(registers), `up to ${MAX_WRITE} registers, as one request cannot write more`);
    return null;
  }
  const isCoil = codes.read === 1;
  const single: WriteCode = isCoil ? 5 : 6;
  const several: WriteCode = isCoil ? 15 : 16;
  if (text !== '') {
    const allowed = registers === 1 ? [single, several] : [several];
    if (allowed.some((code) => String(code) === text)) return Number(text) as WriteCode;
    const target = isCoil ? 'a coil' : `a value of ${registers} register${registers === 1 ? '' : 's'}`;
    row.report('write_function_code', show(text), `${choices(allowed)} for ${target}`);
    return null;
  }
  // Function 6 cannot write more than one register, whatever the function_code column says.
  if (registers > 1) return several;
  return codes.write ?? single;
}

interface Encoding {
  dataType: DataType;
  registers: number;
  byteOrder: ByteOrder;
  bit: number | undefined;
}

function readEncoding(row: Row, point: PointDefinition, isBits: boolean): Encoding | undefined {
  const column = row.cell('data_format') === '' ? 'data_type' : 'data_format';
  const given = readWord(row, column, DATA_TYPE_WORDS);
  if (given === undefined && row.cell(column) !== '') return undefined;
  let bit = row.cell('bit_position') === '' ? undefined : readInteger(row, 'bit_position', 0, 15);
  if (bit === undefined && row.cell('bit_position') !== '') return undefined;
  if (isBits) return readBitEncoding(row, column, given, bit);

  let dataType = given ?? point.dataType;
  // VoltageEMS's tables fill the column with 0 where no bit is meant.
  if (bit === 0 && dataType !== 'bool' && !isState(point.kind)) bit = undefined;
  if (bit !== undefined) {
    const allowed: DataType[] = isState(point.kind) ? ['bool', 'uint16', 'int16'] : ['bool'];
    if (!allowed.includes(dataType)) {
      row.report(
        'bit_position',
        String(bit),
        'nothing',
        `found a bit of a ${dataType}, allowed with ${choices(allowed)}`,
      );
      return undefined;
    }
    dataType = 'bool';
  }
  if ((dataType === 'string') !== (point.dataType === 'string')) {
    const allowed = `string in both tables or in none`;
    row.report(column, show(dataType), allowed, `found ${dataType} for a ${point.dataType} point, allowed ${allowed}`);
    return undefined;
  }
  const registers = readRegisterCount(row, dataType);
  if (registers === undefined) return undefined;
  const width = dataType === 'string' ? 1 : registers;
  const fitting = BYTE_ORDERS.filter((order) => order.length === width * 2);
  const byteOrder = readByteOrder(row, fitting, dataType);
  return byteOrder === undefined ? undefined : { dataType, registers, byteOrder, bit };
}

/** Coils and discrete inputs hold one bit each; what a table says beyond that must not contradict it. */
function readBitEncoding(row: Row, column: string, given: DataType | undefined, bit = 0): Encoding | undefined {
  const count = row.cell('register_count');
  if (given !== undefined && given !== 'bool') {
    row.report(column, show(given), 'bool, as coils and discrete inputs hold one bit');
  } else if (bit !== 0) {
    row.report('bit_position', String(bit), 'nothing, as only registers have bits');
  } else if (count !== '' && count !== '1') {
    row.report('register_count', show(count), '1, as coils and discrete inputs hold one bit');
  } else if (readByteOrder(row, BYTE_ORDERS, 'a bit') !== undefined) {
    return { dataType: 'bool', registers: 1, byteOrder: 'AB', bit: undefined };
  }
  return undefined;
}

function readRegisterCount(row: Row, dataType: DataType): number | undefined {
  if (dataType === 'string') return readInteger(row, 'register_count', 1, MAX_READ);
  const width = REGISTERS[dataType];
  const text = row.cell('register_count');
  if (text === '' || text === String(width)) return width;
  row.report('register_count', show(text), `${width} for ${dataType}`);
  return undefined;
}

/** One of the fitting orders, in any case; the first of them when none is given. */
function readByteOrder(row: Row, fitting: readonly ByteOrder[], what: string): ByteOrder | undefined {
  const text = row.cell('byte_order');
  const order = text === '' ? fitting[0] : fitting.find((name) => name === text.toUpperCase());
  if (order !== undefined) return order;
  const allowed = `${choices(fitting)} for ${what}`;
  const near = nearest(text, fitting);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  row.report('byte_order', show(text), allowed, `found ${show(text)}, allowed ${allowed}${hint}`);
  return undefined;
}
