import { StatewattError, errorMessage } from '../../errors/error.js';
import { ProtocolError } from '../../protocols/driver.js';
import { REGISTERS, bitDecoderOf, decoderOf } from '../../protocols/modbus/codec.js';
import { ILLEGAL_DATA_ADDRESS, ILLEGAL_DATA_VALUE } from '../../protocols/modbus/pdu.js';
import { RegisterBank, type BankWrite } from '../../protocols/modbus/simulator/index.js';
import type { ModbusChannel, ModbusMapping } from '../../site/model.js';
import { isState, type PointDefinition } from '../../site/points.js';
import { toRaw } from '../../site/readings.js';
import type { Command, DeviceSignals, Reading } from './signals.js';

interface BoundPoint {
  readonly point: PointDefinition;
  readonly mapping: ModbusMapping;
  readonly bank: RegisterBank;
  readonly read: Reading;
  readonly write?: Command['write'];
}

/**
 * The registers of a simulated device. They are laid out by the channel's own point and mapping tables, so what the
 * device serves is what the channel expects, in the encoding that it expects.
 */
export class ChannelRegisters {
  readonly channel: ModbusChannel;
  /** By unit id. */
  readonly units: Readonly<Record<number, RegisterBank>>;
  /** Points of the tables that the device does not have; their registers stay 0. */
  readonly unknown: readonly string[];
  readonly #bound: readonly BoundPoint[];

  constructor(channel: ModbusChannel, signals: DeviceSignals) {
    this.channel = channel;
    const units: Record<number, RegisterBank> = {};
    const bound: BoundPoint[] = [];
    const unknown: string[] = [];
    for (const [index, point] of channel.points.entries()) {
      const mapping = channel.mappings[index] as ModbusMapping;
      const { unitId } = mapping;
      const bank = (units[unitId] ??= new RegisterBank({ onWrite: (write) => this.#write(unitId, write) }));
      const source = sourceOf(signals, point);
      if (source === undefined) unknown.push(`${point.kind} ${point.id} "${point.name}"`);
      else bound.push({ point, mapping, bank, ...source });
    }
    this.units = units;
    this.unknown = unknown;
    this.#bound = bound;
  }

  /**
   * Brings every register up to date.
   * @throws StatewattError `demo.value_does_not_fit` when a value does not fit the encoding that the tables give it
   */
  refresh(): void {
    for (const bound of this.#bound) {
      try {
        store(bound);
      } catch (cause) {
        const { kind, id, name } = bound.point;
        const where = `channel ${this.channel.id}, ${kind} ${id} "${name}"`;
        throw new StatewattError('demo.value_does_not_fit', 'invalid', `${where}: ${errorMessage(cause)}`, { cause });
      }
    }
  }

  /** A client's write: answers 0, or the exception code that refuses it. */
  #write(unitId: number, write: BankWrite): number {
    const from = write.address;
    const to = from + write.values.length;
    const touched = this.#bound.filter(
      ({ mapping }) =>
        mapping.unitId === unitId &&
        areaOf(mapping) === write.area &&
        mapping.address < to &&
        mapping.address + mapping.registers > from,
    );
    const covers = (address: number): boolean =>
      touched.some(({ mapping }) => address >= mapping.address && address < mapping.address + mapping.registers);
    if (touched.some((bound) => bound.write === undefined)) return ILLEGAL_DATA_ADDRESS;
    if (!write.values.every((_, index) => covers(from + index))) return ILLEGAL_DATA_ADDRESS;
    try {
      for (const bound of touched) bound.write?.(writtenValue(bound, write));
      return 0;
    } catch (error) {
      if (error instanceof ProtocolError) return ILLEGAL_DATA_VALUE;
      throw error;
    }
  }
}

function sourceOf(
  signals: DeviceSignals,
  { kind, name }: PointDefinition,
): Omit<BoundPoint, 'point' | 'mapping' | 'bank'> | undefined {
  if (kind === 'C' || kind === 'A') return signals[kind]?.[name];
  const read = signals[kind][name];
  return read === undefined ? undefined : { read };
}

function areaOf({ functionCode }: ModbusMapping): 'coils' | 'discrete' | 'holding' | 'input' {
  return ({ 1: 'coils', 2: 'discrete', 3: 'holding', 4: 'input' } as const)[functionCode];
}

/** Bit of the register as it is on the wire, high byte first. */
function wireBit({ bit = 0, byteOrder }: ModbusMapping): number {
  return byteOrder === 'BA' ? bit ^ 8 : bit;
}

function store({ point, mapping, bank, read }: BoundPoint): void {
  const value = read();
  const { address, dataType, byteOrder, registers } = mapping;
  const area = areaOf(mapping);
  if (typeof value === 'string' || dataType === 'string') {
    if (area === 'holding' || area === 'input') bank[area].setString(address, String(value), registers, byteOrder);
    return;
  }
  const raw = toRaw(point, value);
  if (area === 'coils' || area === 'discrete') bank[area].set(address, raw !== 0);
  else if (mapping.bit !== undefined) bank[area].setBit(address, wireBit(mapping), raw !== 0);
  else bank[area].setNumber(address, dataType, byteOrder, raw);
}

/** The engineering value that a point has after the write. */
function writtenValue({ point, mapping, bank }: BoundPoint, { area, address, values }: BankWrite): number {
  const raw =
    area === 'coils' ? (values[mapping.address - address] as number) : writtenRaw(mapping, bank, address, values);
  if (isState(point.kind)) return (raw !== 0) !== point.reverse ? 1 : 0;
  return raw * point.scale + point.offset;
}

function writtenRaw(mapping: ModbusMapping, bank: RegisterBank, from: number, values: readonly number[]): number {
  const { address, dataType, byteOrder, bit } = mapping;
  if (dataType === 'string') throw new ProtocolError('protocol.write_refused', 'text cannot be written');
  const count = REGISTERS[dataType];
  const wire = new Uint8Array(count * 2);
  bank.holding.copyWire(address, count, wire, 0);
  for (let word = 0; word < count; word++) {
    const value = values[address + word - from];
    if (value !== undefined) wire.set([value >> 8, value & 255], word * 2);
  }
  return (bit === undefined ? decoderOf(dataType, byteOrder) : bitDecoderOf(bit, byteOrder))(wire, 0);
}
