import type { Gatekeeper, Identity } from '../actors/client/access.js';

/** Ms between two looks at who of the open connections may still be in. */
const EVERY_MS = 1_000;

/**
 * Connections that stay open, each with who it is of: it is ended soon after that one has signed out, or was given
 * another role, or may not come in any more. At other nodes of the site it takes as long again until that is known.
 */
export class OpenConnections {
  readonly #gatekeeper: Gatekeeper | undefined;
  readonly #everyMs: number;
  readonly #open = new Map<symbol, { readonly identity: Identity; readonly end: () => void }>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  /** Without a gatekeeper nobody is ever ended. */
  constructor(gatekeeper: Gatekeeper | undefined, everyMs = EVERY_MS) {
    this.#gatekeeper = gatekeeper;
    this.#everyMs = everyMs;
  }

  get size(): number {
    return this.#open.size;
  }

  /** `end` is called once at most. Answers what is to be called when the connection has ended by itself. */
  add(identity: Identity, end: () => void): () => void {
    const gatekeeper = this.#gatekeeper;
    if (gatekeeper === undefined) return () => undefined;
    const key = Symbol(identity.name);
    this.#open.set(key, { identity, end });
    this.#timer ??= setInterval(() => void this.#look(gatekeeper), this.#everyMs).unref();
    return () => this.#remove(key);
  }

  stop(): void {
    this.#open.clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #remove(key: symbol): void {
    this.#open.delete(key);
    if (this.#open.size === 0) this.stop();
  }

  async #look(gatekeeper: Gatekeeper): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    for (const [key, { identity, end }] of [...this.#open]) {
      if (!(await mayStay(gatekeeper, identity)) && this.#open.has(key)) {
        this.#remove(key);
        end();
      }
    }
    this.#looking = false;
  }
}

async function mayStay(gatekeeper: Gatekeeper, identity: Identity): Promise<boolean> {
  try {
    return await gatekeeper.holds(identity);
  } catch {
    return true; // Not known for the moment is not unknown.
  }
}
