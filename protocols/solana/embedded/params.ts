import { decodeBase58, decodeBase58UpTo } from '../../../site/metering/base58.js';
import { RPC_ERRORS, RpcError, invalidParams } from './rpc-error.js';
import { MAX_TRANSACTION_BYTES } from './wire.js';

/** Readers of the parameters of a call; each throws RpcError with Solana's code for what is wrong. */
export function textParam(value: unknown, name: string): string {
  if (typeof value !== 'string') throw invalidParams(`Invalid params: ${name} must be a string`);
  return value;
}

export function keyParam(value: unknown, name = 'address'): Buffer {
  const bytes = decodeBase58(textParam(value, name), 32);
  if (bytes === undefined) throw invalidParams('Invalid param: WrongSize');
  return Buffer.from(bytes);
}

export function signatureParam(value: unknown): Buffer {
  const bytes = decodeBase58(textParam(value, 'signature'), 64);
  if (bytes === undefined) throw invalidParams('Invalid param: WrongSize');
  return Buffer.from(bytes);
}

/** A whole number from 0 to the largest that JavaScript holds exactly. */
export function countParam(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw invalidParams(`Invalid params: ${name} must be a whole number`);
  }
  return value;
}

export function listParam(value: unknown, name: string, most: number): unknown[] {
  if (!Array.isArray(value)) throw invalidParams(`Invalid params: ${name} must be an array`);
  if (value.length > most) throw invalidParams(`Too many inputs provided; max ${most}`);
  return value;
}

/** The configuration object at the end of the parameters; a caller may leave it out. */
export function configParam(value: unknown): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw invalidParams('Invalid params: the configuration must be an object');
  }
  return value as Record<string, unknown>;
}

/** `minContextSlot` of a configuration. */
export function checkContextSlot(config: Readonly<Record<string, unknown>>, slot: number): void {
  if (config['minContextSlot'] === undefined) return;
  if (countParam(config['minContextSlot'], 'minContextSlot') > slot) {
    throw new RpcError(RPC_ERRORS.minContextSlotNotReached, 'Minimum context slot has not been reached', {
      contextSlot: slot,
    });
  }
}

/** The bytes of a transaction or message, in base58 (the default) or base64. */
export function wireParam(value: unknown, encoding: unknown): Buffer {
  const text = textParam(value, 'transaction');
  const name = encoding ?? 'base58';
  if (name === 'base64') {
    const bytes = Buffer.from(text, 'base64');
    if (bytes.length > MAX_TRANSACTION_BYTES) {
      throw invalidParams(
        `base64 encoded solana_transaction::versioned::VersionedTransaction too large: ${bytes.length} bytes (max: encoded/raw 1644/${MAX_TRANSACTION_BYTES})`,
      );
    }
    return bytes;
  }
  if (name !== 'base58')
    throw invalidParams(`unsupported encoding: ${JSON.stringify(name)}. Supported encodings: base58, base64`);
  const bytes = decodeBase58UpTo(text, MAX_TRANSACTION_BYTES);
  if (bytes === undefined) throw invalidParams('invalid base58 encoding, or too large');
  return Buffer.from(bytes);
}
