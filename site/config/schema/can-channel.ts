import Type, { type Static } from 'typebox';
import { channelKeys, pointKeys, PushPolling } from './channel-common.js';
import { closed, millis, words } from './helpers.js';

export const CAN_CHANNEL_DEFAULTS = {
  speed: 1,
  repeat: false,
  byteOrder: 'little',
  encoding: 'unsigned',
  staleAfterMs: 0,
} as const;
const D = CAN_CHANNEL_DEFAULTS;

/** `intel` and `motorola` are what data sheets call them. */
export const CAN_BYTE_ORDER_WORDS = ['little', 'big', 'intel', 'motorola'] as const;
export const CAN_ENCODINGS = ['unsigned', 'signed', 'float'] as const;

const staleAfterMs = (description: string) =>
  Type.Optional(millis(description, { minimum: 0, maximum: 2_147_483_647, default: D.staleAfterMs }));

const CanPoint = closed({
  ...pointKeys,
  can_id: Type.Unsafe<number | string>({
    type: ['integer', 'string'],
    description: 'identifier of the frames, such as 0x1A0',
    examples: ['0x1A0'],
  }),
  extended: Type.Optional(
    Type.Boolean({ description: 'an identifier of 29 bits; default: whether it is above 0x7FF' }),
  ),
  start_bit: Type.Integer({
    minimum: 0,
    maximum: 511,
    description: 'as in DBC files: little = least, big = most significant bit; 0 is the lowest of byte 0',
  }),
  length: Type.Integer({ minimum: 1, maximum: 64, description: 'bits' }),
  byte_order: Type.Optional(
    words(CAN_BYTE_ORDER_WORDS, { default: D.byteOrder, description: 'little = intel, big = motorola' }),
  ),
  encoding: Type.Optional(
    words(CAN_ENCODINGS, { default: D.encoding, description: 'float: IEEE 754, of 32 or 64 bits' }),
  ),
  stale_after_ms: staleAfterMs('silence after which the value is stale, 0 = never; wins over the channel’s own'),
});

export const CanChannelFile = closed({
  ...channelKeys,
  protocol: words(['can']),
  source: closed(
    {
      interface: Type.Optional(
        Type.String({ pattern: '^[A-Za-z0-9_.-]{1,15}$', description: 'CAN interface, such as can0' }),
      ),
      log: Type.Optional(
        Type.String({ minLength: 1, description: 'log of candump -L instead, relative to the site file' }),
      ),
      speed: Type.Optional(
        Type.Number({
          exclusiveMinimum: 0,
          maximum: 1_000_000,
          default: D.speed,
          description: 'of a log: 1 = as it was, 60 = an hour a minute',
        }),
      ),
      repeat: Type.Optional(Type.Boolean({ default: D.repeat, description: 'of a log: begin again at the end' })),
    },
    { description: 'where frames come from' },
  ),
  stale_after_ms: staleAfterMs('silence of a point after which its value is stale, 0 = never'),
  polling: Type.Optional(PushPolling),
  polling_config: Type.Optional(PushPolling),
  points: Type.Optional(Type.Array(CanPoint, { description: 'points without tables' })),
});
export type CanChannelFile = Static<typeof CanChannelFile>;
