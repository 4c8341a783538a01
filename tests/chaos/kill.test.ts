import assert from 'node:assert/strict';
import { createRandom } from '../../protocols/virtual/random.js';
import { SiteProcess } from '../support/site-process.js';
import { assertSound, openArchive } from './archive.js';
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

  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  /** Until some more frames of each channel are acknowledged. */
  async function collect(): Promise<void> {
    await observer.watch(site.natsUrl);
    const enough = observer.seen.size + 5 * CHANNELS;
    await site.healthWhen(`${enough} frames are acknowledged`, () => observer.seen.size >= enough);
  }

  it(`every frame that was acknowledged is in history exactly once (CHAOS_SEED=${SEED})`, async () => {
    const random = createRandom(SEED);

    for (const kill of [
      // Every process of it at the same moment.
      async () => site.kill({ everything: true }),
      // Its own process group; its servers must notice and end.
      async () => site.kill(),
      // As before, and started again at once, whether its servers have gone or not.
      async () => site.killGroupOnly(),
    ]) {
      await collect();
      await pause(random() * 2_000);
      await kill();
      await observer.leave();
      await site.start();
    }

    // In the middle of an insert, or just before or after it.
    for (const longest of [5, 20, 80]) {
      await collect();
      await observer.nextAnnouncement();
      await pause(random() * longest);
      await site.kill({ everything: true });
      await observer.leave();
      await site.start();
    }

    // While it starts, in whatever stage that is.
    await site.kill();
    for (let time = 0; time < 2; time++) {
      const starting = site.start().catch((error: Error) => error);
      await pause(200 + random() * 1_800);
      await site.kill({ everything: true });
      await starting;
    }
    await site.start();

    // While frames wait on disk because the NATS server hangs.
    await collect();
    site.signalPart('nats-server', 'SIGSTOP');
    const { parts } = await site.healthWhen(
      'frames wait on disk',
      (health) => Number(health.parts.spool?.facts?.spooled) >= 2 * CHANNELS,
    );
    await site.kill({ everything: true });
    await observer.leave();
    await site.start();
    await site.healthWhen(
      'what waited is replayed',
      (health) => Number(health.parts.spool?.facts?.replayed) >= Number(parts.spool?.facts?.spooled),
    );

    await collect();
    await quiesce(site);
    await observer.leave();
    await site.stop();

    const archive = await openArchive(site.data, observer.seen);
    assert.ok(archive.frames.length >= 7 * 5 * CHANNELS);
    assertSound(archive);
  });
});
