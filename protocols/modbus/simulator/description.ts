import { Ajv2020 } from 'ajv/dist/2020.js';
import Type, { type Static } from 'typebox';
import { StatewattError } from '../../../errors/error.js';
import { BYTE_ORDERS, type ByteOrder, type VirtualPattern } from '../../../site/model.js';
import { DATA_TYPES, type DataType } from '../../../site/points.js';
import { createSignal, type Signal } from '../../virtual/patterns.js';
import { RegisterBank } from './bank.js';
import type { ModbusDeviceOptions } from './server.js';
import { SELDOM_USED } from '../../../site/validator.js';

const AREAS = ['holding', 'input', 'coils', 'discrete'] as const;
const Positive = Type.Number({ exclusiveMinimum: 0 });
const strict = { additionalProperties: false } as const;

/** How a value moves, beginning when the simulator starts; the patterns of virtual channels. */
const PatternSchema = Type.Union([
  Type.Object(
    {
      type: Type.Literal('sine'),
      amplitude: Type.Number(),
      frequencyHz: Positive,
      phase: Type.Number(),
      offset: Type.Number(),
    },
    strict,
  ),
  Type.Object(
    {
      type: Type.Literal('random-walk'),
      initialValue: Type.Number(),
      stepSize: Positive,
      min: Type.Number(),
      max: Type.Number(),
    },
    strict,
  ),
  Type.Object(
    { type: Type.Literal('step'), values: Type.Array(Type.Number(), { minItems: 1 }), durationMs: Positive },
    strict,
  ),
  Type.Object(
    {
      type: Type.Literal('ramp'),
      from: Type.Number(),
      to: Type.Number(),
      durationMs: Positive,
      repeat: Type.Boolean(),
    },
    strict,
  ),
]);

const ValueSchema = Type.Object(
  {
    area: Type.Unsafe<(typeof AREAS)[number]>({ enum: [...AREAS] }),
    address: Type.Integer({ minimum: 0, maximum: 65_535 }),
    /** Registers only. */
    dataType: Type.Optional(
      Type.Unsafe<Exclude<DataType, 'string'>>({ enum: DATA_TYPES.filter((type) => type !== 'string') }),
    ),
    byteOrder: Type.Optional(Type.Unsafe<ByteOrder>({ enum: [...BYTE_ORDERS] })),
    /** A number that stays, or a pattern. */
    value: Type.Union([Type.Number(), PatternSchema]),
  },
  strict,
);
type ValueDescription = Static<typeof ValueSchema>;

/** What a simulator process serves. */
export const DescriptionSchema = Type.Object(
  {
    host: Type.Optional(Type.String({ default: '127.0.0.1' })),
    /** Moving values are set anew this often. */
    intervalMs: Type.Optional(Type.Integer({ minimum: 10, default: 1000 })),
    seed: Type.Optional(Type.Integer({ default: 1 })),
    devices: Type.Array(
      Type.Object(
        {
          /** 0 takes a free one. */
          port: Type.Integer({ minimum: 0, maximum: 65_535 }),
          /** So many devices alike, on this port and those that follow. */
          count: Type.Optional(Type.Integer({ minimum: 1, default: 1 })),
          units: Type.Record(Type.String({ pattern: '^\\d{1,3}$' }), Type.Array(ValueSchema)),
        },
        strict,
      ),
      { minItems: 1 },
    ),
  },
  strict,
);
export type SimulatorDescription = Static<typeof DescriptionSchema>;

/**
 * Checks what a description file holds.
 * @throws StatewattError `simulator.invalid_description` naming every fault
 */
export function checkDescription(found: unknown, file: string): SimulatorDescription {
  const validate = new Ajv2020({ ...SELDOM_USED, allErrors: true, strict: false }).compile<SimulatorDescription>(
    DescriptionSchema,
  );
  if (validate(found)) return found;
  const faults = (validate.errors ?? []).map(({ instancePath, message, params }) => {
    const { allowedValues, additionalProperty } = params as { allowedValues?: unknown[]; additionalProperty?: string };
    const allowed = allowedValues === undefined ? '' : ` (${allowedValues.join(', ')})`;
    const extra = additionalProperty === undefined ? '' : ` (${additionalProperty})`;
    return `${instancePath === '' ? '/' : instancePath} ${message ?? 'is wrong'}${allowed}${extra}`;
  });
  throw new StatewattError('simulator.invalid_description', 'invalid', `${file}:\n  ${faults.join('\n  ')}`, {
    details: { file, faults },
  });
}

export interface DescribedDevices {
  readonly devices: readonly ModbusDeviceOptions[];
  /** Sets every moving value as it is so many ms after the start. */
  readonly update: (elapsedMs: number) => void;
}

/** The devices of a description. @throws ProtocolError `protocol.value_out_of_range` */
export function describedDevices({ devices, seed = 1 }: SimulatorDescription): DescribedDevices {
  const moving: ((elapsedMs: number) => void)[] = [];
  const options: ModbusDeviceOptions[] = [];
  for (const { port, count = 1, units } of devices) {
    for (let index = 0; index < count; index++) {
      const banks: Record<number, RegisterBank> = {};
      for (const [unit, values] of Object.entries(units)) {
        const bank = (banks[Number(unit)] = new RegisterBank());
        for (const value of values) {
          // Devices alike have walks of their own.
          const signal = signalOf(value, seed + index);
          const set = (elapsedMs: number): void => setValue(bank, value, signal(elapsedMs));
          set(0);
          if (typeof value.value !== 'number') moving.push(set);
        }
      }
      options.push({ port: port === 0 ? 0 : port + index, units: banks });
    }
  }
  return {
    devices: options,
    update: (elapsedMs) => {
      for (const set of moving) set(elapsedMs);
    },
  };
}

function signalOf({ value, address }: ValueDescription, seed: number): Signal {
  if (typeof value === 'number') return () => value;
  const pattern: VirtualPattern = { kind: 'T', pointId: address, ...value };
  return createSignal(pattern, seed);
}

function setValue(bank: RegisterBank, { area, address, dataType, byteOrder }: ValueDescription, value: number): void {
  if (area === 'coils' || area === 'discrete') bank[area].set(address, value !== 0);
  else bank[area].setNumber(address, dataType ?? 'uint16', byteOrder ?? 'ABCD', value);
}
