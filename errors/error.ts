/** What kind of answer an error deserves at any of the faces (HTTP status, CLI exit code, NATS service code). */
export type ErrorCategory =
  | 'invalid' // the caller sent something wrong; the text says what would be right
  | 'not_found'
  | 'conflict' // the state of the thing does not allow it now
  | 'busy' // a bound was reached; retry after a while
  | 'timeout'
  | 'unavailable' // a part that is needed is away; retry after a while
  | 'internal';

/** What an error may carry besides its code, category and text. */
export interface ErrorOptions {
  cause?: unknown;
  /** Facts for programs (never secrets): what was found, what is allowed, where. */
  details?: Record<string, unknown>;
  /** Milliseconds after which a retry makes sense. */
  retryAfterMs?: number;
}

/**
 * Base of every error that leaves a layer. `code` is stable (`<layer>.<what>`, snake case) and is part of the public
 * interface; `message` says what was found and what is allowed and may change.
 */
export class StatewattError extends Error {
  readonly code: string;
  readonly category: ErrorCategory;
  readonly details: Record<string, unknown> | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: string, category: ErrorCategory, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.category = category;
    this.details = options.details;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** Whether doing the same again later can help. */
  get retryable(): boolean {
    return this.category === 'busy' || this.category === 'timeout' || this.category === 'unavailable';
  }

  /** The error as it travels; without its cause and stack. */
  toJSON(): ErrorBody {
    return {
      code: this.code,
      category: this.category,
      message: this.message,
      ...(this.details === undefined ? {} : { details: this.details }),
      ...(this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs }),
    };
  }

  /** The error that travelled. */
  static fromJSON(body: ErrorBody): StatewattError {
    return new StatewattError(body.code, body.category, body.message, {
      ...(body.details === undefined ? {} : { details: body.details }),
      ...(body.retryAfterMs === undefined ? {} : { retryAfterMs: body.retryAfterMs }),
    });
  }
}

/** The wire form of an error, the same over HTTP, NATS and the CLI's `--json`. */
export interface ErrorBody {
  code: string;
  category: ErrorCategory;
  message: string;
  details?: Record<string, unknown>;
  retryAfterMs?: number;
}

/** Turns anything thrown into a StatewattError; an unknown throw becomes `internal` and keeps its cause. */
export function toStatewattError(thrown: unknown, code = 'internal.unexpected'): StatewattError {
  if (thrown instanceof StatewattError) return thrown;
  return new StatewattError(code, 'internal', errorMessage(thrown), { cause: thrown });
}

/** The message of anything thrown. */
export function errorMessage(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
