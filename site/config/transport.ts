import type { ModbusLimits, ModbusTransport, PollingDefaults } from '../model.js';
import { show } from './problems.js';
import {
  CHANNEL_DEFAULTS as D,
  type ModbusChannelFile,
  type ParametersFile,
  type TransportFile,
} from './schema/channel.js';
import type { Block } from './source.js';

/** How a Modbus channel reaches its device, from whichever of the four forms is used. */
export function readTransport(file: ModbusChannelFile, block: Block): ModbusTransport | undefined {
  const { parameters, protocol } = file;
  const forms: [string, () => ModbusTransport | undefined][] = [];
  const { transport, address, transport_config: config } = file;
  if (transport !== undefined) forms.push(['transport', () => fromTransport(transport)]);
  if (address !== undefined) forms.push(['address', () => parseAddress(address, block, 'address')]);
  if (config?.address !== undefined) {
    const text = config.address;
    forms.push(['transport_config', () => parseAddress(text, block.at('transport_config'), 'address')]);
  }
  if (config?.tcp !== undefined) {
    const text = config.tcp.address;
    forms.push(['transport_config', () => parseAddress(text, block.at('transport_config', 'tcp'), 'address')]);
  }
  if (parameters !== undefined && (parameters.host ?? parameters.port ?? parameters.device) !== undefined) {
    forms.push(['parameters', () => fromParameters(parameters, block.at('parameters'))]);
  }

  const [first, second] = forms;
  if (first === undefined) {
    const allowed = 'address: "host:port", or transport: {type, host, port} or {type: rtu, device}';
    block.report('', 'no transport', allowed, `the channel has no transport, allowed ${allowed}`);
    return undefined;
  }
  if (second !== undefined) {
    const found = `${first[0]} and ${second[0]}`;
    block.report(second[0], found, 'one of them', `the transport is given by ${found}, allowed one of them`);
    return undefined;
  }
  const result = first[1]();
  if (result === undefined) return undefined;
  const isSerial = result.type === 'rtu';
  if ((protocol === 'modbus_tcp' && result.type !== 'tcp') || (protocol === 'modbus_rtu' && result.type === 'tcp')) {
    const fitting = isSerial ? 'modbus or modbus_rtu' : 'modbus or modbus_tcp';
    block.report(
      'protocol',
      protocol,
      fitting,
      `found ${protocol} with a ${result.type} transport, allowed ${fitting}`,
    );
    return undefined;
  }
  return result;
}

function fromTransport(file: TransportFile): ModbusTransport {
  if (file.type !== 'rtu') return { type: file.type ?? 'tcp', host: file.host, port: file.port ?? D.port };
  return { type: 'rtu', device: file.device, ...serialSettings(file) };
}

function fromParameters(file: ParametersFile, block: Block): ModbusTransport | undefined {
  const device = file.device ?? (typeof file.port === 'string' && !/^\d+$/.test(file.port) ? file.port : undefined);
  if (device !== undefined) {
    if (file.host === undefined) return { type: 'rtu', device, ...serialSettings(file) };
    block.report(
      'host',
      show(file.host),
      'host or a serial port',
      'found a host and a serial port, allowed one of them',
    );
    return undefined;
  }
  if (file.host === undefined) {
    block.report('', 'a port without a host', 'host', 'host is missing, allowed a host name or IP address');
    return undefined;
  }
  const port = Number(file.port ?? D.port);
  if (port >= 1 && port <= 65535) return { type: 'tcp', host: file.host, port };
  block.report('port', show(file.port), 'a whole number from 1 to 65535');
  return undefined;
}

const PARITY = { none: 'none', even: 'even', odd: 'odd', N: 'none', E: 'even', O: 'odd' } as const;

function serialSettings(file: Pick<ParametersFile, 'baud_rate' | 'data_bits' | 'stop_bits' | 'parity'>) {
  return {
    baudRate: file.baud_rate ?? D.baudRate,
    dataBits: file.data_bits ?? D.dataBits,
    stopBits: file.stop_bits ?? D.stopBits,
    parity: PARITY[file.parity ?? D.parity],
  };
}

/** `host`, `host:port` or `[IPv6]:port`. */
function parseAddress(text: string, block: Block, key: string): ModbusTransport | undefined {
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^\s:/[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? D.port);
  if (host !== undefined && port >= 1 && port <= 65535) return { type: 'tcp', host, port };
  block.report(key, show(text), 'host:port with a port from 1 to 65535; an IPv6 address in [ ]');
  return undefined;
}

export function readLimits(file: ModbusChannelFile, defaults: PollingDefaults): ModbusLimits {
  const { limits = {}, parameters = {} } = file;
  const seconds =
    parameters.timeout_secs === undefined ? undefined : Math.max(1, Math.round(parameters.timeout_secs * 1000));
  const batch = (file.polling ?? file.polling_config)?.batch_size ?? parameters.batch_size;
  return {
    connectTimeoutMs: limits.connect_timeout_ms ?? parameters.connect_timeout_ms ?? defaults.connectionTimeoutMs,
    responseTimeoutMs:
      limits.response_timeout_ms ??
      parameters.read_timeout_ms ??
      parameters.timeout_ms ??
      seconds ??
      D.responseTimeoutMs,
    retries: limits.retries ?? parameters.max_retries ?? D.retries,
    maxRegistersPerRead: limits.max_registers_per_read ?? batch ?? D.maxRegistersPerRead,
    maxBitsPerRead: limits.max_bits_per_read ?? D.maxBitsPerRead,
    maxGap: limits.max_gap ?? D.maxGap,
    pipeline: limits.pipeline ?? D.pipeline,
    pauseMs: limits.pause_ms ?? D.pauseMs,
  };
}
