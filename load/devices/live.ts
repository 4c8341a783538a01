import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { PointsUpdate } from '../../actors/client/client.js';
import { preciseNow } from '../rules/hand.js';

export interface LiveWatch {
  /** When each channel was first told to have the value. */
  readonly seen: ReadonlyMap<number, number>;
  stop(): void;
}

/** Watches the live values of all channels (Server-Sent Events) for one value. */
export async function watchLive(url: string, value: number): Promise<LiveWatch> {
  const request = get(`${url}/api/v1/points/stream`);
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  const seen = new Map<number, number>();
  const lines = createInterface({ input: answer });
  lines.on('line', (line) => {
    if (!line.startsWith('data: ')) return;
    const now = preciseNow();
    const { channel, points } = JSON.parse(line.slice('data: '.length)) as PointsUpdate;
    if (!seen.has(channel) && points.some((point) => point.value === value)) seen.set(channel, now);
  });
  return {
    seen,
    stop: () => {
      lines.on('error', () => undefined); // What is cut off here is no failure.
      request.destroy();
    },
  };
}
