import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Ajv } from 'ajv';
import Type, { type Static } from 'typebox';
import { StatewattError } from '../../errors/error.js';
import { decodeBase58 } from '../../site/metering/base58.js';
import type { Signer } from './signer.js';
import { OWN_SCHEMAS, validator } from '../../site/validator.js';

export interface SignerProcessOptions {
  command: string;
  args?: readonly string[];
  /** How long each signature is waited for. Default 10 s. */
  timeoutMs?: number;
  /** How long its first line is waited for. Default 10 s. */
  startTimeoutMs?: number;
}

const HelloSchema = Type.Object({ address: Type.String({ maxLength: 44 }) });
const AnswerSchema = Type.Object({
  id: Type.Integer(),
  signature: Type.Optional(Type.String({ maxLength: 128 })),
  error: Type.Optional(Type.String()),
});
const ajv = new Ajv(OWN_SCHEMAS);
const isHello = validator(() => ajv.compile<Static<typeof HelloSchema>>(HelloSchema));
const isAnswer = validator(() => ajv.compile<Static<typeof AnswerSchema>>(AnswerSchema));

interface Waiting {
  message: Uint8Array;
  resolve: (signature: Uint8Array) => void;
  reject: (error: StatewattError) => void;
  timer: NodeJS.Timeout;
}

/** Signatures that may be asked for at once. */
const MAX_WAITING = 64;
/** An ed25519 SubjectPublicKeyInfo is this and the key (RFC 8410). */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * A key that only another program has: it runs as a child, and a line of JSON goes each way (docs/chain.md). It is started
 * again with the next signature when it has ended. Each signature is verified before it is used.
 */
export class SignerProcess implements Signer {
  readonly address: string;
  readonly #options: Required<SignerProcessOptions>;
  readonly #waiting = new Map<number, Waiting>();
  #child: ChildProcessWithoutNullStreams | undefined;
  #starting: Promise<void> | undefined;
  #closed = false;
  #ids = 0;

  private constructor(options: Required<SignerProcessOptions>, address: string, child: ChildProcessWithoutNullStreams) {
    this.#options = options;
    this.address = address;
    this.#adopt(child);
  }

  /** @throws `signer.unavailable` when it does not say its address in time */
  static async start(given: SignerProcessOptions): Promise<SignerProcess> {
    const options = { args: [], timeoutMs: 10_000, startTimeoutMs: 10_000, ...given };
    const { child, address } = await launch(options);
    return new SignerProcess(options, address, child);
  }

  async sign(message: Uint8Array): Promise<Uint8Array> {
    if (this.#closed) throw unavailable('it has been stopped');
    if (this.#waiting.size >= MAX_WAITING) {
      throw new StatewattError('signer.busy', 'busy', `${MAX_WAITING} signatures are being waited for`, {
        retryAfterMs: 100,
      });
    }
    if (this.#child === undefined)
      await (this.#starting ??= this.#restart().finally(() => (this.#starting = undefined)));
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(unavailable(`it did not answer within ${this.#options.timeoutMs} ms`, 'timeout'));
      }, this.#options.timeoutMs);
      this.#waiting.set(id, { message, resolve, reject, timer });
      const request = JSON.stringify({ id, sign: Buffer.from(message).toString('base64') });
      this.#child?.stdin.write(`${request}\n`);
    });
  }

  close(): Promise<void> {
    this.#closed = true;
    const child = this.#child;
    if (child === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      child.once('close', () => resolve());
      child.stdin.end();
      child.kill('SIGTERM');
    });
  }

  async #restart(): Promise<void> {
    const { child, address } = await launch(this.#options);
    if (address !== this.address) {
      child.kill('SIGKILL');
      throw unavailable(`it came back with the key of ${address}, not of ${this.address}`);
    }
    this.#adopt(child);
  }

  #adopt(child: ChildProcessWithoutNullStreams): void {
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => this.#answered(line));
    child.once('close', () => {
      if (this.#child === child) this.#child = undefined;
      for (const [id] of this.#waiting) this.#settle(id, unavailable('it ended'));
    });
  }

  #answered(line: string): void {
    const answer = parse(line);
    if (!isAnswer(answer)) return;
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return;
    const signature = Buffer.from(answer.signature ?? '', 'base64');
    if (answer.error !== undefined) {
      this.#settle(answer.id, new StatewattError('signer.refused', 'conflict', `the signer refuses: ${answer.error}`));
    } else if (!isSignature(this.address, waiting.message, signature)) {
      this.#settle(answer.id, unavailable('its signature does not verify'));
    } else this.#settle(answer.id, signature);
  }

  #settle(id: number, result: Uint8Array | StatewattError): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (result instanceof StatewattError) waiting.reject(result);
    else waiting.resolve(result);
  }
}

/** Starts the program and waits for its first line, `{"address": "<base58>"}`. */
function launch(
  options: Required<SignerProcessOptions>,
): Promise<{ child: ChildProcessWithoutNullStreams; address: string }> {
  const child = spawn(options.command, options.args, { stdio: ['pipe', 'pipe', 'pipe'] });
  // What it says there may hold a secret.
  child.stderr.resume();
  child.stdin.on('error', () => {
    // It ended; what waits for it is told so by `close`.
  });
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    const fail = (text: string) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(unavailable(text));
    };
    const wait = options.startTimeoutMs;
    const timer = setTimeout(() => fail(`it did not say its address within ${wait} ms`), wait);
    child.once('error', (error) => fail(error.message));
    child.once('exit', () => fail('it ended before it said its address'));
    lines.once('line', (line) => {
      lines.close();
      const hello = parse(line);
      if (!isHello(hello) || decodeBase58(hello.address, 32) === undefined) {
        fail('its first line is not {"address": "<base58>"}');
        return;
      }
      clearTimeout(timer);
      child.removeAllListeners('exit');
      resolve({ child, address: hello.address });
    });
  });
}

function isSignature(address: string, message: Uint8Array, signature: Buffer): boolean {
  if (signature.length !== 64) return false;
  const key = Buffer.concat([SPKI_HEAD, decodeBase58(address, 32) as Uint8Array]);
  return verify(null, message, createPublicKey({ key, format: 'der', type: 'spki' }), signature);
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function unavailable(text: string, category: 'unavailable' | 'timeout' = 'unavailable'): StatewattError {
  return new StatewattError('signer.unavailable', category, `the signer process cannot sign: ${text}`, {
    retryAfterMs: 1_000,
  });
}
