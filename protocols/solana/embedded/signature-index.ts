/**
 * Where the ledger holds the transaction with a signature: 16 bytes for each, so that a million of them take some 32 MB. It
 * keeps the first 8 bytes of a signature; whether the rest is the same, the ledger's record says.
 */
export class SignatureIndex {
  #capacity = 1024;
  #keys = new BigUint64Array(this.#capacity);
  /** −1: the slot is free. */
  #offsets = new Float64Array(this.#capacity).fill(-1);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(signature: Buffer, offset: number): void {
    if (this.#size * 2 >= this.#capacity) this.#grow();
    this.#put(signature.readBigUInt64LE(0), offset);
    this.#size += 1;
  }

  /** Offsets of the transactions whose signature may be this one. */
  *candidates(signature: Buffer): Generator<number> {
    const key = signature.readBigUInt64LE(0);
    for (let slot = this.#first(key); this.#offsets[slot] !== -1; slot = (slot + 1) % this.#capacity) {
      if (this.#keys[slot] === key) yield this.#offsets[slot] as number;
    }
  }

  #first(key: bigint): number {
    return Number(key & BigInt(this.#capacity - 1));
  }

  #put(key: bigint, offset: number): void {
    let slot = this.#first(key);
    while (this.#offsets[slot] !== -1) slot = (slot + 1) % this.#capacity;
    this.#keys[slot] = key;
    this.#offsets[slot] = offset;
  }

  #grow(): void {
    const [keys, offsets] = [this.#keys, this.#offsets];
    this.#capacity *= 2;
    this.#keys = new BigUint64Array(this.#capacity);
    this.#offsets = new Float64Array(this.#capacity).fill(-1);
    for (let slot = 0; slot < keys.length; slot++) {
      if (offsets[slot] !== -1) this.#put(keys[slot] as bigint, offsets[slot] as number);
    }
  }
}
