import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { freePort } from './temp.js';

/** Value by address; coils and discrete inputs 0/1 or false/true. */
export type PymodbusTable = Readonly<Record<number, number | boolean>>;

export interface PymodbusTables {
  readonly holding?: PymodbusTable;
  readonly input?: PymodbusTable;
  readonly coils?: PymodbusTable;
  readonly discrete?: PymodbusTable;
}

export interface PymodbusOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Device path of a serial line, instead of TCP. */
  readonly serial?: string;
  /** Framing over TCP. Default `tcp`. */
  readonly framer?: 'tcp' | 'rtu';
  /** By unit id; `sparse`: only the given addresses exist. Default: unit 1, all addresses, all 0. */
  readonly units?: Readonly<Record<number, PymodbusTables & { readonly sparse?: boolean }>>;
}

export interface PymodbusDevice {
  readonly port: number;
  set(unit: number, tables: PymodbusTables): Promise<void>;
  read(unit: number, area: keyof PymodbusTables, address: number, count?: number): Promise<number[]>;
  /** Ends the process; its port can be taken again at once. */
  stop(): Promise<void>;
}

/** A device that is not ours: Debian's pymodbus in a process of its own. The test's working folder is the project's. */
export async function startPymodbus(options: PymodbusOptions = {}): Promise<PymodbusDevice> {
  const port = options.port ?? (options.serial === undefined ? await freePort() : 0);
  const args = ['tests/support/pymodbus_device.py', '--units', JSON.stringify(options.units ?? { 1: {} })];
  if (options.serial === undefined) args.push('--port', String(port), '--framer', options.framer ?? 'tcp');
  else args.push('--serial', options.serial);
  const child = spawn('/usr/bin/python3', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-2000)));
  child.stdin.on('error', () => undefined); // it ended; `ended` below tells

  const waiting: ((line: string) => void)[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(line));
  const ended = exited.then(([code]) => {
    throw new Error(`pymodbus ended with ${String(code)}: ${complaint}`);
  });
  ended.catch(() => undefined); // read by `line`
  const line = () => Promise.race([new Promise<string>((resolve) => waiting.push(resolve)), ended]);

  const ask = async (command: object): Promise<{ values?: number[] }> => {
    child.stdin.write(`${JSON.stringify(command)}\n`);
    return JSON.parse(await line()) as { values?: number[] };
  };
  if ((await line()) !== 'ready') throw new Error(`pymodbus did not start: ${complaint}`);
  return {
    port,
    set: async (unit, tables) => void (await ask({ unit, ...tables })),
    read: async (unit, area, address, count = 1) => (await ask({ unit, read: area, address, count })).values ?? [],
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
