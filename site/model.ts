import type { CanChannel } from './channels/can.js';
import type { GrpcChannel } from './channels/grpc.js';
import type { MqttChannel } from './channels/mqtt.js';
import type { Forwarder } from './forwarding/forwarder.js';
import type { StorageRule } from './history/mapping.js';
import type { SiteMeter } from './metering/site-meter.js';
import type { TokenizationChanges } from './metering/tokenization.js';
import type { Model } from './models/model.js';
import type { Template } from './models/template.js';
import type { NotificationTarget } from './notifications/target.js';
import type { Rule } from './rules/rule.js';
import type { DataType, PointDefinition, PointKind } from './points.js';

/** A whole, validated site: what site/config/ loads from site.yaml and the point tables, and all the rest trusts. */
export interface Site {
  readonly name: string;
  /** IANA name of the time zone of times of day and weekdays in conditions; undefined: that of the machine. */
  readonly timeZone?: string;
  readonly defaults: PollingDefaults;
  /** Ascending by id. */
  readonly channels: readonly ChannelConfig[];
  /** Reload the tables when their files change. */
  readonly watchFiles: boolean;
  /** Absolute paths of every file that was read, for watching. */
  readonly files: readonly string[];
  readonly history: HistoryConfig;
  /** Those that come along and the site's own, ascending by id. */
  readonly templates: readonly Template[];
  /** Those of the site file, ascending by id. */
  readonly models: readonly Model[];
  /** Ascending by id; their conditions have been compiled once, so they are right for this site. */
  readonly rules: readonly Rule[];
  /** Who is told of alarms, ascending by id. */
  readonly notifications: readonly NotificationTarget[];
  /** Names that conditions may use for points, with the points’ addresses. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Where readings are forwarded to, ascending by id. */
  readonly forwarding: readonly Forwarder[];
  /** How readings of meters are checked and become tokens, where it is not the default. */
  readonly tokenization?: TokenizationChanges;
  /** Meters that are counters of channels, ascending by id. */
  readonly meters?: readonly SiteMeter[];
  /** Earlier configurations that are kept, to look at and to put back. */
  readonly keepConfigurations: number;
  /** First of the ports on which each service is served on its own too. */
  readonly servicePorts?: number;
}

export interface PollingDefaults {
  readonly maxConcurrentConnections: number;
  readonly connectionTimeoutMs: number;
  readonly pollingIntervalMs: number;
}

export interface HistoryConfig {
  /** Days that each tier is kept. */
  readonly rawDays: number;
  readonly minuteDays: number;
  readonly hourDays: number;
  readonly dayDays: number;
  /** What is stored of which points; absent: everything. */
  readonly mapping?: readonly StorageRule[];
}

export type ChannelConfig = ModbusChannel | VirtualChannel | MqttChannel | GrpcChannel | CanChannel;

/** What every channel has, whatever its protocol (site/channels/ holds those of the further ones). */
export interface ChannelBase {
  /** 1 … 3999999999. */
  readonly id: number;
  readonly name: string;
  readonly enabled: boolean;
  readonly pollingIntervalMs: number;
  /** Ascending by kind (T, S, C, A), then id. */
  readonly points: readonly PointDefinition[];
}

export interface ModbusChannel extends ChannelBase {
  readonly protocol: 'modbus';
  readonly transport: ModbusTransport;
  /** One connection for all channels with this transport that share theirs; always so on a serial port. */
  readonly sharedConnection: boolean;
  readonly limits: ModbusLimits;
  /** Parallel to `points`: where each point lives on the device. */
  readonly mappings: readonly ModbusMapping[];
}

export type ModbusTransport =
  | { readonly type: 'tcp'; readonly host: string; readonly port: number }
  | { readonly type: 'rtu-over-tcp'; readonly host: string; readonly port: number }
  | {
      readonly type: 'rtu';
      readonly device: string;
      readonly baudRate: number;
      readonly dataBits: 7 | 8;
      readonly stopBits: 1 | 2;
      readonly parity: 'none' | 'even' | 'odd';
    };

export interface ModbusLimits {
  readonly connectTimeoutMs: number;
  readonly responseTimeoutMs: number;
  /** Further tries of one request within a cycle. */
  readonly retries: number;
  /** 1 … 125 (Modbus Application Protocol V1.1b3, function 3). */
  readonly maxRegistersPerRead: number;
  /** 1 … 2000 (function 1). */
  readonly maxBitsPerRead: number;
  /** Unwanted registers (or bits) that a block may span to save a request. */
  readonly maxGap: number;
  /** Requests under way at once on the connection. */
  readonly pipeline: number;
  /** Rest between two requests, for slow devices. */
  readonly pauseMs: number;
}

export const BYTE_ORDERS = [
  'AB',
  'BA',
  'ABCD',
  'DCBA',
  'BADC',
  'CDAB',
  'ABCDEFGH',
  'HGFEDCBA',
  'BADCFEHG',
  'GHEFCDAB',
] as const;
/** Order in which the bytes of a value (A most significant) arrive. */
export type ByteOrder = (typeof BYTE_ORDERS)[number];

export interface ModbusMapping {
  /** 0 … 255. */
  readonly unitId: number;
  /** Function that reads it: 1 coil, 2 discrete input, 3 holding register, 4 input register. */
  readonly functionCode: 1 | 2 | 3 | 4;
  /** Function that writes it; undefined = read only. 5/15 coils, 6/16 holding registers. */
  readonly writeFunctionCode?: 5 | 6 | 15 | 16;
  /** 0 … 65535, as on the wire. */
  readonly address: number;
  /** Encoding at the device. */
  readonly dataType: DataType;
  readonly byteOrder: ByteOrder;
  /** 0 … 15: one bit of the register. */
  readonly bit?: number;
  /** Registers that a string takes. */
  readonly registers: number;
}

export interface VirtualChannel extends ChannelBase {
  readonly protocol: 'virtual';
  /** Two runs with the same seed and clock give the same values. */
  readonly seed: number;
  readonly patterns: readonly VirtualPattern[];
  /** Set: values come from the physical model of a site instead of (or beside) patterns. */
  readonly siteModel?: SiteModelConfig;
}

interface PatternBase {
  readonly kind: PointKind;
  readonly pointId: number;
}
export type VirtualPattern =
  | (PatternBase & {
      readonly type: 'sine';
      readonly amplitude: number;
      readonly frequencyHz: number;
      readonly phase: number;
      readonly offset: number;
    })
  | (PatternBase & {
      readonly type: 'random-walk';
      readonly initialValue: number;
      readonly stepSize: number;
      readonly min: number;
      readonly max: number;
    })
  | (PatternBase & { readonly type: 'step'; readonly values: readonly number[]; readonly durationMs: number })
  | (PatternBase & {
      readonly type: 'ramp';
      readonly from: number;
      readonly to: number;
      readonly durationMs: number;
      readonly repeat: boolean;
    })
  | (PatternBase & { readonly type: 'constant'; readonly value: number })
  /** Rows of `time offset in ms, value`, read at load; the value holds until the next row. */
  | (PatternBase & {
      readonly type: 'replay';
      readonly rows: readonly (readonly [number, number])[];
      readonly repeat: boolean;
    });

/** Physical model of a small site; see protocols/virtual/site-model.ts for the formulas and their sources. */
export interface SiteModelConfig {
  readonly latitude: number;
  readonly longitude: number;
  readonly pvPeakKw: number;
  readonly batteryCapacityKwh: number;
  readonly batteryPowerKw: number;
  readonly loadPeakKw: number;
  readonly gridLimitKw: number;
  /** Rated power of the site's EV charger; left out or 0 = none. */
  readonly evPowerKw?: number;
  /** 1 = real time; 60 = an hour a minute. */
  readonly speed: number;
  /** Which output of the model feeds which point. */
  readonly outputs: readonly { readonly kind: PointKind; readonly pointId: number; readonly output: SiteModelOutput }[];
}

export const SITE_MODEL_OUTPUTS = [
  'pv.power', // kW, generated
  'pv.energy', // kWh, counter
  'pv.irradiance', // W/m²
  'pv.limit', // % of the peak power; settable
  'battery.power', // kW, positive = discharging
  'battery.soc', // %
  'battery.voltage', // V
  'battery.temperature', // °C
  'battery.setpoint', // kW, positive = discharging; settable, and setting it ends automatic operation
  'battery.auto', // 0/1, automatic self-consumption; settable
  'load.power', // kW, all consumption, the EV charger's too
  'load.energy', // kWh, counter
  'ev.power', // kW
  'grid.power', // kW, positive = import
  'grid.import', // kWh, counter
  'grid.export', // kWh, counter
  'grid.frequency', // Hz
  'grid.voltage', // V, line to neutral
  'site.breaker', // 0/1, closed = 1; settable
] as const;
export type SiteModelOutput = (typeof SITE_MODEL_OUTPUTS)[number];
