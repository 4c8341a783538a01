import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StatewattClient } from '../actors/client/client.js';
import { errorMessage, StatewattError } from '../errors/error.js';
import type { DoneFault } from './checks/samples.js';
import type { LinkFault } from './link.js';
import type { FaultFile } from './scenario.js';
import { describeFault, type PlannedFault } from './schedule.js';
import { signal, type Stack } from './stack.js';

/** Does the faults of a plan, each at its time; they may overlap. */
export class Injector {
  readonly done: DoneFault[] = [];
  readonly #stack: Stack;
  readonly #client: StatewattClient;
  readonly #onFault: (fault: DoneFault) => void;

  constructor(stack: Stack, client: StatewattClient, onFault: (fault: DoneFault) => void) {
    this.#stack = stack;
    this.#client = client;
    this.#onFault = onFault;
  }

  /** Resolves when the last of them is over, or `interrupted` was aborted. `begun`: of `performance.now()`. */
  async run(plan: readonly PlannedFault[], begun: number, interrupted: AbortSignal): Promise<void> {
    setMaxListeners(0, interrupted); // Every fault that is to come listens to it.
    await Promise.all(
      plan.map(async (planned) => {
        try {
          await sleep(Math.max(0, begun + planned.atMs - performance.now()), undefined, { signal: interrupted });
        } catch {
          return; // Interrupted before its time.
        }
        await this.#inject(planned, begun);
      }),
    );
    this.done.sort((a, b) => a.number - b.number);
  }

  async #inject(planned: PlannedFault, begun: number): Promise<void> {
    const fromMs = performance.now() - begun;
    let text = describeFault(planned);
    let failed: string | undefined;
    try {
      text += await this.#do(planned);
    } catch (error) {
      failed = errorMessage(error);
    }
    const done = { number: planned.number, text, fromMs, toMs: performance.now() - begun, failed };
    this.done.push(done);
    this.#onFault(done);
  }

  /** What of several it has hit, to be added to the text. */
  async #do({ fault, forMs, pick }: PlannedFault): Promise<string> {
    const { what } = fault;
    if (what === 'actor') return this.#killActor(fault.kind, pick);
    if (what === 'node') {
      const node = this.#stack.nodes[Math.floor(pick * this.#stack.nodes.length)];
      if (node === undefined) return '';
      await hit(fault, node.child, forMs);
      return ` (${node.name})`;
    }
    const { child, links } = this.#stack.part(what);
    if (fault.do !== 'link') {
      await hit(fault, child, forMs);
      return '';
    }
    const mode = linkFault(fault);
    for (const link of links)
      if (mode === 'reset') link.reset();
      else link.fail(mode);
    if (mode === 'reset') return '';
    await sleep(forMs);
    for (const link of links) link.heal();
    return '';
  }

  async #killActor(kind: string | undefined, pick: number): Promise<string> {
    const refs = (await this.#client.actors()).filter((actor) => kind === undefined || actor.kind === kind);
    const ref = refs.map((actor) => actor.ref).sort()[Math.floor(pick * refs.length)];
    if (ref === undefined)
      throw new StatewattError('chaos.no_target', 'not_found', `no actor of kind ${kind} is active`);
    await this.#client.killActor(ref);
    return ` (${ref})`;
  }
}

async function hit({ do: action }: FaultFile, child: Parameters<typeof signal>[0], forMs: number): Promise<void> {
  if (action === 'kill') {
    signal(child, 'SIGKILL');
    return;
  }
  const { pid } = child;
  signal(child, 'SIGSTOP');
  await sleep(forMs);
  if (child.pid === pid) signal(child, 'SIGCONT');
}

function linkFault({ mode, delay_ms = 0, jitter_ms = 0, bytes_per_s = 0 }: FaultFile): LinkFault | 'reset' {
  switch (mode) {
    case 'delay':
      return { mode, delayMs: delay_ms, jitterMs: jitter_ms };
    case 'throttle':
      return { mode, bytesPerS: bytes_per_s };
    case 'hold':
    case 'half-open':
    case 'shut':
    case 'corrupt':
      return { mode };
    case 'reset':
    case undefined:
      return 'reset';
  }
}
