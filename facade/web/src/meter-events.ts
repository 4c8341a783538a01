import type { MeterEventsUpdate } from '../../../actors/client/meter-watch.js';
import { SiteSocket } from '../../websocket/client.js';
import type { MeterEventsHandlers } from './state/meter-events-store.js';

const AGAIN_MS = 3_000;

/** Has events of readings pushed over the site's WebSocket, which knows who looks by the page's cookie. */
export function openMeterEvents({ update, status }: MeterEventsHandlers): { close: () => void } {
  const socket = new SiteSocket({ url: `${location.origin.replace(/^http/, 'ws')}/ws`, onStatus: status });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;
  const subscribe = async () => {
    try {
      await socket.subscribe({ topic: 'readings' }, (params) => update(params as MeterEventsUpdate));
    } catch {
      // The server is away, or the sign-in ran out, of which the page tells by what else it asks.
      if (!isClosed) timer = setTimeout(() => void subscribe(), AGAIN_MS);
    }
  };
  void subscribe();
  return {
    close: () => {
      isClosed = true;
      clearTimeout(timer);
      socket.close();
    },
  };
}
