/** One data frame of a CAN bus. */
export interface CanFrame {
  /** When it was received, ms since the Unix epoch. */
  readonly time: number;
  readonly interface: string;
  readonly id: number;
  /** An identifier of 29 bits. */
  readonly extended: boolean;
  readonly data: Uint8Array;
}

/** `(1436509052.249713) can0 044#2A366C2BBA`; `##` and a digit of flags for CAN FD; then, if asked for, the direction. */
const LINE =
  /^\((\d+\.\d+)\) +(\S+) +([0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})#(#[0-9A-Fa-f])?(R[0-9A-Fa-f]?|[0-9A-Fa-f]*)(_[0-9A-Fa-f])?(?: +[TR])?\s*$/;
/** Flag of frames that tell of errors on the bus (linux/can.h, CAN_ERR_FLAG). */
const ERROR_FLAG = 0x2000_0000;

/**
 * A line as `candump -L` writes it (can-utils, lib.h, parse_canframe). `none`: a frame without data of a sender: a
 * remote request, or one that tells of an error. undefined: no such line.
 */
export function parseCandump(line: string): CanFrame | 'none' | undefined {
  const match = LINE.exec(line);
  if (match === null) return undefined;
  const [, time = '', name = '', id = '', fd, data = ''] = match;
  const number = parseInt(id, 16);
  const extended = id.length === 8;
  if (data.startsWith('R') || (extended && number >= ERROR_FLAG)) return 'none';
  if (data.length % 2 === 1 || data.length > (fd === undefined ? 16 : 128)) return undefined;
  return {
    time: Number(time) * 1000,
    interface: name,
    id: number,
    extended,
    data: Uint8Array.from({ length: data.length / 2 }, (_, at) => parseInt(data.slice(at * 2, at * 2 + 2), 16)),
  };
}
