import type { ModbusChannel, ModbusLimits, ModbusMapping, ModbusTransport } from '../../site/model.js';
import type { PointDefinition } from '../../site/points.js';
import { QUALITIES } from '../../site/points.js';
import type { Readings } from '../../site/readings.js';

/** A point and where it lives, for tests; what is left out is plain. */
export type TestPoint = Partial<Omit<PointDefinition, 'kind' | 'id'>> &
  Partial<Omit<ModbusMapping, 'address' | 'dataType'>> & { kind?: PointDefinition['kind']; address: number };

const LIMITS: ModbusLimits = {
  connectTimeoutMs: 1000,
  responseTimeoutMs: 1000,
  retries: 0,
  maxRegistersPerRead: 125,
  maxBitsPerRead: 2000,
  maxGap: 5,
  pipeline: 1,
  pauseMs: 0,
};

/** A Modbus channel whose points have the ids 1, 2, 3 … in the order given. */
export function modbusChannel(
  transport: ModbusTransport | number,
  points: readonly TestPoint[],
  limits: Partial<ModbusLimits> = {},
  sharedConnection = false,
): ModbusChannel {
  return {
    protocol: 'modbus',
    id: 1001,
    name: 'test',
    enabled: true,
    pollingIntervalMs: 1000,
    transport: typeof transport === 'number' ? { type: 'tcp', host: '127.0.0.1', port: transport } : transport,
    sharedConnection,
    limits: { ...LIMITS, ...limits },
    points: points.map(({ kind = 'T', dataType = 'uint16', ...rest }, index) => ({
      kind,
      id: index + 1,
      name: rest.name ?? `p${index + 1}`,
      unit: rest.unit ?? '',
      dataType,
      scale: rest.scale ?? 1,
      offset: rest.offset ?? 0,
      reverse: rest.reverse ?? false,
      deadband: 0,
      ...(rest.min === undefined ? {} : { min: rest.min }),
      ...(rest.max === undefined ? {} : { max: rest.max }),
    })),
    mappings: points.map(({ dataType = 'uint16', ...rest }) => ({
      unitId: rest.unitId ?? 1,
      functionCode: rest.functionCode ?? 3,
      address: rest.address,
      dataType,
      byteOrder: rest.byteOrder ?? 'ABCD',
      registers: rest.registers ?? 1,
      ...(rest.bit === undefined ? {} : { bit: rest.bit }),
      ...(rest.writeFunctionCode === undefined ? {} : { writeFunctionCode: rest.writeFunctionCode }),
    })),
  };
}

/** Values and qualities, point by point: `12.5 good`, `never bad`. */
export function shown(readings: Readings): string[] {
  return readings.points.map((_, index) => {
    const value = readings.texts.get(index) ?? (readings.values[index] as number);
    const text = Number.isNaN(value) ? 'never' : String(value);
    return `${text} ${QUALITIES[readings.quality[index] as number]}`;
  });
}
