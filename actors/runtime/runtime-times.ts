import { Histogram } from '../../telemetry/histogram.js';

/** How long what the actors of a node do takes. */
export interface RuntimeTimes {
  /** A command in its actor's mailbox. */
  readonly mailbox: Histogram;
  /** A command from the mailbox to its end: refused, or journaled and answered. */
  readonly commands: Histogram;
  /** The append of an entry, until the journal has acknowledged it. */
  readonly appends: Histogram;
  /** An effect that the activation runs, if it succeeded. */
  readonly effects: Histogram;
}

/** How long the parts of the way of a command take on one node. */
export interface SystemTimes extends RuntimeTimes {
  /** An ask from the call to its answer, refused ones too. */
  readonly asks: Histogram;
  /** A run of a durable effect, failed ones too. */
  readonly durableEffects: Histogram;
  /** From the placement that gives partitions to this node until they are at work, their always-on actors alive. */
  readonly takeovers: Histogram;
}

export function createRuntimeTimes(): RuntimeTimes {
  return { mailbox: new Histogram(), commands: new Histogram(), appends: new Histogram(), effects: new Histogram() };
}
