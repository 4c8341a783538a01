import {
  Client,
  credentials,
  Metadata,
  status,
  type ChannelCredentials,
  type ClientReadableStream,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import type { GrpcChannel } from '../../site/channels/grpc.js';
import { resolveReferences } from '../../site/environment-reference.js';
import { LinkError, ProtocolError } from '../driver.js';
import { readTlsFiles } from '../tls-files.js';
import { driverService, type Calls } from './contract.js';

const OPTIONS = {
  // A connection of its own: one that others share would be in the middle of its own pauses.
  'grpc.use_local_subchannel_pool': 1,
  // A plug-in is near, whatever way this machine has to the web.
  'grpc.enable_http_proxy': 0,
  // Whoever uses the link decides what is tried again; a write never is.
  'grpc.enable_retries': 0,
} as const;

type Unary = Exclude<keyof Calls, 'Stream'>;

/** A call that is under way. */
interface Cancellable {
  cancel(): void;
}

/** One connection to a plug-in driver, from its opening to its end. */
export class GrpcLink {
  readonly #address: string;
  readonly #client: Client;
  readonly #metadata: Metadata;
  readonly #connectTimeoutMs: number;
  readonly #deadlineMs: number;
  readonly #underWay = new Set<Cancellable>();
  #closed = false;

  private constructor(channel: GrpcChannel, security: ChannelCredentials, metadata: Metadata) {
    this.#address = channel.address;
    this.#client = new Client(channel.address, security, OPTIONS);
    this.#metadata = metadata;
    this.#connectTimeoutMs = channel.connectTimeoutMs;
    this.#deadlineMs = channel.deadlineMs;
  }

  /**
   * Connects with the first call, not here.
   * @throws `config.variable_missing`, `config.file_unreadable`; ProtocolError `protocol.config_invalid` (`fatal`)
   */
  static async open(channel: GrpcChannel): Promise<GrpcLink> {
    const metadata = new Metadata();
    for (const [name, text] of Object.entries(channel.metadata)) metadata.set(name, resolveReferences(text));
    if (channel.token !== undefined) metadata.set('authorization', `Bearer ${resolveReferences(channel.token)}`);
    return new GrpcLink(channel, await securityOf(channel), metadata);
  }

  /** @throws ServiceError as the plug-in or the connection has it; see `asLinkError` */
  call<K extends Unary>(name: K, request: Calls[K]['request']): Promise<Calls[K]['response']> {
    const { path, requestSerialize, responseDeserialize } = methodOf(name);
    if (this.#closed) return Promise.reject(this.closedError());
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + (name === 'Connect' ? this.#connectTimeoutMs : this.#deadlineMs) };
      const call = this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        this.#metadata,
        options,
        (error, response) => {
          this.#underWay.delete(call);
          if (error === null) resolve(response as Calls[K]['response']);
          else reject(this.#closed ? this.closedError() : error);
        },
      );
      this.#underWay.add(call);
    });
  }

  /** `onEnd` is called once, when the plug-in ends the stream or it breaks; not for `close`. */
  stream(
    request: Calls['Stream']['request'],
    onValues: (message: Calls['Stream']['response']) => void,
    onEnd: (error: ServiceError | undefined) => void,
  ): void {
    const { path, requestSerialize, responseDeserialize } = methodOf('Stream');
    const call = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      this.#metadata,
    ) as ClientReadableStream<Calls['Stream']['response']>;
    this.#underWay.add(call);
    let ended = false;
    const end = (error: ServiceError | undefined): void => {
      this.#underWay.delete(call);
      if (ended || this.#closed) return;
      ended = true;
      onEnd(error);
    };
    call.on('data', onValues);
    call.on('error', end);
    call.on('end', () => end(undefined));
  }

  /** Ends the connection and every call; safe at any time, any number of times. */
  close(): void {
    this.#closed = true;
    for (const call of [...this.#underWay]) call.cancel();
    this.#client.close();
  }

  closedError(): LinkError {
    return new LinkError(`the connection to ${this.#address} was closed here`);
  }
}

function methodOf(name: keyof Calls): MethodDefinition<object, object> {
  return driverService()[name] as MethodDefinition<object, object>;
}

async function securityOf({ tls, address }: GrpcChannel): Promise<ChannelCredentials> {
  if (tls === undefined) return credentials.createInsecure();
  const { ca, cert, key, rejectUnauthorized } = await readTlsFiles(tls);
  try {
    return credentials.createSsl(ca, key, cert, { rejectUnauthorized });
  } catch (cause) {
    const text = `${address}: the files of its tls cannot be used: ${(cause as Error).message}`;
    throw new ProtocolError('protocol.config_invalid', text, { cause, fatal: true });
  }
}

/** Codes with which a plug-in says that trying again cannot help. */
const FOR_GOOD = new Set<number>([status.INVALID_ARGUMENT, status.FAILED_PRECONDITION, status.UNIMPLEMENTED]);
/** Codes with which it refuses a write. */
const REFUSALS = new Set<number>([
  ...FOR_GOOD,
  status.OUT_OF_RANGE,
  status.PERMISSION_DENIED,
  status.NOT_FOUND,
  status.ABORTED,
]);

const LATE: number = status.DEADLINE_EXCEEDED;

/** What became of a call of the link; `opening`: some answers mean that the channel can never work so. */
export function asLinkError(thrown: unknown, address: string, opening = false): ProtocolError {
  if (thrown instanceof ProtocolError) return thrown;
  const text = `${address}: ${answerOf(thrown)}`;
  if (opening && FOR_GOOD.has(codeOf(thrown)))
    return new ProtocolError('protocol.refused', text, { cause: thrown, fatal: true });
  return new LinkError(text, { cause: thrown });
}

/** What became of a write. */
export function asWriteError(thrown: unknown, what: string): ProtocolError {
  if (thrown instanceof ProtocolError) return thrown;
  const text = `${what}: ${answerOf(thrown)}`;
  const code = codeOf(thrown);
  if (REFUSALS.has(code)) return new ProtocolError('protocol.write_refused', text, { cause: thrown, fatal: true });
  if (code === LATE) return new ProtocolError('protocol.timeout', text, { cause: thrown });
  return new LinkError(text, { cause: thrown });
}

function codeOf(thrown: unknown): number {
  return (thrown as Partial<ServiceError>).code ?? status.UNKNOWN;
}

/** `UNAVAILABLE: the device is off`. */
function answerOf(thrown: unknown): string {
  const { details = '' } = thrown as Partial<ServiceError>;
  const name = status[codeOf(thrown)] ?? 'UNKNOWN';
  return details === '' ? name : `${name}: ${details}`;
}
