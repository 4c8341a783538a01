import { ProtocolError } from '../../protocols/driver.js';

/** What a point of a simulated device shows now, in the point's engineering unit; states are 0 or 1. */
export type Reading = () => number | string;

/** A point that can be commanded. */
export interface Command {
  readonly read: () => number;
  /** @throws ProtocolError `protocol.value_out_of_range` when the device does not take the value */
  readonly write: (value: number) => void;
}

/** The points of a simulated device by kind and name, as the point tables name them. */
export interface DeviceSignals {
  readonly T: Readonly<Record<string, Reading>>;
  readonly S: Readonly<Record<string, Reading>>;
  readonly C?: Readonly<Record<string, Command>>;
  readonly A?: Readonly<Record<string, Command>>;
}

export function state(on: boolean): number {
  return on ? 1 : 0;
}

/** A setting that is kept and has no effect in the model. */
export function kept(value: number): Command {
  return {
    read: () => value,
    write: (written) => {
      value = written;
    },
  };
}

/** A command that acts when 1 is written and always reads 0. */
export function pulse(act: () => void): Command {
  return {
    read: () => 0,
    write: (value) => {
      if (value === 1) act();
    },
  };
}

/** @throws ProtocolError `protocol.value_out_of_range` unless the value is between the limits */
export function checkRange(what: string, found: number, min: number, max: number, unit = ''): void {
  if (found >= min && found <= max) return;
  const message = `${what}: found ${found}${unit}, allowed ${min} … ${max}${unit}`;
  throw new ProtocolError('protocol.value_out_of_range', message, { fatal: true, details: { found, min, max } });
}
