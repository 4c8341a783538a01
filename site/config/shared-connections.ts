import type { ChannelConfig, ModbusChannel, ModbusTransport } from '../model.js';
import type { ModbusChannelFile } from './schema/channel.js';
import type { Block } from './source.js';

/** Whether a Modbus channel shares its connection: as its file says; on a serial port always. */
export function readSharing(file: ModbusChannelFile, transport: ModbusTransport | undefined, block: Block): boolean {
  if (transport?.type !== 'rtu') return file.share_connection ?? false;
  if (file.share_connection === false) {
    const allowed = 'true: a serial port can be opened only once';
    block.report('share_connection', 'false', allowed, `found false with a serial port, allowed ${allowed}`);
  }
  return true;
}

/** Channels that share a connection must agree on how it is used. In the order of the file. */
export function checkSharedConnections(channels: readonly (ChannelConfig | undefined)[], block: Block): void {
  const first = new Map<string, ModbusChannel>();
  for (const [index, channel] of channels.entries()) {
    if (channel?.protocol !== 'modbus' || !channel.sharedConnection) continue;
    const place = placeOf(channel.transport);
    const other = first.get(place);
    if (other === undefined) {
      first.set(place, channel);
      continue;
    }
    const theirs = settings(other);
    for (const [key, value] of Object.entries(settings(channel))) {
      const allowed = `${String(theirs[key])}, as channel ${other.id} has, which shares the connection to ${place}`;
      const found = `${key} ${String(value)}`;
      if (value !== theirs[key]) block.at('channels', index).report('', found, allowed);
    }
  }
}

function placeOf(transport: ModbusTransport): string {
  return transport.type === 'rtu' ? transport.device : `${transport.host}:${transport.port}`;
}

/** What a connection is opened and used with, by the names of the site file. */
function settings({ transport, limits }: ModbusChannel): Record<string, string | number> {
  const { type } = transport;
  const line =
    type === 'rtu'
      ? {
          ...{ baud_rate: transport.baudRate, data_bits: transport.dataBits },
          ...{ stop_bits: transport.stopBits, parity: transport.parity },
        }
      : {};
  const { responseTimeoutMs, pipeline, pauseMs } = limits;
  return { 'transport.type': type, ...line, response_timeout_ms: responseTimeoutMs, pipeline, pause_ms: pauseMs };
}
