import assert from 'node:assert/strict';
import { Kvm, type KV } from '@nats-io/kv';
import sinon from 'sinon';
import { PositionStore, type Position } from '../../../actors/projections/position.js';
import type { Bus } from '../../../bus/connection.js';
import { startNats, type TestNats } from '../../support/nats.js';

describe('PositionStore on a real server', () => {
  let nats: TestNats;
  let bus: Bus;
  let prototype: KV;
  before(async () => {
    nats = await startNats();
    bus = await nats.connect();
    prototype = Object.getPrototypeOf(await new Kvm(bus.nats).create('PROBE')) as KV;
  });
  after(() => nats.stop());
  afterEach(() => sinon.restore());

  const at = (committed: number): Position => ({ stream: 'made then', tokens: 't', committed, pending: null });

  it('knows nothing before the first save, and then what was saved last', async () => {
    const store = await PositionStore.open(bus, 'a');
    assert.equal(await store.load(), undefined);
    await store.save(at(1));
    await store.save(at(2));
    const other = await PositionStore.open(bus, 'a');
    assert.equal((await other.load())?.committed, 2);
    assert.equal(await (await PositionStore.open(bus, 'b')).load(), undefined);
  });

  it('lets one of two writers go on, also when both say the same', async () => {
    const [one, two] = [await PositionStore.open(bus, 'c'), await PositionStore.open(bus, 'c')];
    await Promise.all([one.load(), two.load()]);
    await one.save(at(5));
    await assert.rejects(two.save(at(5)), { code: 'projection.fenced' });
    await one.save(at(6));
    await two.load();
    await two.save(at(7));
    await assert.rejects(one.save(at(7)), { code: 'projection.fenced' });
  });

  it('takes a save whose answer was lost for done', async () => {
    const store = await PositionStore.open(bus, 'd');
    await store.load();
    await store.save(at(0));
    let landed = 0;
    const update = sinon.stub(prototype, 'update');
    update.callsFake(async function (this: KV, ...args: Parameters<KV['update']>) {
      await update.wrappedMethod.apply(this, args);
      landed += 1;
      throw new Error('timeout');
    });
    await store.save(at(1));
    sinon.restore();
    assert.equal(landed, 1);
    await store.save(at(2));
    assert.equal((await store.load())?.committed, 2);
  });

  it('tells a save that did not land; the next one may', async () => {
    const store = await PositionStore.open(bus, 'e');
    await store.load();
    await store.save(at(1));
    sinon.stub(prototype, 'update').rejects(new Error('not now'));
    await assert.rejects(store.save(at(2)), /not now/);
    sinon.restore();
    await store.save(at(2));
    assert.equal((await store.load())?.committed, 2);
  });

  it('begins anew after its entry was deleted', async () => {
    const store = await PositionStore.open(bus, 'f');
    await store.load();
    await store.save(at(1));
    await (await new Kvm(bus.nats).open('POSITIONS')).delete('f');
    assert.equal(await store.load(), undefined);
    await store.save(at(1));
    assert.equal((await store.load())?.committed, 1);
  });
});
