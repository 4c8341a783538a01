import { fileURLToPath } from 'node:url';
import {
  loadPackageDefinition,
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/*
 * A plug-in driver for Statewatt (docs/grpc.md): `node dist/examples/grpc-driver/main.js 50051`. Its device is a heat
 * pump that exists only here; a real plug-in speaks to a real one in the functions `read` and `set`.
 */

/** The contract: schemas/driver.proto, seen from dist/examples/grpc-driver/. */
const CONTRACT = fileURLToPath(new URL('../../../schemas/driver.proto', import.meta.url));
const VERSION = 1;
const STREAM_EVERY_MS = 200;

type Raw = number | boolean | string;

/** The device: what it measures, and what may be set. */
class HeatPump {
  #setpoint = 45;
  #enabled = true;
  #temperature = 20;

  read(): ReadonlyMap<string, Raw> {
    const power = this.#enabled ? Math.max(0, this.#setpoint - this.#temperature) * 0.2 : 0;
    this.#temperature += power * 0.05;
    return new Map<string, Raw>([
      ['power', power],
      ['temperature', this.#temperature],
      ['running', power > 0],
      ['mode', this.#enabled ? 'heating' : 'off'],
      ['setpoint', this.#setpoint],
      ['enabled', this.#enabled],
    ]);
  }

  /** Answers why it does not take the value; undefined: it has taken it. */
  set(source: string, value: Raw): string | undefined {
    if (source === 'enabled' && typeof value === 'boolean') this.#enabled = value;
    else if (source === 'setpoint' && typeof value === 'number' && value >= 20 && value <= 60) this.#setpoint = value;
    else if (source === 'setpoint') return `found ${String(value)}, allowed 20 to 60`;
    else return `${source} cannot be set`;
    return undefined;
  }
}

/** Messages as @grpc/proto-loader gives them. */
interface Value {
  number?: number;
  boolean?: boolean;
  text?: string;
}
interface Session {
  readonly channel: number;
  readonly sources: readonly string[];
}
type Unary<Request, Response> = (call: ServerUnaryCall<Request, Response>, done: sendUnaryData<Response>) => void;

const device = new HeatPump();
const sessions = new Map<string, Session>();
let opened = 0;

const connect: Unary<
  { version: number; channel: number; points: { source: string }[] },
  { version: number; session: string; driver: string; unknown: string[] }
> = ({ request: { version, channel, points } }, done) => {
  if (version !== VERSION) {
    done({ code: status.FAILED_PRECONDITION, details: `found version ${version}, allowed ${VERSION}` });
    return;
  }
  // The channel's session before is over.
  for (const [id, session] of sessions) if (session.channel === channel) sessions.delete(id);
  const id = `${channel}-${++opened}`;
  const known = device.read();
  const sources = points.map(({ source }) => source);
  sessions.set(id, { channel, sources: sources.filter((source) => known.has(source)) });
  const unknown = sources.filter((source) => !known.has(source));
  done(null, { version: VERSION, session: id, driver: 'heat pump example 1.0', unknown });
};

const readAll: Unary<{ session: string }, object> = ({ request }, done) => {
  const session = sessions.get(request.session);
  if (session === undefined) done(noSession(request.session));
  else done(null, { values: valuesOf(session) });
};

function stream(call: ServerWritableStream<{ session: string }, object>): void {
  const { session: id } = call.request;
  const send = (): void => {
    const session = sessions.get(id);
    if (session === undefined) call.destroy(Object.assign(new Error('no session'), noSession(id)));
    else call.write({ values: valuesOf(session) });
  };
  const timer = setInterval(send, STREAM_EVERY_MS);
  call.on('cancelled', () => clearInterval(timer));
  call.on('close', () => clearInterval(timer));
  send();
}

const write: Unary<{ session: string; source: string; value: Value | null }, object> = ({ request }, done) => {
  const { session, source, value } = request;
  if (!sessions.has(session)) {
    done(noSession(session));
    return;
  }
  const refusal = device.set(source, value?.number ?? value?.boolean ?? value?.text ?? '');
  if (refusal !== undefined) done({ code: status.INVALID_ARGUMENT, details: refusal });
  else done(null, { readBack: messageOf(device.read().get(source) ?? ''), answer: 'ok' });
};

const health: Unary<{ session: string }, object> = ({ request }, done) => {
  if (sessions.has(request.session)) done(null, { status: 'STATUS_SERVING' });
  else done(noSession(request.session));
};

function noSession(id: string) {
  return { code: status.NOT_FOUND, details: `there is no session ${id}` };
}

function valuesOf({ sources }: Session) {
  const values = device.read();
  const timeMs = Date.now();
  return sources.map((source) => ({ source, value: messageOf(values.get(source) as Raw), quality: 1, timeMs }));
}

function messageOf(raw: Raw): Value {
  if (typeof raw === 'number') return { number: raw };
  return typeof raw === 'boolean' ? { boolean: raw } : { text: raw };
}

const definition = loadSync(CONTRACT, { longs: Number, enums: String, defaults: true, oneofs: true });
const contract = loadPackageDefinition(definition) as unknown as {
  statewatt: { driver: { v1: { Driver: ServiceClientConstructor } } };
};
const server = new Server();
const implementation = { Connect: connect, Read: readAll, Stream: stream, Write: write, Health: health };
server.addService(contract.statewatt.driver.v1.Driver.service, implementation);
const [port = '50051'] = process.argv.slice(2);
server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
  if (error !== null) throw error;
  console.log(`heat pump on 127.0.0.1:${bound}`);
});
