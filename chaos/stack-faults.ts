import { setTimeout as sleep } from 'node:timers/promises';
import type { StatewattClient } from '../actors/client/client.js';
import { errorMessage, StatewattError } from '../errors/error.js';
import { killSomeActor } from './actor-faults.js';
import { listens } from './answers.js';
import { Disk } from './disk.js';
import { answerFault, linkFault } from './fault-modes.js';
import type { FaultFile } from './fault.js';
import type { Breakable } from './injector.js';
import { FAULT_STATES, type BatchStates } from './minting/batch-states.js';
import type { PlannedFault } from './schedule.js';
import { setClock, signal, type ChaosNode, type Stack } from './stack.js';

/** A state of a batch is waited for no longer. */
const STATE_MS = 5_000;
/** And so long until what died before runs again. */
const RUNS_MS = 15_000;
const ANSWER_MS = 5_000;

/** The site of a run, every part of which can be broken. */
export class BreakableStack implements Breakable {
  readonly #stack: Stack;
  readonly #client: StatewattClient;
  readonly #batches: BatchStates | undefined;

  /** @param batches where readings are minted: faults wait for their states */
  constructor(stack: Stack, client: StatewattClient, batches: BatchStates | undefined) {
    this.#stack = stack;
    this.#client = client;
    this.#batches = batches;
  }

  async hit(planned: PlannedFault): Promise<string> {
    const { fault, forMs, pick } = planned;
    if (fault.what === 'worker') return this.#killWorker(pick);
    if (fault.what === 'actor') return killSomeActor(this.#client, fault.kind, pick);
    if (fault.what === 'node') return this.#toNode(planned);
    const { children, links, answers = [] } = this.#stack.part(fault.what);
    if (fault.do === 'link') {
      const mode = linkFault(fault);
      if (mode === 'reset') for (const link of links) link.reset();
      else await during(links, mode, forMs);
      return '';
    }
    if (fault.do === 'answers') {
      await during(answers, answerFault(fault), forMs);
      return '';
    }
    if (fault.do === 'split') return this.#split(pick, forMs);
    const child = children[Math.floor(pick * children.length)];
    if (child !== undefined) await hit(fault, child, forMs);
    return '';
  }

  #ports({ what }: FaultFile, pick: number): number[] {
    if (what === 'actor') return [];
    if (what === 'node' || what === 'worker') return [Number(new URL(this.#node(pick).url).port)];
    return this.#stack.part(what).links.map(({ serverPort }) => serverPort);
  }

  #node(pick: number): ChaosNode {
    return this.#stack.nodes[Math.floor(pick * this.#stack.nodes.length)] as ChaosNode;
  }

  /** Until what is to be hit runs, and a mint batch is in the state that the fault names. */
  async ready({ fault, pick }: PlannedFault): Promise<void> {
    if (fault.in === undefined || this.#batches === undefined) return;
    await Promise.all(this.#ports(fault, pick).map((port) => listens(port, RUNS_MS)));
    // Another draw from the same number: which node is hit must not hang together with the state.
    const drawn = FAULT_STATES[Math.floor(((pick * 1e4) % 1) * FAULT_STATES.length)];
    await this.#batches.reached(fault.in === 'any' ? (drawn ?? 'building') : fault.in, STATE_MS);
  }

  /** Of the node that was drawn, or of the next one that answers. */
  async #killWorker(pick: number): Promise<string> {
    const { nodes } = this.#stack;
    const first = nodes.indexOf(this.#node(pick));
    let problem = '';
    for (const { name, url } of [...nodes.slice(first), ...nodes.slice(0, first)]) {
      try {
        const { thread } = await killWorker(url);
        return ` (thread ${thread ?? '–'} of ${name})`;
      } catch (error) {
        problem = `${name}: ${errorMessage(error)}`;
      }
    }
    throw new StatewattError('chaos.no_target', 'not_found', problem);
  }

  async #toNode({ fault, forMs, pick, byMs }: PlannedFault): Promise<string> {
    const node = this.#node(pick);
    if (fault.do === 'clock' && node.clock !== undefined) {
      await setClock(node.clock, byMs);
      await sleep(forMs);
      await setClock(node.clock, 0);
    } else if (fault.do === 'fill') {
      if (!(node.disk instanceof Disk))
        throw new StatewattError('chaos.not_permitted', 'unavailable', `no disk to fill can be mounted: ${node.disk}`);
      node.disk.fill();
      await sleep(forMs);
      await node.disk.empty();
    } else await hit(fault, node.child, forMs);
    return ` (${node.name})`;
  }

  async #split(pick: number, forMs: number): Promise<string> {
    const { cluster } = this.#stack;
    if (cluster === undefined) throw new StatewattError('chaos.no_target', 'invalid', 'this run has no cluster');
    const server = await cluster.split(Math.floor(pick * cluster.children.length));
    await sleep(forMs);
    await cluster.heal();
    return ` (server ${server})`;
  }
}

async function killWorker(url: string): Promise<{ thread: number | null }> {
  const answer = await fetch(`${url}/api/v1/workers/kill`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  if (!answer.ok) throw new StatewattError('chaos.no_target', 'not_found', `status ${answer.status}`);
  return (await answer.json()) as { thread: number | null };
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

/** So long, all of them fail. */
async function during<Fault>(
  links: readonly { fail(fault: Fault): void; heal(): void }[],
  fault: Fault,
  forMs: number,
): Promise<void> {
  for (const link of links) link.fail(fault);
  await sleep(forMs);
  for (const link of links) link.heal();
}
