import type { ChannelConfig } from '../../site/model.js';
import { pointKey, type Frame } from '../../site/points.js';

/**
 * The points that the tables of each channel have now. A frame that was made before an edit of the tables may arrive
 * after it: without a look here it would bring back the points that the edit took away, for good.
 */
export class KnownPoints {
  /** By channel: each point's key, and whether its value is text. A channel without tables is not here. */
  readonly #channels = new Map<number, ReadonlyMap<number, boolean>>();

  /** Takes the channel's tables as those that count from now on. */
  set(channel: ChannelConfig): void {
    const isText = new Map(
      channel.points.map((point) => [pointKey(point.kind, point.id), point.dataType === 'string'] as const),
    );
    this.#channels.set(channel.id, isText);
  }

  /** The frame without points that are not in the channel's tables, or that changed between number and text. */
  only(frame: Frame): Frame {
    const isText = this.#channels.get(frame.channel);
    if (isText === undefined) return frame;
    for (let index = 0; index < frame.keys.length; index++) {
      if (!fits(frame, index, isText)) return reduced(frame, isText);
    }
    return frame;
  }
}

/** Whether the point is there with the same sort of value; what could not be read has neither number nor text. */
function fits(frame: Frame, index: number, isText: ReadonlyMap<number, boolean>): boolean {
  const wantsText = isText.get(frame.keys[index] as number);
  if (wantsText === undefined) return false;
  const unread = Number.isNaN(frame.values[index]) && frame.texts?.has(index) !== true;
  return unread || wantsText === (frame.texts?.has(index) ?? false);
}

function reduced(frame: Frame, isText: ReadonlyMap<number, boolean>): Frame {
  const { keys, values, quality, ages, texts, ...head } = frame;
  const kept = [...keys.keys()].filter((index) => fits(frame, index, isText));
  const from = <T extends Uint32Array | Float64Array | Uint8Array>(column: T): number[] =>
    kept.map((index) => column[index] as number);
  return {
    ...head,
    keys: Uint32Array.from(from(keys)),
    values: Float64Array.from(from(values)),
    quality: Uint8Array.from(from(quality)),
    ...(ages === undefined ? {} : { ages: Uint32Array.from(from(ages)) }),
    ...(texts === undefined ? {} : { texts: textsOf(texts, kept) }),
  };
}

/** Texts by the indexes that the points have now. */
function textsOf(texts: ReadonlyMap<number, string>, kept: readonly number[]): Map<number, string> {
  const moved = new Map<number, string>();
  kept.forEach((before, index) => {
    const text = texts.get(before);
    if (text !== undefined) moved.set(index, text);
  });
  return moved;
}
