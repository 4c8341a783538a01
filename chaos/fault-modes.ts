import type { AnswerFault } from './device-link.js';
import { isAnswerMode, type FaultFile } from './fault.js';
import type { LinkFault } from './link.js';

/** What a scenario says of a link. */
export function linkFault({ mode, delay_ms = 0, jitter_ms = 0, bytes_per_s = 0 }: FaultFile): LinkFault | 'reset' {
  if (mode === 'delay') return { mode, delayMs: delay_ms, jitterMs: jitter_ms };
  if (mode === 'throttle') return { mode, bytesPerS: bytes_per_s };
  return mode === 'hold' || mode === 'half-open' || mode === 'shut' || mode === 'corrupt' ? { mode } : 'reset';
}

/** What it says of answers; 4 is `server device failure`. */
export function answerFault({ mode, delay_ms = 0, jitter_ms = 0, share = 1, code = 4 }: FaultFile): AnswerFault {
  return { mode: isAnswerMode(mode) ? mode : 'slow', share, delayMs: delay_ms, jitterMs: jitter_ms, code };
}
