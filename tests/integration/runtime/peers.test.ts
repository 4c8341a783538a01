import assert from 'node:assert/strict';
import { ActorHost } from '../../../actors/runtime/host.js';
import { Peers } from '../../../actors/runtime/peers.js';
import { Answers } from '../../../bus/answers.js';
import type { Bus } from '../../../bus/connection.js';
import { makeRef, partitionOf, subjects } from '../../../bus/subjects.js';
import { counterKind } from '../../support/counter.js';
import { MemoryJournal } from '../../support/memory-journal.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

const counter = makeRef('counter', 'a');
const partition = partitionOf(counter);

describe('questions to actors while their partition changes hands', () => {
  let nats: TestNats;
  let bus: Bus;
  const ends: (() => unknown)[] = [];

  before(async () => {
    nats = await startNats();
    bus = await nats.connect();
  });
  after(() => nats.stop());
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });

  /** A node that thinks that it has the partition; its claim to the actor holds from the moment that it is told. */
  function node(claims: () => boolean, owned: ReadonlySet<number>, whenAwake = () => Promise.resolve()) {
    let claimed = 0;
    const host = new ActorHost({
      journal: new MemoryJournal(),
      kinds: [counterKind(() => undefined)],
      node: 'n1',
      tenure: {
        has: claims,
        whenKnown: () => Promise.resolve(claims()),
        claim: () => {
          claimed += 1;
          return Promise.resolve(claims() ? 1 : undefined);
        },
      },
    });
    const peers = new Peers(bus, host, { owned, whenAwake });
    ends.push(
      () => host.stop(),
      () => peers.close(),
    );
    return { host, peers, claimed: () => claimed };
  }

  it('wait for the actor where the partition has gone from', async () => {
    let has = false;
    const here = node(() => has, new Set([partition]));
    const asked = here.peers.query(counter);
    await eventually(() => (here.claimed() > 2 ? true : undefined), { what: 'it is asked again' });
    has = true;
    assert.equal((await asked).state, 'open');
  });

  it('go on from a node that has just lost it to the one that has it', async () => {
    const there = node(() => true, new Set([partition]));
    const lost = node(() => false, new Set([partition]));
    let answering = lost.peers;
    const answers = new Answers(bus.nats);
    const subscription = bus.nats.subscribe(subjects.query(partition), {
      callback: (_error, message) => answers.take(message, (question) => answering.answer(question)),
    });
    ends.push(() => subscription.unsubscribe());
    const caller = node(() => false, new Set());
    const asked = caller.peers.query(counter);
    await eventually(() => (lost.claimed() > 0 ? true : undefined), { what: 'the former owner is asked' });
    answering = there.peers;
    assert.equal((await asked).state, 'open');
  });

  it('find what is to live there and does not yet', async () => {
    let wake: () => void = () => undefined;
    const awake = new Promise<void>((resolve) => (wake = resolve));
    const { host, peers } = node(
      () => true,
      new Set([partition]),
      () => awake,
    );
    const looked = peers.inspect(counter);
    assert.equal(await Promise.race([looked, new Promise((resolve) => setTimeout(resolve, 50, 'waits'))]), 'waits');
    await host.activate(counter);
    wake();
    assert.equal((await looked)?.state, 'open');
    assert.equal((await peers.inspect(counter))?.state, 'open', 'and wait for nothing when it lives');
  });

  it('are not answered with nothing when what is to live there does not in time', async () => {
    const { peers } = node(
      () => true,
      new Set([partition]),
      () => new Promise(() => undefined),
    );
    await assert.rejects(peers.inspect(counter), { code: 'bus.unavailable' });
  }).timeout(60_000);

  it('find out what an actor is that is just being read from its journal', async () => {
    const { host, peers } = node(() => true, new Set([partition]));
    const activated = host.activate(counter);
    assert.equal(host.inspect(counter)?.context, undefined);
    assert.notEqual((await peers.inspect(counter))?.context, undefined);
    await activated;
  });
});
