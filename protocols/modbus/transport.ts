import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { errorMessage } from '../../errors/error.js';
import type { ModbusTransport } from '../../site/model.js';
import { LinkError, ProtocolError } from '../driver.js';
import type { Framing } from './framing.js';
import { MbapFraming } from './mbap.js';
import { RtuFraming } from './rtu.js';

/** host:port or device, for messages. */
export function transportName(transport: ModbusTransport): string {
  return transport.type === 'rtu' ? transport.device : `${transport.host}:${transport.port}`;
}

export function framingOf(transport: ModbusTransport): Framing {
  return transport.type === 'tcp' ? new MbapFraming() : new RtuFraming();
}

/**
 * Rest that the transport itself needs between two frames: on a serial line 3.5 characters of 11 bits, and at least
 * 1.75 ms (Modbus over Serial Line V1.02, section 2.5.1.1).
 */
export function frameGapMs(transport: ModbusTransport): number {
  return transport.type === 'rtu' ? Math.ceil(Math.max(1.75, (3.5 * 11 * 1000) / transport.baudRate)) : 0;
}

/**
 * Opens the byte stream to a device.
 * @throws LinkError when it cannot be opened now; ProtocolError `protocol.serial_unavailable` (fatal) without support
 * for serial ports
 */
export async function openStream(transport: ModbusTransport, timeoutMs: number, signal: AbortSignal): Promise<Duplex> {
  if (transport.type === 'rtu') return openSerial(transport, timeoutMs, signal);
  const name = transportName(transport);
  return settle(
    connect({ host: transport.host, port: transport.port, noDelay: true, keepAlive: true }),
    'connect',
    name,
    timeoutMs,
    signal,
  );
}

async function openSerial(
  transport: Extract<ModbusTransport, { type: 'rtu' }>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Duplex> {
  const { SerialPort } = await loadSerialPort();
  const { device, baudRate, dataBits, stopBits, parity } = transport;
  return settle(
    new SerialPort({ path: device, baudRate, dataBits, stopBits, parity }),
    'open',
    device,
    timeoutMs,
    signal,
  );
}

/** The package is optional: it brings compiled code, which not every platform has. */
async function loadSerialPort() {
  try {
    return await import('serialport');
  } catch (cause) {
    throw new ProtocolError(
      'protocol.serial_unavailable',
      `serial ports need the npm package "serialport", which cannot be loaded: ${errorMessage(cause)}`,
      { fatal: true, cause },
    );
  }
}

/** Waits until a stream is open. */
function settle<S extends Socket | Duplex>(
  stream: S,
  openEvent: 'connect' | 'open',
  name: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<S> {
  return new Promise((resolve, reject) => {
    const end = (error: LinkError | undefined): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      stream.off('error', onError);
      stream.off(openEvent, onOpen);
      if (error === undefined) {
        resolve(stream);
        return;
      }
      // What a stream says while it is being destroyed is of no use any more, but must not be unheard.
      stream.on('error', () => undefined);
      stream.destroy();
      reject(error);
    };
    const onOpen = (): void => end(undefined);
    const onError = (cause: Error): void =>
      end(new LinkError(`cannot connect to ${name}: ${errorMessage(cause)}`, { cause }));
    const onAbort = (): void => end(new LinkError(`connecting to ${name} was given up`));
    const timer = setTimeout(
      () => end(new LinkError(`cannot connect to ${name}: no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    stream.once(openEvent, onOpen);
    stream.once('error', onError);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort);
  });
}
