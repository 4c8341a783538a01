/** Called for each whole answer frame; the PDU is `bytes[start, end)`, valid only during the call. */
export type OnFrame = (transaction: number, unitId: number, bytes: Uint8Array, start: number, end: number) => void;

/** How PDUs are wrapped on a byte stream: Modbus TCP's header or RTU's address and CRC. One per connection. */
export interface Framing {
  /** Whether several requests may be under way: only where answers name their request. */
  readonly concurrent: boolean;
  /** Rest that the line needs after a request that got no answer, so that a late answer is not taken for the next. */
  readonly settleMs: number;
  /** The bytes of a request. */
  frame(transaction: number, unitId: number, pdu: Uint8Array): Uint8Array;
  /**
   * Takes received bytes, however they were cut. Answers why the stream cannot be trusted any more, if so: then the
   * connection must be closed.
   *
   * @param isAwaited whether the answer of a transaction is; without it less is noticed
   */
  push(chunk: Uint8Array, onFrame: OnFrame, isAwaited?: (transaction: number) => boolean): string | undefined;
  /** A request was given up. Answers why the stream cannot be trusted any more, if so. */
  expire(transaction: number): string | undefined;
}

/** Unread bytes with a chunk behind them. */
export function join(pending: Uint8Array | undefined, chunk: Uint8Array): Uint8Array {
  if (pending === undefined) return chunk;
  const joined = new Uint8Array(pending.length + chunk.length);
  joined.set(pending);
  joined.set(chunk, pending.length);
  return joined;
}
