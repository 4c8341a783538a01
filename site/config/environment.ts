import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import Type, { type Static } from 'typebox';
import { StatewattError } from '../../errors/error.js';
import { choices, nearest, show } from './problems.js';
import { words } from './schema/helpers.js';
import type { TokenizationChanges } from '../metering/tokenization.js';
import { tokenizationVariables } from './tokenization.js';
import { traceSettings, type TraceSettings } from './traces.js';
import { SELDOM_USED } from '../validator.js';

const DURABILITIES = ['strict', 'relaxed'] as const;
const ACCESS_MODES = ['auto', 'required'] as const;
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const url = (schemes: readonly string[], description: string, example: string) =>
  Type.String({ pattern: `^(${schemes.join('|')})://[^\\s/]+`, description, examples: [example] });
const file = (description: string) => Type.String({ minLength: 1, description });
const list = (description: string, item: string, example: string) =>
  Type.String({ pattern: `^${item}(\\s*,\\s*${item})*$`, description, examples: [example] });
const port = (fallback: number, description: string) =>
  Type.Integer({ minimum: 0, maximum: 65535, default: fallback, description });

const NATS_SERVER = '((nats|tls|wss?)://)?[^\\s,/]+';
const HTTP = ['http', 'https'];

/** Every variable that is read. The one source of their types, their validation and docs/configuration.md. */
export const EnvironmentSchema = Type.Object({
  NATS_URL: Type.Optional(
    Type.String({
      pattern: `^${NATS_SERVER}(\\s*,\\s*${NATS_SERVER})*$`,
      description: 'NATS servers, comma separated; without it the node runs its own',
      examples: ['nats://10.0.0.1:4222,nats://10.0.0.2:4222'],
    }),
  ),
  NATS_CREDS: Type.Optional(file('credentials file of a NATS user')),
  NATS_CA: Type.Optional(file('PEM file of the authority that signed the certificates of the NATS servers')),
  NATS_CERT: Type.Optional(file('PEM file of the certificate that the node shows; with NATS_KEY')),
  NATS_KEY: Type.Optional(file('PEM file of its key; with NATS_CERT')),
  REDIS_URL: Type.Optional(
    url(
      ['redis', 'rediss', 'unix'],
      'Redis; without it realtime values are kept in the process',
      'redis://10.0.0.1:6379',
    ),
  ),
  CLICKHOUSE_URL: Type.Optional(
    url(HTTP, 'ClickHouse; without it the node runs chDB', 'http://user:password@10.0.0.1:8123/statewatt'),
  ),
  SOLANA_RPC_URL: Type.Optional(
    url(HTTP, 'Solana JSON-RPC; without it the node runs LiteSVM', 'https://api.devnet.solana.com'),
  ),
  SOLANA_KEY_FILE: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'key that mints, as solana-keygen writes it; only its owner may read the file',
    }),
  ),
  SOLANA_KEY: Type.Optional(Type.String({ minLength: 1, description: 'the key itself, as in the file or base58' })),
  SOLANA_SIGNER: Type.Optional(
    Type.String({ minLength: 1, description: 'program that has the key and signs, with its arguments' }),
  ),
  SOLANA_MINT: Type.Optional(
    Type.String({ pattern: '^[1-9A-HJ-NP-Za-km-z]{32,44}$', description: 'the token that is minted, base58' }),
  ),
  SOLANA_CREATE_MINT: Type.Optional(
    Type.Boolean({ description: 'make a token on the first start; without it a token that is there is needed' }),
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.Optional(
    url(HTTP, 'OpenTelemetry collector that traces go to (OTLP over HTTP)', 'http://10.0.0.1:4318'),
  ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: Type.Optional(
    url(HTTP, 'the same as a whole URL', 'http://10.0.0.1:4318/v1/traces'),
  ),
  STATEWATT_DATA: Type.String({ minLength: 1, default: '.statewatt', description: 'folder of all data of the node' }),
  STATEWATT_HTTP_HOST: Type.String({ minLength: 1, default: '127.0.0.1', description: 'address that HTTP listens on' }),
  STATEWATT_HTTP_PORT: port(8080, 'port of HTTP; 0 = any that is free'),
  STATEWATT_HTTP_CERT: Type.Optional(file('PEM file of the certificate that HTTPS shows; with STATEWATT_HTTP_KEY')),
  STATEWATT_HTTP_KEY: Type.Optional(file('PEM file of its key; with STATEWATT_HTTP_CERT')),
  STATEWATT_HTTP_ALLOWED_HOSTS: Type.Optional(
    list('further names under which browsers reach HTTP, comma separated', '[^\\s,:/]+', 'ems.example.com'),
  ),
  STATEWATT_HTTP_ORIGINS: Type.Optional(
    list(
      'pages of other sites that may use HTTP (CORS), comma separated',
      'https?://[^\\s,/]+',
      'https://app.example.com',
    ),
  ),
  STATEWATT_HTTP_PROXIES: Type.Optional(
    list('addresses of proxies in front of HTTP, comma separated', '[0-9A-Fa-f.:]+(/\\d+)?', '10.0.0.1,10.1.0.0/16'),
  ),
  STATEWATT_HTTP_RATE: Type.Integer({
    minimum: 0,
    maximum: 1_000_000,
    default: 200,
    description: 'HTTP requests a second of one user, key or address; 0 = no limit',
  }),
  STATEWATT_SERVICE_PORTS: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 65529,
      description: 'first of the ports on which each service is served on its own too, such as 6000',
    }),
  ),
  STATEWATT_ACCESS: words(ACCESS_MODES, {
    default: 'auto',
    description: 'whether callers have to sign in: auto = unless there is no user and HTTP is for this machine only',
  }),
  STATEWATT_ADMIN_PASSWORD: Type.Optional(
    Type.String({ minLength: 10, maxLength: 256, description: '10 to 256 characters, of the first user, admin' }),
  ),
  STATEWATT_TOKEN: Type.Optional(
    Type.String({ description: 'what the commands show where access is controlled: token of a user, or an API key' }),
  ),
  STATEWATT_TOKEN_KEY_FILE: Type.Optional(file('file with the key that signs tokens, the same for all nodes')),
  STATEWATT_NATS_PORT: port(0, 'port of the node’s own NATS server; 0 = any that is free'),
  STATEWATT_DURABILITY: words(DURABILITIES, {
    default: 'strict',
    description: 'what the node’s own NATS server writes to the disk before it acknowledges',
  }),
  STATEWATT_FRAMES_DURABILITY: words(DURABILITIES, {
    default: 'strict',
    description: 'the same of readings alone; relaxed: they are acknowledged before they are written anywhere',
  }),
  STATEWATT_LOG_LEVEL: words(LOG_LEVELS, { default: 'info', description: 'least level that is logged' }),
  STATEWATT_NODE_NAME: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9_-]{1,64}$',
      description: 'name of the node, unique among the nodes; default: the host’s name',
    }),
  ),
});
type Variables = Static<typeof EnvironmentSchema>;

/** Settings of a node from its environment. URLs may hold passwords: print them through `maskSecrets` only. */
export interface Environment {
  /** Set: connect there. Not set: the node runs its own server, on `nats.port`. */
  readonly nats: {
    readonly servers?: readonly string[];
    readonly port: number;
    /** Of the own server. Strict: what was acknowledged survives a power cut; relaxed: the kill of any process. */
    readonly durability: (typeof DURABILITIES)[number];
    /** Of readings. Strict: as the server's; relaxed: the kill of the server may cost those of the last moment. */
    readonly framesDurability: (typeof DURABILITIES)[number];
    /** Absolute path. */
    readonly credentials?: string;
    /** Absolute paths of PEM files. */
    readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
  };
  readonly redisUrl?: string;
  readonly clickhouseUrl?: string;
  readonly solanaRpcUrl?: string;
  /** Who mints what on the chain. */
  readonly solana?: {
    /** Absolute path. */
    readonly keyFile?: string;
    /** The key itself stands in SOLANA_KEY; it is read where it is used only. */
    readonly hasKey?: boolean;
    readonly signer?: string;
    readonly mint?: string;
    readonly createMint?: boolean;
  };
  /** Set: traces are exported. */
  readonly traces?: TraceSettings;
  /** Goes before the site file's section of that name. */
  readonly tokenization?: TokenizationChanges;
  /** Absolute path. */
  readonly dataFolder: string;
  /** Port 0 = any that is free. */
  readonly http: {
    readonly host: string;
    readonly port: number;
    /** Requests a second of one caller; 0 = no limit. */
    readonly rateLimit: number;
    readonly allowedHosts?: readonly string[];
    readonly origins?: readonly string[];
    readonly proxies?: readonly string[];
    /** Absolute paths of PEM files. */
    readonly tls?: { readonly certFile: string; readonly keyFile: string };
    /** First of the ports on which each service is served on its own too. */
    readonly servicePorts?: number;
  };
  readonly access: {
    readonly mode: (typeof ACCESS_MODES)[number];
    /** Of the first user. */
    readonly adminPassword?: string;
    /** Absolute path. */
    readonly keyFile?: string;
  };
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly nodeName: string;
}

/** Variables that cannot be used: every one of them, with what is allowed. Code `config.environment`. */
export class EnvironmentError extends StatewattError {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super('config.environment', 'invalid', problems.join('\n'), { details: { problems } });
    this.problems = problems;
  }
}

/**
 * Reads the variables of EnvironmentSchema; an empty one counts as not set. Other names are left alone, but for those
 * that begin with STATEWATT_.
 * @throws EnvironmentError with every problem; passwords in URLs are masked.
 */
export function loadEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): Environment {
  const problems = unknownNames(env);
  const names = Object.keys(EnvironmentSchema.properties) as (keyof Variables)[];
  const given = Object.fromEntries(names.flatMap((name) => (env[name]?.trim() ? [[name, env[name].trim()]] : [])));

  // Numbers arrive as text, so the types are coerced; defaults are filled in.
  const ajv = new Ajv2020({
    ...SELDOM_USED,
    allErrors: true,
    coerceTypes: true,
    useDefaults: true,
    strict: false,
    verbose: true,
  });
  const validate = ajv.compile<Variables>(EnvironmentSchema);
  const written: Record<string, unknown> = { ...given };
  if (!validate(written)) problems.push(...(validate.errors ?? []).map((error) => describe(error, given)));
  if ((given.NATS_CERT === undefined) !== (given.NATS_KEY === undefined)) {
    const missing = given.NATS_CERT === undefined ? 'NATS_CERT' : 'NATS_KEY';
    problems.push(`${missing}: not set, allowed both NATS_CERT and NATS_KEY or none of them`);
  }
  if ((given.STATEWATT_HTTP_CERT === undefined) !== (given.STATEWATT_HTTP_KEY === undefined)) {
    const missing = given.STATEWATT_HTTP_CERT === undefined ? 'STATEWATT_HTTP_CERT' : 'STATEWATT_HTTP_KEY';
    problems.push(`${missing}: not set, allowed both STATEWATT_HTTP_CERT and STATEWATT_HTTP_KEY or none of them`);
  }
  const traces = traceSettings(env, problems);
  const tokenization = tokenizationVariables(env, problems);
  if (problems.length > 0) throw new EnvironmentError(problems);
  return toEnvironment(written as Variables, traces, tokenization);
}

function toEnvironment(
  variables: Variables,
  traces: TraceSettings | undefined,
  tokenization: TokenizationChanges | undefined,
): Environment {
  const path = (name: string | undefined) => (name === undefined ? undefined : resolve(name));
  const tls = defined({
    caFile: path(variables.NATS_CA),
    certFile: path(variables.NATS_CERT),
    keyFile: path(variables.NATS_KEY),
  });
  const solana = defined({
    keyFile: path(variables.SOLANA_KEY_FILE),
    hasKey: variables.SOLANA_KEY === undefined ? undefined : true,
    signer: variables.SOLANA_SIGNER,
    mint: variables.SOLANA_MINT,
    createMint: variables.SOLANA_CREATE_MINT,
  });
  const nats = {
    servers: items(variables.NATS_URL),
    port: variables.STATEWATT_NATS_PORT,
    durability: variables.STATEWATT_DURABILITY,
    framesDurability: variables.STATEWATT_FRAMES_DURABILITY,
    credentials: path(variables.NATS_CREDS),
    tls: Object.keys(tls).length === 0 ? undefined : tls,
  };
  return defined({
    nats: defined(nats),
    redisUrl: variables.REDIS_URL,
    clickhouseUrl: variables.CLICKHOUSE_URL,
    solanaRpcUrl: variables.SOLANA_RPC_URL,
    solana: Object.keys(solana).length === 0 ? undefined : solana,
    traces,
    tokenization,
    dataFolder: resolve(variables.STATEWATT_DATA),
    http: defined({
      host: variables.STATEWATT_HTTP_HOST,
      port: variables.STATEWATT_HTTP_PORT,
      rateLimit: variables.STATEWATT_HTTP_RATE,
      allowedHosts: items(variables.STATEWATT_HTTP_ALLOWED_HOSTS),
      origins: items(variables.STATEWATT_HTTP_ORIGINS),
      proxies: items(variables.STATEWATT_HTTP_PROXIES),
      tls:
        variables.STATEWATT_HTTP_CERT === undefined
          ? undefined
          : { certFile: path(variables.STATEWATT_HTTP_CERT), keyFile: path(variables.STATEWATT_HTTP_KEY) },
      servicePorts: variables.STATEWATT_SERVICE_PORTS,
    }),
    access: defined({
      mode: variables.STATEWATT_ACCESS,
      adminPassword: variables.STATEWATT_ADMIN_PASSWORD,
      keyFile: path(variables.STATEWATT_TOKEN_KEY_FILE),
    }),
    logLevel: variables.STATEWATT_LOG_LEVEL,
    nodeName: variables.STATEWATT_NODE_NAME ?? hostNodeName(),
  }) as Environment;
}

function items(list: string | undefined): string[] | undefined {
  return list?.split(',').map((item) => item.trim());
}

/** Without the keys that hold undefined. */
function defined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** The host's name with only what a node's name may hold. */
function hostNodeName(): string {
  return (
    hostname()
      .replace(/[^A-Za-z0-9_-]/g, '-')
      .slice(0, 64) || 'node'
  );
}

function unknownNames(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = Object.keys(EnvironmentSchema.properties).filter((name) => name.startsWith('STATEWATT_'));
  return Object.keys(env)
    .filter((name) => name.startsWith('STATEWATT_') && !known.includes(name))
    .map((name) => {
      const near = nearest(name, known);
      return `${name}: unknown variable, allowed ${choices(known)}${near === undefined ? '' : `; did you mean ${near}?`}`;
    });
}

function describe(error: ErrorObject, given: Readonly<Record<string, string>>): string {
  const name = error.instancePath.slice(1);
  const schema = error.parentSchema as { enum?: string[]; type: string; examples?: string[]; description: string };
  const { minimum, maximum } = error.parentSchema as { minimum?: number; maximum?: number };
  let allowed = schema.description;
  if (schema.enum !== undefined) allowed = choices(schema.enum);
  else if (schema.type === 'integer') allowed = `a whole number from ${minimum} to ${maximum}`;
  else if (schema.examples !== undefined) {
    const [example = ''] = schema.examples;
    allowed = `${example.includes('://') ? 'a URL' : 'a list'} such as ${example}`;
  } else if (error.keyword === 'pattern') allowed = '1 to 64 letters, digits, - and _';
  // What is no URL may still hold a password.
  const found = /PASSWORD$|TOKEN$/.test(name) ? '***' : show(given[name]?.replace(/.*@/, '***@'));
  return `${name}: found ${found}, allowed ${allowed}`;
}
