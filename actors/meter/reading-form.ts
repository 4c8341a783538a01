import { Ajv2020 } from 'ajv/dist/2020.js';
import { StatewattError } from '../../errors/error.js';
import { decodeBase58, encodeBase58 } from '../../site/metering/base58.js';
import { parseKilowattHours } from '../../site/metering/energy.js';
import { readingBytes } from '../../site/metering/reading-bytes.js';
import { isWeakKey } from '../../site/metering/weak-key.js';
import { ReadingSchema, type Reading } from '../client/metering.js';
import { OWN_SCHEMAS, validator } from '../../site/validator.js';

/** A reading whose form is right. */
export interface ParsedReading {
  readonly meter: string;
  readonly sequence: number;
  readonly start: number;
  readonly end: number;
  /** µWh. */
  readonly energy: bigint;
  readonly wallet: string | undefined;
  readonly signature: Uint8Array;
  /** What was signed. */
  readonly message: Uint8Array;
}

// Not all errors of each reading: a request may hold thousands of wrong ones.
const isReading = validator(() =>
  new Ajv2020({ ...OWN_SCHEMAS, strict: false, verbose: true }).compile<Reading>(ReadingSchema),
);

/** Reads one reading as it came from outside. @throws `readings.invalid`: the text names the field and what is allowed */
export function parseReading(value: unknown): ParsedReading {
  if (!isReading(value)) {
    const [error] = isReading.errors ?? [];
    const field = error?.instancePath.slice(1) ?? '';
    const what = error?.message ?? 'it is no reading';
    throw invalid(`${field === '' ? 'the reading' : field} ${what}${shown(error?.params)}`, field);
  }
  const { meter, start, end, kwh, sequence, wallet } = value;
  const signature = decodeSignature(value.signature);
  if (signature === undefined) {
    throw invalid('signature is not 64 bytes as base58, base64 or hexadecimal', 'signature');
  }
  if (wallet !== undefined) checkWallet(wallet, 'readings.invalid');
  const energy = energyOf(kwh);
  return {
    meter,
    sequence,
    start,
    end,
    energy,
    wallet,
    signature,
    message: readingBytes({ meter, start, end, energy, sequence }),
  };
}

/**
 * The 32 bytes of a meter's public key as base58, from base58 or hexadecimal.
 *
 * @throws `meters.invalid_key`: no 32 bytes, or a key for which anybody can sign
 */
export function normalKey(text: string): string {
  const bytes = /^[0-9a-fA-F]{64}$/.test(text) ? Buffer.from(text, 'hex') : decodeBase58(text, 32);
  if (bytes === undefined) {
    throw invalidKey(`"${text.slice(0, 80)}" is no public key; wanted: 32 bytes as base58 or hexadecimal`);
  }
  if (isWeakKey(bytes)) throw invalidKey(`"${text}" is a point of small order, for which anybody can sign`);
  return encodeBase58(bytes);
}

/** @throws an error with `code`: not base58 of 32 bytes */
export function checkWallet(text: string, code: 'meters.invalid_wallet' | 'readings.invalid'): void {
  if (decodeBase58(text, 32) !== undefined) return;
  const message = `"${text.slice(0, 80)}" is no wallet; wanted: 32 bytes as base58`;
  throw new StatewattError(code, 'invalid', message, { details: { field: 'wallet' } });
}

/** Texts of 64 bytes differ in their form: hexadecimal by its length, base64 by its padding. */
function decodeSignature(text: string): Uint8Array | undefined {
  if (/^[0-9a-fA-F]{128}$/.test(text)) return Buffer.from(text, 'hex');
  if (/^[A-Za-z0-9+/]{86}==$/.test(text)) return Buffer.from(text, 'base64');
  return decodeBase58(text, 64);
}

function energyOf(kwh: string): bigint {
  try {
    return parseKilowattHours(kwh);
  } catch (error) {
    if (error instanceof StatewattError) throw invalid(error.message, 'kwh');
    throw error;
  }
}

function shown(params: unknown): string {
  const { additionalProperty } = (params ?? {}) as { additionalProperty?: string };
  return additionalProperty === undefined ? '' : `: ${additionalProperty.slice(0, 60)}`;
}

function invalid(message: string, field: string): StatewattError {
  return new StatewattError('readings.invalid', 'invalid', message, { details: { field } });
}

function invalidKey(message: string): StatewattError {
  return new StatewattError('meters.invalid_key', 'invalid', message);
}
