import { readFileSync } from 'node:fs';
import {
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { driverService } from '../../protocols/grpc/contract.js';

/*
 * A plug-in driver in a process of its own, for tests: `grpc-plugin.js <port> [ca cert key]`. It has the sources that it
 * is given by `settings.values` (JSON), takes what is written, and misbehaves when the source `fault` is written.
 */
const [port = '0', ca, cert, key] = process.argv.slice(2);
type Values = Record<string, Record<string, unknown>>;
let values: Values = {};
let fault = '';
let opened = 0;
let session = '';
const streams = new Set<ServerWritableStream<unknown, unknown>>();

type Call = ServerUnaryCall<Record<string, unknown>, unknown>;
type Done = sendUnaryData<unknown>;

const all = () => ({ values: Object.entries(values).map(([source, value]) => ({ source, ...value })) });
const isKnown = (call: Call, done: Done): boolean => {
  if (call.request.session === session) return true;
  done({ code: status.NOT_FOUND, details: 'no such session' });
  return false;
};

const server = new Server();
server.addService(driverService(), {
  Connect: ({ request, metadata }: Call, done: Done) => {
    const { settings, points, version, channel, intervalMs } = request as {
      settings: Record<string, string>;
      points: { source: string }[];
      version: number;
      channel: number;
      intervalMs: number;
    };
    if (settings.token !== undefined && metadata.get('authorization')[0] !== settings.token) {
      done({ code: status.UNAUTHENTICATED, details: 'who are you?' });
      return;
    }
    if (settings.refuse !== undefined) {
      done({ code: Number(settings.refuse), details: 'not so' });
      return;
    }
    session = `s${++opened}`;
    values = JSON.parse(settings.values ?? '{}') as Values;
    values.asked = {
      value: { text: JSON.stringify({ version, channel, intervalMs, points, site: metadata.get('x-site') }) },
    };
    const unknown = points.map(({ source }) => source).filter((source) => !(source in values) && source !== 'fault');
    done(null, { version: Number(settings.version ?? version), session, driver: 'test', unknown });
  },
  Read: (call: Call, done: Done) => {
    if (fault === 'hang' || !isKnown(call, done)) return;
    done(null, fault === 'nothing' ? {} : all());
  },
  Stream: (call: ServerWritableStream<unknown, unknown>) => {
    streams.add(call);
    call.on('close', () => streams.delete(call));
    call.write(all());
  },
  Write: (call: Call, done: Done) => {
    if (fault === 'hang' || !isKnown(call, done)) return;
    const { source, value } = call.request as {
      source: string;
      value: { number?: number; boolean?: boolean; text?: string };
    };
    if (source === 'fault') {
      fault = value.text ?? '';
      done(null, {});
      const burst = /^burst (\d+)$/.exec(fault)?.[1] ?? 0;
      for (let number = 1; number <= Number(burst); number++) {
        for (const stream of streams)
          stream.write({ values: [{ source: 'power', value: { number }, timeMs: number }] });
      }
      if (fault === 'end') for (const stream of streams) stream.end();
      if (fault === 'exit') process.exit(1);
      if (fault === 'forget') session = '';
      return;
    }
    if (value.number === 13) {
      done({ code: status.OUT_OF_RANGE, details: 'not 13' });
      return;
    }
    // A device that holds steps of ten.
    const held = value.number === undefined ? value : { number: Math.round(value.number / 10) * 10 };
    values[source] = { value: held };
    for (const stream of streams) stream.write({ values: [{ source, value: held }] });
    done(null, value.text === 'blind' ? { answer: 'taken' } : { readBack: held });
  },
  Health: (call: Call, done: Done) => {
    if (fault === 'hang' || !isKnown(call, done)) return;
    if (fault === 'away') done(null, { status: 'STATUS_NOT_SERVING', message: 'the meter is off' });
    else done(null, { status: 'STATUS_SERVING' });
  },
});

function securityOf(): ServerCredentials {
  if (ca === undefined || cert === undefined || key === undefined) return ServerCredentials.createInsecure();
  const pair = { private_key: readFileSync(key), cert_chain: readFileSync(cert) };
  return ServerCredentials.createSsl(readFileSync(ca), [pair], true); // and asks for the client's certificate
}

server.bindAsync(`127.0.0.1:${port}`, securityOf(), (error, bound) => {
  if (error !== null) throw error;
  console.log(`listening on ${bound}`);
});
