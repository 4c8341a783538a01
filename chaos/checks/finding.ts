/** What one invariant came to. */
export interface Verdict {
  /** Short and stable: `commands-once`. */
  readonly invariant: string;
  /** What must hold, in words. */
  readonly claim: string;
  readonly passed: boolean;
  /** What it was held against: how many commands, frames, rows … */
  readonly checked: string;
  /** What breaks it, the first ones of them. */
  readonly violations: readonly string[];
  /** All of them. */
  readonly violationCount: number;
}

const SHOWN = 20;

export function verdict(invariant: string, claim: string, checked: string, violations: readonly string[]): Verdict {
  return {
    invariant,
    claim,
    passed: violations.length === 0,
    checked,
    violations: violations.slice(0, SHOWN),
    violationCount: violations.length,
  };
}
