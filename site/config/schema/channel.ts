import Type, { type Static } from 'typebox';
import { BYTE_ORDERS } from '../../model.js';
import { CanChannelFile } from './can-channel.js';
import { channelKeys, intervalMs, pointKeys } from './channel-common.js';
import { GrpcChannelFile } from './grpc-channel.js';
import { closed, millis, tagged, words } from './helpers.js';
import { MqttChannelFile } from './mqtt-channel.js';
import { Simulation } from './simulation.js';

export const CHANNEL_DEFAULTS = {
  slaveId: 1,
  responseTimeoutMs: 1000,
  retries: 1,
  maxRegistersPerRead: 125,
  maxBitsPerRead: 2000,
  maxGap: 8,
  pipeline: 1,
  pauseMs: 0,
  port: 502,
  baudRate: 9600,
  dataBits: 8,
  stopBits: 1,
  parity: 'none',
} as const;
const D = CHANNEL_DEFAULTS;

const slaveId = Type.Integer({
  minimum: 0,
  maximum: 255,
  default: D.slaveId,
  description: 'Modbus unit id of points that name none',
});
const registersPerRead = (description: string) =>
  Type.Integer({ minimum: 1, maximum: 125, default: D.maxRegistersPerRead, description });

const Polling = closed({
  interval_ms: Type.Optional(intervalMs),
  batch_size: Type.Optional(registersPerRead('most registers of one request')),
});

const host = Type.String({ minLength: 1, description: 'host name or IP address', examples: ['192.168.1.100'] });
const port = Type.Integer({ minimum: 1, maximum: 65535, default: D.port });
const serial = {
  baud_rate: Type.Optional(Type.Integer({ minimum: 50, maximum: 4_000_000, default: D.baudRate })),
  data_bits: Type.Optional(Type.Unsafe<7 | 8>({ type: 'integer', enum: [7, 8], default: D.dataBits })),
  stop_bits: Type.Optional(Type.Unsafe<1 | 2>({ type: 'integer', enum: [1, 2], default: D.stopBits })),
  parity: Type.Optional(words(['none', 'even', 'odd', 'N', 'E', 'O'], { default: D.parity })),
};
const Tcp = closed({
  type: Type.Optional(words(['tcp', 'rtu-over-tcp'], { default: 'tcp', description: 'framing on the TCP connection' })),
  host,
  port: Type.Optional(port),
});
const Rtu = closed({
  type: words(['rtu']),
  device: Type.String({ minLength: 1, description: 'serial port', examples: ['/dev/ttyUSB0'] }),
  ...serial,
});
const Transport = tagged(
  'type',
  [
    { values: ['tcp', 'rtu-over-tcp'], schema: Tcp },
    { values: ['rtu'], schema: Rtu },
  ],
  { absent: Tcp, description: 'how the device is reached' },
);
export type TransportFile = Static<typeof Tcp> | Static<typeof Rtu>;

const Limits = closed({
  connect_timeout_ms: Type.Optional(millis('time to open the connection; default: the site’s connection_timeout_ms')),
  response_timeout_ms: Type.Optional(millis('time to wait for an answer', { default: D.responseTimeoutMs })),
  retries: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 10,
      default: D.retries,
      description: 'further tries of one request within a cycle',
    }),
  ),
  max_registers_per_read: Type.Optional(registersPerRead('most registers of one request; wins over batch_size')),
  max_bits_per_read: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 2000,
      default: D.maxBitsPerRead,
      description: 'most coils or inputs of one request',
    }),
  ),
  max_gap: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 124,
      default: D.maxGap,
      description: 'unwanted registers read along to save a request',
    }),
  ),
  pipeline: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 64,
      default: D.pipeline,
      description: 'requests under way at once on the connection',
    }),
  ),
  pause_ms: Type.Optional(millis('rest between two requests, for slow devices', { minimum: 0, default: D.pauseMs })),
});

const retryInterval = millis('VoltageEMS; not used, a channel backs off by itself', { minimum: 0 });
/** VoltageEMS's free-form parameters, for Modbus. */
const Parameters = closed({
  host: Type.Optional(host),
  port: Type.Optional(
    Type.Unsafe<number | string>({
      type: ['integer', 'string'],
      minimum: 1,
      maximum: 65535,
      minLength: 1,
      description: 'TCP port, or the serial port',
    }),
  ),
  device: Type.Optional(Type.String({ minLength: 1, description: 'serial port' })),
  ...serial,
  slave_id: Type.Optional(slaveId),
  connect_timeout_ms: Type.Optional(millis('time to open the connection')),
  read_timeout_ms: Type.Optional(millis('time to wait for an answer')),
  timeout_ms: Type.Optional(millis('time to wait for an answer')),
  timeout_secs: Type.Optional(
    Type.Number({ exclusiveMinimum: 0, maximum: 86_400, description: 'time to wait for an answer (s)' }),
  ),
  poll_interval_ms: Type.Optional(intervalMs),
  polling_interval_ms: Type.Optional(intervalMs),
  batch_size: Type.Optional(registersPerRead('most registers of one request')),
  max_retries: Type.Optional(Type.Integer({ minimum: 0, maximum: 10, description: 'further tries of one request' })),
  retry_interval_ms: Type.Optional(retryInterval),
  retry_delay_ms: Type.Optional(retryInterval),
});
export type ParametersFile = Static<typeof Parameters>;

const ModbusPoint = closed({
  ...pointKeys,
  slave_id: Type.Optional(Type.Integer({ minimum: 0, maximum: 255, description: 'Modbus unit id' })),
  function_code: Type.Integer({
    minimum: 1,
    maximum: 16,
    description: '1 coil, 2 discrete input, 3 holding register, 4 input register',
  }),
  register_address: Type.Integer({ minimum: 0, maximum: 65535, description: 'as on the wire, from 0' }),
  byte_order: Type.Optional(words(BYTE_ORDERS, { description: 'how the bytes arrive, A the most significant' })),
  bit_position: Type.Optional(Type.Integer({ minimum: 0, maximum: 15, description: 'one bit of the register' })),
  register_count: Type.Optional(Type.Integer({ minimum: 1, maximum: 125, description: 'registers of a string' })),
  write_function_code: Type.Optional(Type.Integer({ minimum: 5, maximum: 16, description: '5, 6, 15 or 16' })),
});
const PlainPoint = closed(pointKeys);

const common = { ...channelKeys, polling: Type.Optional(Polling), polling_config: Type.Optional(Polling) };

const ModbusChannelFile = closed({
  ...common,
  protocol: words(['modbus', 'modbus_tcp', 'modbus_rtu']),
  transport: Type.Optional(Transport),
  address: Type.Optional(
    Type.String({ minLength: 1, description: 'host:port, short for a TCP transport', examples: ['127.0.0.1:502'] }),
  ),
  transport_config: Type.Optional(
    closed({
      address: Type.Optional(Type.String({ minLength: 1, description: 'host:port' })),
      tcp: Type.Optional(closed({ address: Type.String({ minLength: 1, description: 'host:port' }) })),
    }),
  ),
  parameters: Type.Optional(Parameters),
  share_connection: Type.Optional(
    Type.Boolean({
      default: false,
      description: 'one connection for all channels of this host and port that say so; on a serial port always',
    }),
  ),
  limits: Type.Optional(Limits),
  slave_id: Type.Optional(slaveId),
  points: Type.Optional(Type.Array(ModbusPoint, { description: 'points without tables, for small sites' })),
});
export type ModbusChannelFile = Static<typeof ModbusChannelFile>;

const VirtualChannelFile = closed({
  ...common,
  protocol: words(['virtual', 'virt']),
  parameters: Type.Optional(
    closed({ poll_interval_ms: Type.Optional(intervalMs), polling_interval_ms: Type.Optional(intervalMs) }),
  ),
  simulation: Type.Optional(Simulation),
  simulation_config: Type.Optional(Simulation),
  points: Type.Optional(Type.Array(PlainPoint, { description: 'points without tables' })),
});
export type VirtualChannelFile = Static<typeof VirtualChannelFile>;

export type ChannelFile = ModbusChannelFile | VirtualChannelFile | MqttChannelFile | GrpcChannelFile | CanChannelFile;
/** A point in the site file itself; what a protocol's points have besides is read as a row's columns are. */
export type PointFile = Static<typeof PlainPoint>;

export const ChannelSchema = tagged(
  'protocol',
  [
    { values: ['modbus', 'modbus_tcp', 'modbus_rtu'], schema: ModbusChannelFile },
    { values: ['virtual', 'virt'], schema: VirtualChannelFile },
    { values: ['mqtt'], schema: MqttChannelFile },
    { values: ['grpc'], schema: GrpcChannelFile },
    { values: ['can'], schema: CanChannelFile },
  ],
  { common: channelKeys },
);
