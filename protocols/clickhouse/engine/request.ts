import type { IncomingHttpHeaders } from 'node:http';

/** One request of ClickHouse's HTTP interface, taken apart. */
export interface EngineRequest {
  /** Text of the `query` parameter; the statement's start (or all of it) when a body follows. */
  query: string;
  database: string;
  format: string;
  queryId: string;
  /** Settings of this statement alone. */
  settings: ReadonlyMap<string, string>;
  /** Values of `{name:Type}` placeholders, as they came (tab-separated escaping). */
  parameters: ReadonlyMap<string, string>;
}

/** Parameters of the HTTP interface that are no settings; those without a meaning here are accepted and ignored. */
const NOT_SETTINGS = new Set([
  'query',
  'database',
  'default_format',
  'query_id',
  'session_id',
  'session_check',
  'session_timeout',
  'user',
  'password',
  'quota_key',
  'role',
  'compress',
  'decompress',
  'enable_http_compression',
  'buffer_size',
  'wait_end_of_query',
  'stacktrace',
  'client_protocol_version',
  'close_session',
]);

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export class BadRequest extends Error {}

/** @throws BadRequest when a setting's or parameter's name is no identifier */
export function parseRequest(url: URL, headers: IncomingHttpHeaders): EngineRequest {
  const settings = new Map<string, string>();
  const parameters = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (NOT_SETTINGS.has(name)) continue;
    if (!NAME.test(name)) throw new BadRequest(`${JSON.stringify(name)} is no name of a setting or parameter`);
    if (name.startsWith('param_')) parameters.set(name.slice('param_'.length), value);
    else settings.set(name, value);
  }
  const header = (name: string) => {
    const value = headers[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  return {
    query: url.searchParams.get('query') ?? '',
    database: url.searchParams.get('database') ?? header('x-clickhouse-database') ?? 'default',
    format: url.searchParams.get('default_format') ?? header('x-clickhouse-format') ?? 'TabSeparated',
    queryId: url.searchParams.get('query_id') ?? '',
    settings,
    parameters,
  };
}

/** A ClickHouse string literal. */
export function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

export function quoteName(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}

const INSERT_HEAD = /^\s*INSERT\s+INTO\s/i;
const INSERT_TAIL = /(\s+SETTINGS\s+[^']*?)?\s+FORMAT\s+(\w+)\s*;?\s*$/i;

/** Whether the statement takes its data from the body. */
export function takesData(query: string): boolean {
  return INSERT_HEAD.test(query) && INSERT_TAIL.test(query);
}

/**
 * The same INSERT, reading its data from a file. The engine cannot be handed binary data behind the statement itself:
 * it ends such data at the first empty line.
 */
export function insertFromFile(query: string, file: string): string {
  return query.replace(
    INSERT_TAIL,
    (_tail, settings: string | undefined, format: string) =>
      ` FROM INFILE ${quote(file)} COMPRESSION 'none'${settings ?? ''} FORMAT ${format}`,
  );
}
