import { compileExpression, nameOfPoint, type PointScope } from '../../site/expressions/index.js';
import { QUALITIES, type PointValue } from '../../site/points.js';

/** Where an expression that is looked at once gets its values from. */
export interface NewestValues {
  /** The points of the site as it is configured now. */
  points(): PointScope;
  /** IANA name; undefined: that of the machine. */
  timeZone(): string | undefined;
  /** The newest values of a channel. */
  read(channel: number): Promise<readonly PointValue[]>;
}

/** What an expression gives now: its number, or 1 true and 0 false, NaN when it is unknown; and the values that it saw. */
export interface OneLook {
  readonly value: number;
  readonly newest: readonly (readonly [address: string, value: number | null])[];
}

/**
 * Evaluates an expression once, with the newest values that readers have.
 *
 * @throws ExpressionError when the site has not got its points any more; what the store throws
 */
export async function evaluateOnce(
  source: string,
  result: 'condition' | 'number',
  parts: NewestValues,
): Promise<OneLook> {
  const timeZone = parts.timeZone();
  const zone = timeZone === undefined ? {} : { timeZone };
  const expression = compileExpression(source, { points: parts.points(), result, ...zone });
  const channels = [...new Set(expression.points.map(({ channel }) => channel))];
  const stored = (await Promise.all(channels.map((channel) => parts.read(channel)))).flat();
  const evaluator = expression.start();
  const newest = expression.points.map((point, slot) => {
    const found = stored.find(({ channel, kind, id }) => {
      return channel === point.channel && kind === point.kind && id === point.id;
    });
    const value = typeof found?.value === 'number' ? found.value : NaN;
    if (found !== undefined) evaluator.set(slot, value, QUALITIES.indexOf(found.quality));
    return [nameOfPoint(point), Number.isNaN(value) ? null : value] as const;
  });
  return { value: evaluator.evaluate(Date.now()), newest };
}
