import { isLinkMode, type FaultFile, type Target } from '../fault.js';
import type { Scenario } from '../scenario.js';

/** Targets whose processes may be named. */
export const PROCESS_TARGETS = ['node', 'nats-server', 'history', 'redis', 'devices'] as const satisfies Target[];
export type ProcessTarget = (typeof PROCESS_TARGETS)[number];

export function isProcessTarget(target: string): target is ProcessTarget {
  return PROCESS_TARGETS.some((each) => each === target);
}

/**
 * What of a scenario cannot be done to a site that somebody else runs, each with the reason; empty when all of it can.
 *
 * @param named targets of which a process was named
 */
export function refusals(scenario: Scenario, named: ReadonlySet<Target>): string[] {
  const { faults, minting } = scenario;
  return [
    ...(minting === undefined ? [] : ['minting: readings and tokens of the site would be real ones']),
    ...faults.flatMap((fault, index) => {
      const why = refusal(fault, named);
      const mode = fault.mode === undefined ? '' : ` ${fault.mode}`;
      return why === undefined ? [] : [`faults[${index}], ${fault.do} ${fault.what}${mode}: ${why}`];
    }),
  ];
}

function refusal({ do: action, what, mode, in: state }: FaultFile, named: ReadonlySet<Target>): string | undefined {
  if (state !== undefined) return 'states of mint batches are not waited for';
  if (action === 'link' && isLinkMode(mode)) return 'the links of the site are not this run’s own';
  if (action === 'answers') return 'the devices of the site are not this run’s own';
  if (action === 'clock' || action === 'fill' || action === 'split') return 'it needs a site that was started for it';
  if (what === 'actor' || what === 'worker' || named.has(what)) return undefined;
  return isProcessTarget(what) ? `name its process: --pid ${what}=PID` : 'there is no process to be named';
}
