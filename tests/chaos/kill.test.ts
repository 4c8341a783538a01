import assert from 'node:assert/strict';
import { createRandom } from '../../protocols/virtual/random.js';
import { SiteProcess } from '../support/site-process.js';
import { assertExactlyOnce, assertNoGaps, openArchive } from './archive.js';
import { CHANNELS, makeChaosSite, type ChaosSite } from './chaos-site.js';
import { Observer } from './observer.js';
import { quiesce } from './quiesce.js';

/** Give the seed of a failed run to repeat its moments: CHAOS_SEED=… npm test -- chaos */
const SEED = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);

describe('chaos: SIGKILL of the whole site', function () {
  this.timeout(300_000);
  const observer = new Observer();
  let chaos: ChaosSite;
  let site: SiteProcess;

  before(async () => {
    chaos = await makeChaosSite();
    site = await SiteProcess.start({ site: chaos.path });
  });
  after(async () => {
    await observer.leave();
    await site?.close();
    await chaos?.close();
  });

  /** Runs until so many more frames are acknowledged, and then a moment that the seed gives. */
  async function runUntilARandomMoment(random: () => number): Promise<void> {
    await observer.watch(site.natsUrl);
    const enough = observer.seen.size + 10 * CHANNELS;
    await site.healthWhen(`${enough} frames are acknowledged`, () => observer.seen.size >= enough);
    await new Promise((resolve) => setTimeout(resolve, random() * 2_000));
  }

  it(`every frame that was acknowledged is in history exactly once (CHAOS_SEED=${SEED})`, async () => {
    const random = createRandom(SEED);

    await runUntilARandomMoment(random);
    await site.kill({ everything: true });
    await observer.leave();

    await site.start();
    await runUntilARandomMoment(random);
    await site.kill(); // its servers must notice and end
    await observer.leave();

    // At once again, whether its servers have gone or not.
    await site.start();
    await runUntilARandomMoment(random);
    await site.killGroupOnly();
    await observer.leave();
    await site.start();
    await runUntilARandomMoment(random);
    await site.kill({ everything: true });
    await observer.leave();

    // While it starts, in whatever stage that is.
    for (let time = 0; time < 2; time++) {
      const starting = site.start().catch((error: Error) => error);
      await new Promise((resolve) => setTimeout(resolve, 200 + random() * 1_800));
      await site.kill({ everything: true });
      await starting;
    }

    await site.start();
    await runUntilARandomMoment(random);
    await quiesce(site);
    await observer.leave();
    await site.stop();

    const archive = await openArchive(site.data);
    const inStream = new Map(archive.frames.map(({ name, sequence }) => [name, sequence]));
    const lost = [...observer.seen].filter(([name, sequence]) => inStream.get(name) !== sequence);
    assert.deepEqual(lost, [], 'frames that the server had acknowledged');
    assert.ok(archive.frames.length >= 50 * CHANNELS);
    assertNoGaps(archive.frames);
    assertExactlyOnce(archive);
  });
});
