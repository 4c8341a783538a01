import assert from 'node:assert/strict';
import { ModelNumbers } from '../../../actors/models/numbers.js';
import { firstChannel } from '../../../site/models/stored-address.js';
import { startNats, type TestNats } from '../../support/nats.js';

/** Ids from which the same number follows. */
const [ONE, OTHER] = ['pump_944', 'pump_9027'];
const [THIRD, FOURTH] = ['pump_25500', 'pump_30015'];

describe('numbers of models', function () {
  this.timeout(60_000);
  let nats: TestNats;
  const open = async () => ModelNumbers.open(await nats.connect());

  before(async () => {
    nats = await startNats();
  });
  after(() => nats.stop());

  it('are different ones whatever the ids, also when several nodes claim them at once', async () => {
    assert.equal(firstChannel(ONE), firstChannel(OTHER));
    const nodes = [await open(), await open(), await open()];
    const claimed = await Promise.all(nodes.flatMap((node) => [node.claim(ONE), node.claim(OTHER)]));
    const [one, other] = claimed as [number, number];
    assert.deepEqual(claimed, [one, other, one, other, one, other], 'all nodes know the same');
    assert.deepEqual([one, other].sort(), [firstChannel(ONE), firstChannel(ONE) + 1]);
    for (const node of nodes) {
      assert.deepEqual([node.of(ONE), node.of(OTHER)], [one, other]);
      assert.deepEqual([await node.modelOf(one), await node.modelOf(other)], [ONE, OTHER]);
    }
  });

  it('stay what they are for who starts later, in whatever order models are made then', async () => {
    const before = await open();
    const first = await open();
    await first.claimAll([THIRD, FOURTH, 'simple']);
    assert.deepEqual(
      [first.of(THIRD), first.of(FOURTH), first.of('simple')],
      [firstChannel(THIRD), firstChannel(THIRD) + 1, firstChannel('simple')],
    );
    const later = await open();
    assert.equal(later.of(FOURTH), first.of(FOURTH), 'known from the start');
    await later.claimAll([FOURTH, THIRD]);
    assert.deepEqual([later.of(THIRD), later.of(FOURTH)], [first.of(THIRD), first.of(FOURTH)]);
    assert.equal(await before.modelOf(first.of(FOURTH)), FOURTH, 'asked for when it is not known');
    assert.equal(await before.modelOf(firstChannel('nobody')), undefined);
  });

  it('are read whole, however many there are', async () => {
    const numbers = await open();
    const many = Array.from({ length: 3_000 }, (_, index) => `many_${index}`);
    await numbers.claimAll(many);
    assert.equal(new Set([...many, ONE, OTHER].map((id) => numbers.of(id))).size, many.length + 2);
    const again = await open();
    assert.deepEqual(
      many.map((id) => again.of(id)),
      many.map((id) => numbers.of(id)),
      'more than one batch is read',
    );
  });

  it('are not claimed without the bus, and can be afterwards', async () => {
    const bus = await nats.connect();
    const numbers = await ModelNumbers.open(bus);
    await bus.close();
    await assert.rejects(numbers.claim('nowhere'), { code: 'bus.unavailable' });
    assert.equal(numbers.of('nowhere'), firstChannel('nowhere'));
    assert.equal(await (await open()).claim('nowhere'), firstChannel('nowhere'));
  });
});
