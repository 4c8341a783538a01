import { signal } from '@preact/signals';
import type { PointView, WriteReply } from '../../../../actors/client/schemas.js';
import { ApiError, type Api } from '../api.js';
import { formatLimits } from '../format.js';
import { newCommandId } from './command-id.js';

/** A write in its steps: choosing a value, confirming it, waiting for the device, reading its answer. */
export type WriteStep =
  | { name: 'choosing'; problem?: string }
  | { name: 'confirming'; value: number | string }
  | { name: 'writing'; value: number | string }
  | { name: 'answered'; reply: WriteReply }
  | { name: 'failed'; value: number | string; code: string; message: string };

/** What of a point has to be known to write it; one of a model has the address `model:<id>:<point>`. */
export type WritablePoint = Pick<
  PointView,
  'address' | 'name' | 'kind' | 'unit' | 'value' | 'quality' | 'time' | 'min' | 'max'
>;

/** One write of one point, from the first click to the device's answer. */
export class WriteFlow {
  readonly point: WritablePoint;
  readonly step = signal<WriteStep>({ name: 'choosing' });
  readonly #api: Pick<Api, 'write'>;
  /** The same through all tries of one confirmed value, so that a try whose answer was lost is not done twice. */
  #commandId = newCommandId();

  constructor(api: Pick<Api, 'write'>, point: WritablePoint) {
    this.#api = api;
    this.point = point;
  }

  /** Takes what was typed or chosen; text points take any text, all others a number within their limits. */
  choose(text: string): void {
    const value = parseValue(text, typeof this.point.value === 'string');
    if (value === undefined) {
      this.step.value = { name: 'choosing', problem: `“${text}” is not a number, such as 42 or -0.5` };
      return;
    }
    if (typeof value === 'number' && !isWithin(value, this.point)) {
      const allowed = formatLimits(this.point);
      this.step.value = { name: 'choosing', problem: `${text.trim()} is outside the limits; allowed: ${allowed}` };
      return;
    }
    this.#commandId = newCommandId();
    this.step.value = { name: 'confirming', value };
  }

  back(): void {
    this.step.value = { name: 'choosing' };
  }

  /** Sends the confirmed value; after a failure, sends the same command again. */
  async confirm(): Promise<void> {
    const step = this.step.value;
    if (step.name !== 'confirming' && step.name !== 'failed') return;
    const { value } = step;
    this.step.value = { name: 'writing', value };
    try {
      const reply = await this.#api.write(this.point.address, value, this.#commandId);
      this.step.value = { name: 'answered', reply };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.step.value = { name: 'failed', value, code: error instanceof ApiError ? error.code : 'no answer', message };
    }
  }
}

/** A decimal comma counts as a point; anything that is no finite number is refused. */
export function parseValue(text: string, isText: boolean): number | string | undefined {
  if (isText) return text;
  const trimmed = text.trim().replace(',', '.');
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(trimmed)) return undefined;
  const value = Number(trimmed);
  return Number.isFinite(value) ? value : undefined;
}

function isWithin(value: number, { min = -Infinity, max = Infinity }: WritablePoint): boolean {
  return value >= min && value <= max;
}
