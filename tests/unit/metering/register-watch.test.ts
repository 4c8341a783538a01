import assert from 'node:assert/strict';
import fc from 'fast-check';
import { RegisterWatch, type RegisterNews, type RegisterSample } from '../../../actors/meter/register-watch.js';

const MINUTE = 60_000;
const QUARTER = 15 * MINUTE;
const LIMIT = 100_000n;

interface Watched {
  readonly news: RegisterNews[];
  see(minute: number, energy: number): void;
}

/** Times are minutes; the first boundary behind 0 is at 15. */
function watched(start?: RegisterSample): Watched {
  const news: RegisterNews[] = [];
  const watch = new RegisterWatch(QUARTER, LIMIT, start, (each) => news.push(each));
  return { news, see: (minute, energy) => watch.see(BigInt(energy), minute * MINUTE) };
}

/** A value each half minute that rises by 1. */
function steadily(watch: Watched, from: number, to: number, energy: number): void {
  for (let at = from; at < to; at += 0.5) watch.see(at, energy + 2 * (at - from));
}

function brief(news: readonly RegisterNews[]): string[] {
  return news.map((each) =>
    each.type === 'count'
      ? `${each.end / MINUTE}: ${each.energy}${each.estimated ? ' about' : ''}`
      : `${each.seen / MINUTE}: ${each.from} → ${each.to}`,
  );
}

describe('The boundaries in the values of a counter', () => {
  it('get the last value before them, or that of the moment itself', () => {
    const watch = watched();
    steadily(watch, 5.25, 31, 1_000);
    assert.deepEqual(brief(watch.news), ['15: 1019', '30: 1049']);
    const exact = watched();
    steadily(exact, 5, 31, 1_000);
    assert.deepEqual(brief(exact.news), ['15: 1020', '30: 1050']);
  });

  it('get a value on the line where the counter was not read, and only the last of several', () => {
    const watch = watched();
    steadily(watch, 5.25, 7.5, 1_000);
    watch.see(52.5, 1_100);
    watch.see(53, 1_101);
    // Read last at 7.25 with 1004: 37.75 of the 45.25 minutes until 52.5.
    assert.deepEqual(brief(watch.news), [`45: ${1_004 + Math.floor((96 * 37.75) / 45.25)} about`]);
  });

  it('go on from what is known of before, whatever was missed', () => {
    const watch = watched({ energy: 900n, time: 0 });
    watch.see(3, 903);
    watch.see(3.5, 904);
    assert.deepEqual(brief(watch.news), []);
    steadily(watch, 4.25, 16, 905);
    assert.deepEqual(brief(watch.news), ['15: 926']);
  });

  it('leave out values that stand alone, above and below', () => {
    const watch = watched();
    steadily(watch, 5.25, 10, 1_000);
    watch.see(10.25, 90_000);
    steadily(watch, 10.5, 12, 1_011);
    watch.see(12.25, 0);
    watch.see(12.5, 1);
    steadily(watch, 12.75, 16, 1_015);
    assert.deepEqual(brief(watch.news), ['15: 1019']);
  });

  it('leave out values that are not newer', () => {
    const watch = watched();
    steadily(watch, 5.25, 10, 1_000);
    watch.see(9, 5_000);
    steadily(watch, 10, 16, 1_010);
    assert.deepEqual(brief(watch.news), ['15: 1020']);
  });

  it('tell another counter when it has stayed for a minute', () => {
    const watch = watched();
    steadily(watch, 5.25, 10, 50_000);
    steadily(watch, 10.25, 11.25, 7);
    assert.deepEqual(brief(watch.news), []);
    steadily(watch, 11.25, 16, 9);
    assert.deepEqual(brief(watch.news), ['10.25: 50009 → 7', '15: 16']);
    // Also when it begins with what the journal knew, and falls once more meanwhile.
    const again = watched({ energy: 50_000n, time: 0 });
    again.see(1, 20);
    again.see(1.5, 10);
    again.see(2, 11);
    again.see(2.5, 12);
    assert.deepEqual(brief(again.news), ['1.5: 50000 → 10']);
  });

  it('go over the limit of the counter', () => {
    const wrapped = watched();
    for (let at = 5.25; at < 31; at += 0.5) wrapped.see(at, (99_990 + 2 * (at - 5.25)) % 100_000);
    assert.deepEqual(brief(wrapped.news), ['15: 9', '30: 39']);
    const estimated = watched({ energy: 99_990n, time: 0 });
    estimated.see(20, 10);
    estimated.see(20.5, 11);
    assert.deepEqual(brief(estimated.news), ['15: 5 about']);
  });

  it('add up to what the counter has counted, whatever gaps it was read with', () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 3, maxLength: 60 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 0, max: 99_999 }), fc.integer({ min: 1, max: 90 }), (waits, first, rate) => {
        const watch = watched();
        let minute = 0;
        for (const wait of waits) watch.see((minute += wait), (first + minute * rate) % 100_000);
        let before: bigint | undefined;
        let end = 0;
        for (const each of watch.news) {
          assert.ok(each.type === 'count' && each.end > end && each.end % QUARTER === 0);
          end = each.end;
          if (before !== undefined) assert.ok((each.energy - before + LIMIT) % LIMIT <= LIMIT / 10n);
          before = each.energy;
        }
        const last = watch.news.at(-1);
        if (last?.type !== 'count' || !last.estimated) return;
        const exact = BigInt(first + (last.end / MINUTE) * rate) % LIMIT;
        assert.ok(exact - last.energy <= 1n && exact >= last.energy);
      }),
    );
  });
});
