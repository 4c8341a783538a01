import type { ErrorCategory } from '../errors/error.js';

/** What the process's exit code tells a script. Part of the public interface (docs/cli.md). */
export const EXIT = {
  ok: 0,
  /** The answer is bad: unhealthy, refused, not confirmed, invalid configuration, internal error. */
  bad: 1,
  /** The command line is wrong. */
  usage: 2,
  /** No node, or a part that it needs, could be reached. */
  unreachable: 3,
  notFound: 4,
  timeout: 5,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const BY_CATEGORY: Record<ErrorCategory, ExitCode> = {
  invalid: EXIT.bad,
  not_found: EXIT.notFound,
  conflict: EXIT.bad,
  busy: EXIT.bad,
  timeout: EXIT.timeout,
  unavailable: EXIT.unreachable,
  internal: EXIT.bad,
};

export function exitCodeOf(category: ErrorCategory): ExitCode {
  return BY_CATEGORY[category];
}
