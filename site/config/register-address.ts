import type { ModbusMapping } from '../model.js';
import { readInteger, type Row } from './cells.js';
import { show } from './problems.js';

/** Tables of Modbus data by the first digit of a reference number. */
const TABLES: Record<string, { name: string; codes: readonly number[] }> = {
  '0': { name: 'a coil', codes: [1] },
  '1': { name: 'a discrete input', codes: [2] },
  // Device manuals, and VoltageEMS's own tables, write 3xxxx for function 3 as well: the function code decides.
  '3': { name: 'a register', codes: [3, 4] },
  '4': { name: 'a register', codes: [3, 4] },
};

/**
 * The address as on the wire, 0 … 65535. The newer form of the mapping tables holds just that. In the older form a
 * number of five or six digits that begins with 0, 1, 3 or 4 is a reference number counted from 1: 40001 (or 400001) is
 * holding register 0, 30001 input register 0, 10001 discrete input 0, 00001 coil 0; any other number is as on the wire.
 * Undefined: a fault was noted.
 */
export function readAddress(row: Row, code: ModbusMapping['functionCode'], isOlder: boolean): number | undefined {
  const text = row.cell('register_address');
  const match = isOlder ? /^([0134])(\d{4,5})$/.exec(text) : null;
  if (match === null) return readInteger(row, 'register_address', 0, 0xffff);
  const [, digit = '', rest = ''] = match;
  const table = TABLES[digit];
  const reference = Number(rest);
  if (reference < 1 || reference > 0x1_0000) {
    const last = rest.length === 4 ? `${digit}9999` : `${digit}65536`;
    row.report(
      'register_address',
      show(text),
      `a reference number from ${digit}${'1'.padStart(rest.length, '0')} to ${last}`,
    );
    return undefined;
  }
  if (table?.codes.includes(code) !== true) {
    row.report(
      'register_address',
      show(text),
      `a reference number that function ${code} reads; ${text} is ${table?.name}`,
    );
    return undefined;
  }
  return reference - 1;
}
