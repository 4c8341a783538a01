/** Uniform numbers in [0, 1). */
export type Random = () => number;

/**
 * Seeded generator mulberry32 (Tommy Ettinger, 2017, public domain): 32 bits of state, period 2³². Good enough for
 * simulated measurements, not for anything secret.
 */
export function createRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * The seed of a stream of its own within a run: seed and name hashed by FNV-1a (32 bits; Fowler, Noll, Vo), so that
 * one stream does not depend on which others there are.
 */
export function streamSeed(seed: number, name: string): number {
  let hash = 0x811c9dc5;
  for (const char of `${seed}/${name}`) {
    hash = Math.imul(hash ^ (char.codePointAt(0) as number), 0x01000193);
  }
  return hash >>> 0;
}

/** Normally distributed numbers, mean 0 and deviation 1 (Box and Muller, 1958). */
export function createNormal(random: Random): () => number {
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

/** A noise that wanders around 0 and returns to it. */
export interface Noise {
  readonly value: number;
  /** Advances by one tick. */
  next(): void;
}

/**
 * Ornstein-Uhlenbeck process, in the exact discrete form (D. T. Gillespie, Physical Review E 54, 1996): deviation
 * `sigma`, memory `tauS` seconds, one step each `tickS` seconds. Begins at a value drawn from its long-run distribution.
 */
export function createNoise(seed: number, name: string, sigma: number, tauS: number, tickS: number): Noise {
  const normal = createNormal(createRandom(streamSeed(seed, name)));
  const keep = Math.exp(-tickS / tauS);
  const push = sigma * Math.sqrt(1 - keep * keep);
  const noise = {
    value: sigma * normal(),
    next: () => {
      noise.value = noise.value * keep + push * normal();
    },
  };
  return noise;
}
