import type { PointDefinition } from '../site/points.js';
import type { Readings } from '../site/readings.js';
import { StatewattError, type ErrorOptions } from '../errors/error.js';

/** What one polling cycle did. */
export interface PollOutcome {
  /** Requests answered with data. */
  reads: number;
  /** Requests that failed (timeouts, exceptions) while the link stayed up. */
  errors: number;
  /** The last failure of the cycle, if any. */
  lastError?: ProtocolError;
  /** Round-trip time of each answered request, ms. */
  roundTrips: number[];
  /** Of some point there is another value yet: poll again at once, for a frame of its own. */
  more?: boolean;
  /** Values that were given up unread because too many waited. */
  dropped?: number;
}

export interface WriteOutcome {
  /** What the device was sent, and what it holds now (read back), in engineering units. */
  written: number | string;
  readBack: number | string | null;
  /** Read-back equals what was written, within the encoding's resolution. */
  confirmed: boolean;
  /** What the device answered, in words: `ok`, or the exception's name. */
  answer: string;
  roundTripMs: number;
}

/**
 * One connection to one device (or gateway). A driver keeps no retry loop of its own: it connects once, reads once,
 * and says plainly when the link is gone; the channel's state chart decides what happens next.
 */
export interface Driver {
  /**
   * Values come by themselves, and a poll takes what has come: only points of which something has come are reported.
   * Default false: a poll asks the device.
   */
  readonly pushed?: boolean;
  /** Opens the link. Throws LinkError (try again later) or ConfigError-like ProtocolError with `fatal`. */
  connect(): Promise<void>;
  /**
   * Reads every point once into `readings`. Failures of single requests mark their points (stale or bad) and are
   * counted; throws LinkError only when the link itself is gone.
   */
  poll(readings: Readings): Promise<PollOutcome>;
  /** Writes a C or A point and reads it back. Throws ProtocolError with the device's answer when it refuses. */
  write(point: PointDefinition, value: number | string): Promise<WriteOutcome>;
  /**
   * The point reads as this value (engineering units) from the next poll on: of drivers that make values themselves. A
   * point that something else feeds stays as it is. Any time, before `connect` too.
   */
  hold?(point: PointDefinition, value: number): void;
  /** Closes the link; safe at any time, any number of times. A poll under way ends with LinkError. */
  close(): Promise<void>;
}

/** A device's refusal or a malformed answer. Codes: `protocol.*`. */
export class ProtocolError extends StatewattError {
  /** Trying again cannot help without a change of configuration. */
  readonly fatal: boolean;
  constructor(code: string, message: string, options: ErrorOptions & { fatal?: boolean } = {}) {
    super(code, options.fatal === true ? 'invalid' : 'unavailable', message, options);
    this.fatal = options.fatal ?? false;
  }
}

/** The link to the device is gone or could not be opened. */
export class LinkError extends ProtocolError {
  constructor(message: string, options: ErrorOptions = {}) {
    super('protocol.link_lost', message, options);
  }
}
