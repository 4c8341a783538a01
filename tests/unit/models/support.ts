import type { ModelOrigin } from '../../../site/models/template.js';

/** Keeps what is reported, a line each: path and message. */
export function keepReports(): { origin: ModelOrigin; lines: string[] } {
  const lines: string[] = [];
  const at = (path: string): ModelOrigin => ({
    at: (...steps) => at([path, ...steps].filter((step) => step !== '').join('.')),
    report: (field, found, allowed, why) =>
      lines.push(
        `${[path, field].filter((step) => step !== '').join('.')}: ${why ?? `found ${found}, allowed ${allowed}`}`,
      ),
  });
  return { origin: at(''), lines };
}
