import type { Bus } from '../../bus/connection.js';
import { codecs } from '../../bus/topics.js';
import { STREAM } from '../../bus/streams.js';
import { subjects } from '../../bus/subjects.js';
import { keyId, keyKind, QUALITIES } from '../../site/points.js';
import { episodeOf, isHigh, LEVEL, LEVEL_ADDRESS, LEVEL_RULE } from '../level.js';
import type { Entry } from './commands.js';
import { verdict, type Verdict } from './finding.js';
import { eachMessage } from './stream.js';

/** A value of the level, as a frame tells it. */
export interface LevelReading {
  readonly value: number;
  /** When the stream took the frame, ms since the Unix epoch: by the clock of NATS. */
  readonly at: number;
}

/** A stretch of readings within which the condition of the alarm holds. */
export interface Episode {
  /** Of `episodeOf`; more than one when the level moved on unread. */
  readonly numbers: ReadonlySet<number>;
  readonly from: number;
  /** Undefined: it has not ended. */
  readonly to: number | undefined;
}

/** The alarm was raised: the level that its rule saw then, and when that was journaled. */
export interface Raise {
  readonly value: number;
  readonly at: number;
}

/** The episodes that readings tell, which are in the order of the stream. */
export function findEpisodes(readings: readonly LevelReading[]): Episode[] {
  const episodes: Episode[] = [];
  let open: { numbers: Set<number>; from: number } | undefined;
  for (const { value, at } of readings) {
    if (isHigh(value)) {
      open ??= { numbers: new Set(), from: at };
      open.numbers.add(episodeOf(value));
    } else if (open !== undefined) {
      episodes.push({ ...open, to: at });
      open = undefined;
    }
  }
  if (open !== undefined) episodes.push({ ...open, to: undefined });
  return episodes;
}

/**
 * Each raise must be of an episode of its own, in their order. An episode that came and went while something was amiss may
 * have been missed; each other one must have been raised.
 *
 * @param undisturbed whether all was well from some time before a moment until some time after another one
 */
export function checkAlarms(
  episodes: readonly Episode[],
  raises: readonly Raise[],
  undisturbed: (from: number, to: number) => boolean,
): Verdict {
  const wrong: string[] = [];
  const raised = new Set<Episode>();
  let next = 0;
  for (const { value, at } of raises) {
    const number = episodeOf(value);
    const found = isHigh(value) ? episodes.findIndex(({ numbers }, index) => index >= next && numbers.has(number)) : -1;
    const episode = episodes[found];
    if (episode === undefined) {
      const before = episodes.slice(0, next).some(({ numbers }) => numbers.has(number));
      wrong.push(`raised at ${value} (${time(at)}): ${before ? 'once more in its episode' : 'no frame says so'}`);
      continue;
    }
    raised.add(episode);
    next = found + 1;
  }
  const due = episodes.filter(({ from, to }) => to !== undefined && undisturbed(from, to));
  for (const episode of due) {
    if (raised.has(episode)) continue;
    wrong.push(`episode ${[...episode.numbers].join(', ')} from ${time(episode.from)} on was not raised`);
  }
  const checked = `${raises.length} raises, ${episodes.length} episodes, ${due.length} of them undisturbed`;
  return verdict('alarms-once', 'an alarm is raised once for each episode of its condition', checked, wrong);
}

/** Every known value of the level that stands in the stream of frames. */
export async function readLevel(bus: Bus): Promise<LevelReading[]> {
  const readings: LevelReading[] = [];
  await eachMessage(bus, STREAM.frames, subjects.frame(LEVEL.channel), ({ data, time: at }) => {
    const { keys, values, quality } = codecs.frame.decode(data);
    const index = keys.findIndex((key) => keyKind(key) === LEVEL.kind && keyId(key) === LEVEL.point);
    if (index === -1 || QUALITIES[quality[index] as number] !== 'good') return;
    readings.push({ value: values[index] as number, at: at.getTime() });
  });
  return readings;
}

/** The raises of the alarm, as the journals of alarms tell them. */
export function findRaises(journal: readonly Entry[]): Raise[] {
  return journal.flatMap(({ entry: { event, effects, at } }) => {
    if (event.type !== 'raise' || event.ruleId !== LEVEL_RULE) return [];
    const begun = effects.some(
      ({ type, params }) =>
        type === 'announce' && (params as { alarm: { change: { what: string } } }).alarm.change.what === 'raised',
    );
    if (!begun) return [];
    const { values } = event.metadata as { values: Readonly<Record<string, number>> };
    return [{ value: values[LEVEL_ADDRESS] ?? NaN, at }];
  });
}

function time(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}
