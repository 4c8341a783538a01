import { setTimeout as sleep } from 'node:timers/promises';
import type { StatewattClient } from '../../actors/client/client.js';
import type { Bus } from '../../bus/connection.js';
import { errorMessage } from '../../errors/error.js';
import { verdict, type Verdict } from '../checks/finding.js';
import { checkMinting } from '../checks/minting.js';
import type { DoneFault } from '../checks/samples.js';
import type { Target } from '../fault.js';
import type { ScenarioMinting } from '../scenario.js';
import type { StackMinting } from '../parts.js';
import type { Stack } from '../stack.js';
import { BatchStates, FAULT_STATES, statesAt, type FaultState } from './batch-states.js';
import { readChainMints, readMintJournals } from './facts.js';
import { MeterLoad } from './load.js';

const LOOK_MS = 250;
/** What waits for its next try is told to try now: a run ends before the last delay. */
const RETRY_EVERY_MS = 3_000;

/** Faults of one sort, and how many of them found a batch in a state. */
export interface MintHits {
  readonly what: Target;
  readonly faults: number;
  readonly states: Readonly<Record<FaultState, number>>;
}

/** What a run came to as to minting. */
export interface MintingOutcome {
  readonly readings: number;
  /** Requests that were sent again. */
  readonly repeated: number;
  readonly batches: number;
  readonly transactions: number;
  /** Decimal text, base units. */
  readonly tokens: string;
  readonly hits: readonly MintHits[];
}

/** Minting in a run: signed readings, what becomes of their batches, and what is left at the end. */
export class MintingRun {
  readonly batches: BatchStates;
  readonly #bus: Bus;
  readonly #stack: StackMinting;
  readonly #load: MeterLoad;

  private constructor(bus: Bus, stack: StackMinting, load: MeterLoad, batches: BatchStates) {
    this.#bus = bus;
    this.#stack = stack;
    this.#load = load;
    this.batches = batches;
  }

  /** Resolves when readings are being sent. */
  static async start(
    bus: Bus,
    { nodes }: Stack,
    stack: StackMinting,
    options: ScenarioMinting & { readonly durationS: number; readonly seed: number },
  ): Promise<MintingRun> {
    const batches = await BatchStates.follow(bus);
    const urls = nodes.map(({ url }) => url);
    const load = new MeterLoad(urls, options);
    await load.start();
    return new MintingRun(bus, stack, load, batches);
  }

  /**
   * Sends what is left and waits until all is minted, for so long.
   *
   * @returns otherwise what is not
   */
  async settle(client: StatewattClient, ms: number): Promise<string | undefined> {
    await this.#load.finish();
    const wanted = this.#load.accepted.length;
    let why = 'nothing is known of it';
    let retryAt = 0;
    for (const end = performance.now() + ms; performance.now() < end; await sleep(LOOK_MS)) {
      try {
        const { minted, open, waiting, problem } = await client.minting.view();
        if (minted === wanted && open.length === 0) return undefined;
        why = `${minted} of ${wanted} readings are minted, ${waiting} wait, ${open.length} batches are open; ${problem ?? ''}`;
        if (performance.now() < retryAt) continue;
        retryAt = performance.now() + RETRY_EVERY_MS;
        for (const { id, state } of open)
          if (state === 'retrying' || state === 'parked') await client.minting.retry(id);
      } catch (error) {
        why = errorMessage(error);
      }
    }
    return why;
  }

  /** Holds journals and chain against what was accepted. */
  async check(faults: readonly DoneFault[]): Promise<{ verdicts: Verdict[]; outcome: MintingOutcome }> {
    await this.batches.leave();
    const { accepted, misjudged, meters, repeated } = this.#load;
    const wallets = meters.map(({ wallet }) => wallet);
    const journals = await readMintJournals(this.#bus);
    const chain = await readChainMints(this.#stack.chainUrl, this.#stack.mint, wallets);
    const sent = `${accepted.length} accepted readings`;
    const verdicts = [
      verdict('readings-judged', 'valid readings are accepted, forged ones are not', sent, misjudged),
      ...checkMinting({ accepted, ...journals, chain }),
    ];
    const tokens = chain.flatMap(({ amounts }) => amounts).reduce((sum, amount) => sum + amount.tokens, 0n);
    const outcome = {
      ...{ readings: accepted.length, repeated, tokens: tokens.toString() },
      ...{ batches: journals.batches.size, transactions: chain.length },
      hits: hitsOf(faults, this.batches),
    };
    return { verdicts, outcome };
  }
}

/** In which states faults found batches. */
export function hitsOf(faults: readonly DoneFault[], { changes }: Pick<BatchStates, 'changes'>): MintHits[] {
  const found = new Map<Target, { faults: number; states: Record<FaultState, number> }>();
  for (const { what, at, failed } of faults) {
    if (failed !== undefined) continue;
    let hits = found.get(what);
    if (hits === undefined) found.set(what, (hits = { faults: 0, states: noHits() }));
    hits.faults += 1;
    const states = statesAt(changes, at);
    for (const state of FAULT_STATES) if (states.has(state)) hits.states[state] += 1;
  }
  return [...found].map(([what, hits]) => ({ what, ...hits }));
}

function noHits(): Record<FaultState, number> {
  return { collecting: 0, building: 0, signing: 0, submitting: 0, confirming: 0, retrying: 0 };
}
