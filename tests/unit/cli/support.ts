import { Writable } from 'node:stream';
import type { Dependencies } from '../../../cli/dependencies.js';
import { runCli } from '../../../cli/run.js';
import type { Site } from '../../../site/model.js';
import { FakeClient } from '../../support/fake-client.js';

/** The clock of these tests: 2026-05-01T12:00:00Z. */
export const NOW = Date.UTC(2026, 4, 1, 12);

/** A stream that keeps what is written to it. */
export class Sink extends Writable {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number | undefined;

  constructor(terminalWidth?: number) {
    super();
    this.isTTY = terminalWidth !== undefined;
    this.columns = terminalWidth;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.text += chunk.toString();
    done();
  }
}

export interface Options {
  client?: FakeClient;
  connect?: Dependencies['connect'];
  check?: (path: string) => Promise<Site>;
  env?: NodeJS.ProcessEnv;
  interrupted?: AbortSignal;
  /** Columns of the terminal that the answer goes to; left out = a pipe. */
  terminal?: number;
}

export interface Result {
  code: number;
  out: string;
  err: string;
}

/** Runs one command line as a process would, on a fake site unless told otherwise. */
export async function statewatt(line: string | readonly string[], options: Options = {}): Promise<Result> {
  const client = options.client ?? new FakeClient({ time: NOW });
  const out = new Sink(options.terminal);
  const err = new Sink();
  const code = await runCli(typeof line === 'string' ? line.split(' ') : line, {
    connect: options.connect ?? (() => Promise.resolve(client)),
    check: options.check ?? (() => Promise.reject(new Error('no site'))),
    startNode: () => Promise.reject(new Error('not here')),
    interruption: () => options.interrupted ?? new AbortController().signal,
    now: () => NOW,
    version: '1.2.3',
    env: { NATS_URL: 'nats://127.0.0.1:1', ...options.env },
    out,
    err,
  });
  return { code, out: out.text, err: err.text };
}
