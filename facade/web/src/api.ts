import type {
  ChannelCommandName,
  ChannelView,
  Health,
  HistoryPage,
  PointsPage,
  PointView,
  WriteReply,
} from '../../../actors/client/schemas.js';
import type { ErrorBody } from '../../../errors/error.js';
import type { Role } from '../../../site/access.js';

/** The server answered, and said no: its stable code and its words. */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  constructor(status: number, body: Pick<ErrorBody, 'code' | 'message'>) {
    super(body.message);
    this.code = body.code;
    this.status = status;
  }
}

/** No answer at all: the server is down, the network is, or it took too long. */
export class ServerAwayError extends Error {}

export interface HistoryRequest {
  /** `comsrv:1001:T:1`, or `model:roof:power` */
  address: string;
  /** ms since the Unix epoch; rounded to whole ones */
  from: number;
  to: number;
}

/** What the stores need of the server; the page has one, tests have their own. */
export interface Api {
  /** Server's clock minus ours in ms, 0 while they agree within two seconds; ages are told by the server's clock. */
  readonly skewMs: number;
  health(): Promise<Health>;
  channels(): Promise<ChannelView[]>;
  /** Every point of a channel, all pages. */
  points(channel: number): Promise<PointView[]>;
  /** Rows of a range, up to MAX_HISTORY_PAGES pages; `nextCursor` is not null when there are more. */
  history(request: HistoryRequest, signal: AbortSignal): Promise<HistoryPage>;
  write(address: string, value: number | boolean | string, commandId: string): Promise<WriteReply>;
  commandChannel(id: number, command: ChannelCommandName): Promise<ChannelView>;
  streamUrl(channel: number): string;
}

const TIMEOUT_MS = 10_000;
/** A write may wait for a slow device; the server's own deadline is at most a minute. */
const WRITE_TIMEOUT_MS = 65_000;
const PAGE_LIMIT = 10_000;
export const MAX_HISTORY_PAGES = 6;
const NO_CONTENT = 204;
/** Dates of HTTP answers have whole seconds. */
const CLOCK_TOLERANCE_MS = 2_000;

/** Who asks, as the server sees it. */
export interface Me {
  name: string;
  role: Role;
  /** open: nobody has to sign in. */
  via: 'user' | 'key' | 'open';
}

interface RequestOptions {
  post?: unknown;
  timeoutMs?: number;
  signal?: AbortSignal;
  /** A status that is not ok but still carries the answer. */
  alsoOk?: number;
}

export class HttpApi implements Api {
  skewMs = 0;
  /** Called when the server wants to know who asks, and the page cannot tell it. */
  onSignedOut: () => void = () => undefined;
  #renewing: Promise<void> | undefined;

  async health(): Promise<Health> {
    return (await this.ask('/health', { alsoOk: 503 })) as Health;
  }

  async channels(): Promise<ChannelView[]> {
    return (await this.ask('/api/v1/channels')) as ChannelView[];
  }

  async points(channel: number): Promise<PointView[]> {
    const points: PointView[] = [];
    let cursor: string | null = null;
    do {
      const query = new URLSearchParams({ channel: String(channel), limit: String(PAGE_LIMIT) });
      if (cursor !== null) query.set('cursor', cursor);
      const page = (await this.ask(`/api/v1/points?${query.toString()}`)) as PointsPage;
      points.push(...page.points);
      cursor = page.nextCursor;
    } while (cursor !== null);
    return points;
  }

  async history({ address, from, to }: HistoryRequest, signal: AbortSignal): Promise<HistoryPage> {
    const query = new URLSearchParams({
      from: String(Math.round(from)),
      to: String(Math.round(to)),
      resolution: 'auto',
      limit: String(PAGE_LIMIT),
    });
    const url = () => `${pathOf(address)}/history?${query.toString()}`;
    const first = (await this.ask(url(), { signal })) as HistoryPage;
    let cursor = first.nextCursor;
    for (let page = 1; page < MAX_HISTORY_PAGES && cursor !== null; page++) {
      query.set('cursor', cursor);
      const next = (await this.ask(url(), { signal })) as HistoryPage;
      first.rows.push(...next.rows);
      cursor = next.nextCursor;
    }
    return { ...first, nextCursor: cursor };
  }

  async write(address: string, value: number | boolean | string, commandId: string): Promise<WriteReply> {
    const options = { post: { value, commandId }, timeoutMs: WRITE_TIMEOUT_MS };
    return (await this.ask(`${pathOf(address)}/write`, options)) as WriteReply;
  }

  async commandChannel(id: number, command: ChannelCommandName): Promise<ChannelView> {
    return (await this.ask(`/api/v1/channels/${id}/commands`, { post: { command } })) as ChannelView;
  }

  streamUrl(channel: number): string {
    return `/api/v1/points/stream?channel=${channel}`;
  }

  /** @throws ApiError when name or password are wrong, or too many were */
  async signIn(name: string, password: string): Promise<void> {
    await this.#send('/auth/login', { post: { name, password, cookie: true } });
  }

  async signOut(): Promise<void> {
    await this.ask('/auth/logout', { post: {} });
  }

  /** Who the page works for; everybody may do everything where nobody has to sign in. */
  async me(): Promise<Me> {
    return (await this.ask('/auth/me')) as Me;
  }

  /**
   * Asks; once more when the token has expired and there may be a new one.
   * @throws ApiError, ServerAwayError, or AbortError when `signal` aborted.
   */
  async ask(url: string, options: RequestOptions = {}): Promise<unknown> {
    try {
      return await this.#send(url, options);
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    await this.#renewing;
    try {
      return await this.#send(url, options);
    } catch (error) {
      if (isRefusal(error)) this.onSignedOut();
      throw error;
    }
  }

  async #renew(): Promise<void> {
    try {
      await this.#send('/auth/refresh', { post: {} });
    } catch (error) {
      // Another page of this browser may just have done it, for both.
      if (!isRefusal(error)) throw error;
    }
  }

  /** @throws ApiError, ServerAwayError, or AbortError when `signal` aborted. */
  async #send(url: string, options: RequestOptions = {}): Promise<unknown> {
    const { post, timeoutMs = TIMEOUT_MS, signal, alsoOk } = options;
    const timeout = AbortSignal.timeout(timeoutMs);
    let status: number;
    let body: unknown;
    try {
      const response = await fetch(url, {
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
        ...(post === undefined
          ? {}
          : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(post) }),
      });
      status = response.status;
      this.#noteClock(response.headers.get('date'));
      const text = await response.text();
      body = parseJson(text);
      if ((response.ok || status === alsoOk) && (body !== undefined || status === NO_CONTENT)) return body;
    } catch (error) {
      signal?.throwIfAborted();
      if (timeout.aborted) throw new ServerAwayError(`no answer within ${timeoutMs / 1_000} s`, { cause: error });
      throw new ServerAwayError('the server cannot be reached', { cause: error });
    }
    throw new ApiError(status, errorOf(status, body));
  }

  #noteClock(date: string | null): void {
    if (date === null) return;
    const skew = Date.parse(date) - Date.now();
    if (Number.isFinite(skew)) this.skewMs = Math.abs(skew) <= CLOCK_TOLERANCE_MS ? 0 : skew;
  }
}

/** Of a channel's point, `comsrv:1001:T:1`, or a model's, `model:roof:power`. */
function pathOf(address: string): string {
  const [first, model, point] = address.split(':');
  return first === 'model' ? `/api/v1/models/${model}/points/${point}` : `/api/v1/points/${address}`;
}

/** Whether the server wants to know who asks. */
function isRefusal(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // Something between us and the server answered with a page of its own.
  }
}

/** The `error` of the server's envelope, or words for an answer that is not the server's. */
function errorOf(status: number, body: unknown): Pick<ErrorBody, 'code' | 'message'> {
  const error = (body as { error?: Partial<ErrorBody> } | undefined)?.error;
  if (typeof error?.code === 'string' && typeof error.message === 'string')
    return { code: error.code, message: error.message };
  return { code: `http.${status}`, message: `HTTP status ${status} without an explanation` };
}
