import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';

/** Cost of a hash: OWASP’s Password Storage Cheat Sheet for scrypt (RFC 7914), with 32 MiB. */
export interface ScryptCost {
  /** Power of two: memory and time. */
  readonly N: number;
  readonly r: number;
  readonly p: number;
}
const COST: ScryptCost = { N: 2 ** 15, r: 8, p: 3 };
const KEY_BYTES = 32;
const SALT_BYTES = 16;
/** Hashes at once: each takes 32 MiB and a thread. */
const AT_ONCE = 2;

/** Makes and checks what passwords are checked against: `scrypt$N$r$p$salt$hash`, base64url. */
export class Passwords {
  readonly #cost: ScryptCost;
  readonly #dummy: Promise<string>;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(cost: ScryptCost = COST) {
    this.#cost = cost;
    this.#dummy = this.hash(randomBytes(16).toString('hex'));
    this.#dummy.catch(() => undefined); // Whoever needs it hears of it.
  }

  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    const key = await this.#derive(password, salt, KEY_BYTES, this.#cost);
    const { N, r, p } = this.#cost;
    return ['scrypt', N, r, p, salt.toString('base64url'), key.toString('base64url')].join('$');
  }

  /** Takes as long when there is nothing to check against: nobody learns from it which users there are. */
  async verify(password: string, stored: string | undefined): Promise<boolean> {
    const [, N, r, p, salt = '', key = ''] = (stored ?? (await this.#dummy)).split('$');
    const expected = Buffer.from(key, 'base64url');
    const cost = { N: Number(N), r: Number(r), p: Number(p) };
    const found = await this.#derive(password, Buffer.from(salt, 'base64url'), expected.byteLength, cost);
    return timingSafeEqual(found, expected) && stored !== undefined;
  }

  async #derive(password: string, salt: Buffer, bytes: number, cost: ScryptCost): Promise<Buffer> {
    while (this.#running >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running += 1;
    try {
      const options: ScryptOptions = { ...cost, maxmem: 256 * cost.N * cost.r };
      return await new Promise((resolve, reject) => {
        // The same text may be written in two ways in Unicode (RFC 8265).
        scrypt(password.normalize('NFC'), salt, bytes, options, (error, key) => {
          if (error === null) resolve(key);
          else reject(error);
        });
      });
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }
}
