import type { VersionedMessage, VersionedTransaction } from '@solana/web3.js';

/**
 * What is encoded already, in the shape in which web3.js takes messages and transactions to ask a cluster about them. Of such
 * a one it asks only for its bytes; taken apart into its own objects and put together again, each would hold this thread up
 * for milliseconds.
 */

export function encodedMessage(bytes: Uint8Array): VersionedMessage {
  return { serialize: () => ownBytes(bytes) } as unknown as VersionedMessage;
}

/** Of a transaction's bytes. */
export function encodedTransaction(bytes: Uint8Array): VersionedTransaction {
  // It tells a versioned transaction by its message.
  return { message: null, serialize: () => ownBytes(bytes) } as unknown as VersionedTransaction;
}

/** In a buffer of their own: web3.js 3.0.0-rc.2 sends the whole buffer that a view looks into. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
