import assert from 'node:assert/strict';
import fc from 'fast-check';
import { mintBatchMachine } from '../../../machines/mint-batch.js';
import type { BeginOrder, BuildOrder, SentOrder, SignOrder } from '../../../machines/mint-batch/events.js';
import { readingId, type MintAmount, type MintItem } from '../../../site/minting/item.js';
import { mintItem, walletAddress } from '../../support/minting.js';
import { SimulatedActor } from '../../support/simulated-actor.js';

/** Wallets by what is wrong with them: the chain says so before, says only that something is wrong, or says it when it takes the transaction. */
const NAMED = walletAddress(0);
const UNNAMED = walletAddress(1);
const LATE = walletAddress(2);
const BAD = [NAMED, UNNAMED, LATE];
const BLOCKS_VALID = 5;

interface Sent {
  readonly batch: string;
  readonly amounts: readonly MintAmount[];
  readonly lastValid: number;
  state: 'unknown' | 'waiting' | 'landed' | 'failed';
}

/** A chain that may take a transaction, lose it, or take it late, and says nothing that is not so. */
class ModelChain {
  height = 0;
  readonly transactions = new Map<string, Sent>();

  build(order: BuildOrder): Step {
    const { attempt, amounts } = order;
    const named = amounts.filter(({ wallet }) => wallet === NAMED).map(({ wallet }) => wallet);
    if (named.length > 0) return failure(attempt, named);
    if (amounts.some(({ wallet }) => wallet === UNNAMED)) return failure(attempt, []);
    return { type: 'built', attempt, plan: order, feeEstimate: '5000', rentEstimate: '0' };
  }

  /** Signed again it is another transaction: with another blockhash. */
  sign({ attempt, plan }: SignOrder): Step {
    const { batch, amounts } = plan as BuildOrder;
    const signature = `signature ${this.transactions.size}`;
    const lastValidBlockHeight = this.height + BLOCKS_VALID;
    this.transactions.set(signature, { batch, amounts, lastValid: lastValidBlockHeight, state: 'unknown' });
    return { type: 'signed', attempt, signature, lastValidBlockHeight, transaction: null };
  }

  send({ signature }: SentOrder, isLost: boolean): void {
    const sent = this.transactions.get(signature) as Sent;
    if (sent.state === 'unknown' && !isLost) sent.state = 'waiting';
  }

  /** A waiting transaction gets into a block, or is dropped. */
  decide(sent: Sent, isDropped: boolean): void {
    if (sent.state !== 'waiting') return;
    if (isDropped || this.height > sent.lastValid) sent.state = 'unknown';
    else sent.state = sent.amounts.some(({ wallet }) => wallet === LATE) ? 'failed' : 'landed';
  }

  /** undefined: not known yet. */
  status({ attempt, signature }: SentOrder): Step | undefined {
    const { state, lastValid } = this.transactions.get(signature) as Sent;
    if (state === 'landed') return { type: 'confirmed', attempt, slot: this.height, fee: '5000' };
    if (state === 'failed') return failure(attempt, []);
    if (this.height <= lastValid) return undefined;
    return { type: 'expired', attempt, error: { code: 'mint.expired', category: 'unavailable', message: 'late' } };
  }
}

type Step = Parameters<SimulatedActor<typeof mintBatchMachine>['send']>[0];

function failure(attempt: number, wallets: string[]): Step {
  const error = { code: 'chain.refused', category: 'conflict', message: 'refused' } as const;
  return { type: 'failed', attempt, failure: 'members', wallets, error };
}

interface Effect {
  readonly key: string;
  readonly type: string;
  readonly params: unknown;
}

interface Letter {
  readonly to: string;
  readonly key: string;
  readonly event: Step;
}

/** Batches with their durable effects and the queue of commands between them, each of which may come to nothing or twice. */
class World {
  readonly chain = new ModelChain();
  readonly batches = new Map<string, SimulatedActor<typeof mintBatchMachine>>();
  readonly #known = new Set<string>();
  readonly #lanes = new Map<string, Effect[]>();
  readonly #seen = new Map<string, number>();
  #letters: Letter[] = [];

  constructor(items: readonly MintItem[]) {
    const policy = { maxRetries: 2, initialDelayMs: 1_000 };
    const event: Step = { type: 'collect', items, parent: null, policy };
    this.#letters.push({ to: '1-1', key: 'minter', event });
  }

  /** Runs the first effect of a batch; when its end gets lost it will be run again. */
  run(pick: number, isLost: boolean, losesEnd: boolean): void {
    const lanes = [...this.#lanes].filter(([, lane]) => lane.length > 0);
    const [id, lane] = lanes[pick % Math.max(1, lanes.length)] ?? [];
    const effect = lane?.[0];
    if (id === undefined || lane === undefined || effect === undefined) return;
    const letter = this.#carryOut(id, effect, isLost);
    if (letter === undefined) return;
    this.#letters.push(letter);
    if (!losesEnd) lane.shift();
  }

  /** Delivers the first command to a batch; it may come once more. */
  deliver(pick: number, isDuplicated: boolean): void {
    const to = [...new Set(this.#letters.map((letter) => letter.to))];
    const target = to[pick % Math.max(1, to.length)];
    const letter = this.#letters.find((each) => each.to === target);
    if (letter === undefined) return;
    this.#letters = this.#letters.filter((each) => each !== letter);
    if (isDuplicated) this.#letters.push(letter);
    const known = `${letter.to} ${letter.key}`;
    if (this.#known.has(known)) return;
    this.#known.add(known);
    this.tell(letter.to, letter.event);
  }

  tell(id: string, event: Step): void {
    let batch = this.batches.get(id);
    if (batch === undefined) {
      batch = new SimulatedActor(mintBatchMachine, { id });
      this.batches.set(id, batch);
    }
    batch.send(event);
    this.#takeEffects(id, batch);
  }

  wait(ms: number): void {
    for (const [id, batch] of this.batches) {
      batch.wait(ms);
      this.#takeEffects(id, batch);
    }
  }

  decide(pick: number, isDropped: boolean): void {
    const waiting = [...this.chain.transactions.values()].filter(({ state }) => state === 'waiting');
    const sent = waiting[pick % Math.max(1, waiting.length)];
    if (sent !== undefined) this.chain.decide(sent, isDropped);
    this.checkOneEach();
  }

  /** Until nothing happens any more. */
  settle(): void {
    for (let round = 0; round < 400; round++) {
      while (this.#letters.length > 0) this.deliver(0, false);
      this.chain.height += 1;
      for (const [id, lane] of this.#lanes) {
        const effect = lane[0];
        const letter = effect && this.#carryOut(id, effect, false);
        if (letter === undefined) continue;
        this.#letters.push(letter);
        lane.shift();
      }
      for (const sent of this.chain.transactions.values()) this.chain.decide(sent, false);
      this.checkOneEach();
      this.wait(10_000);
    }
    assert.deepEqual(
      [...this.#lanes.values()].flat().map(({ key }) => key),
      [],
      'effects are left',
    );
  }

  checkOneEach(): void {
    const landed = [...this.chain.transactions.values()].filter(({ state }) => state === 'landed');
    const batches = landed.map(({ batch }) => batch);
    assert.equal(new Set(batches).size, batches.length, 'two transactions of one batch were taken');
  }

  #carryOut(id: string, { key, type, params }: Effect, isLost: boolean): Letter | undefined {
    switch (type) {
      case 'build':
        return { to: id, key, event: this.chain.build(params as BuildOrder) };
      case 'sign':
        return { to: id, key, event: this.chain.sign(params as SignOrder) };
      case 'submit':
        this.chain.send(params as SentOrder, isLost);
        return { to: id, key, event: { type: 'submitted', attempt: (params as SentOrder).attempt } };
      case 'confirm': {
        this.chain.send(params as SentOrder, isLost);
        const event = this.chain.status(params as SentOrder);
        return event && { to: id, key, event };
      }
      default: {
        const { id: to, items, parent, policy } = params as BeginOrder;
        return { to, key, event: { type: 'collect', items, parent, policy } };
      }
    }
  }

  #takeEffects(id: string, batch: SimulatedActor<typeof mintBatchMachine>): void {
    const from = this.#seen.get(id) ?? 0;
    const lane = this.#lanes.get(id) ?? [];
    for (const [index, { type, params }] of batch.effects.slice(from).entries()) {
      if (type !== 'announce' && type !== 'report') lane.push({ key: `${id}#${from + index}`, type, params });
    }
    this.#seen.set(id, batch.effects.length);
    this.#lanes.set(id, lane);
  }
}

const pick = fc.nat({ max: 20 });
const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('run' as const), pick, flag: fc.boolean(), other: fc.boolean() }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('deliver' as const), pick, flag: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('decide' as const), pick, flag: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('blocks' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('retry' as const), pick }) },
);
const owners = fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 12 });

describe('minting, whatever gets lost or comes twice', () => {
  it('mints each reading by one transaction, or parks it', () => {
    fc.assert(
      fc.property(owners, fc.array(action, { maxLength: 120 }), (drawn, actions) => {
        const items = drawn.map((owner, index) => mintItem(owner, index, BigInt(index + 1)));
        const world = new World(items);
        for (const step of actions) {
          if (step.do === 'run') world.run(step.pick, step.flag, step.other);
          else if (step.do === 'deliver') world.deliver(step.pick, step.flag);
          else if (step.do === 'decide') world.decide(step.pick, step.flag);
          else if (step.do === 'blocks') world.chain.height += step.pick;
          else if (step.do === 'wait') world.wait(step.pick * 200);
          else
            for (const id of [...world.batches.keys()].slice(step.pick, step.pick + 1))
              world.tell(id, { type: 'retry' });
        }
        world.settle();
        checkResult(world, items);
      }),
      { numRuns: 150 },
    );
  });

  it('mints every reading of a good wallet when nothing gets lost', () => {
    fc.assert(
      fc.property(owners, (drawn) => {
        const items = drawn.map((owner, index) => mintItem(owner, index, BigInt(index + 1)));
        const world = new World(items);
        world.settle();
        const settled = [...world.batches.values()]
          .filter(({ snapshot }) => snapshot.context.state === 'settled')
          .flatMap(({ snapshot }) => snapshot.context.items);
        const good = items.filter(({ wallet }) => !BAD.includes(wallet));
        assert.deepEqual(settled.map(readingId).sort(), good.map(readingId).sort());
      }),
      { numRuns: 50 },
    );
  });
});

function checkResult({ chain, batches }: World, items: readonly MintItem[]): void {
  const ends = new Map<string, string[]>();
  const owed = new Map<string, bigint>();
  for (const { snapshot } of batches.values()) {
    const { id, state, items } = snapshot.context;
    assert.ok(['settled', 'parked', 'split'].includes(state), `${id} is ${state}`);
    if (state === 'split') continue;
    for (const item of items) {
      ends.set(readingId(item), [...(ends.get(readingId(item)) ?? []), state]);
      if (state === 'settled') owed.set(item.wallet, (owed.get(item.wallet) ?? 0n) + BigInt(item.tokens));
    }
  }
  for (const item of items) assert.equal(ends.get(readingId(item))?.length, 1, `${readingId(item)} came to one end`);
  const minted = new Map<string, bigint>();
  for (const { state, amounts } of chain.transactions.values()) {
    if (state !== 'landed') continue;
    for (const { wallet, tokens } of amounts) minted.set(wallet, (minted.get(wallet) ?? 0n) + BigInt(tokens));
  }
  assert.deepEqual(minted, owed, 'the chain holds what was settled, and nothing else');
  for (const item of items) {
    if (BAD.includes(item.wallet)) assert.deepEqual(ends.get(readingId(item)), ['parked']);
  }
}
