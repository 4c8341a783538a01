import { computed, signal } from '@preact/signals';
import { HttpApi } from './api.js';
import { formatRoute, parseRoute, type Route } from './route.js';
import { PointsStore, type StreamHandlers } from './state/points-store.js';
import { SiteStore } from './state/site-store.js';
import { TrendStore } from './state/trend-store.js';

/** The page's parts, wired together: one of each. Components read their signals and call their methods. */
export const api = new HttpApi();
/** Nothing is told before somebody signs in. */
export const signedOut = signal(false);
api.onSignedOut = () => {
  signedOut.value = true;
};
export const site = new SiteStore(api);
export const points = new PointsStore(api, openStream);
export const trend = new TrendStore(api);

export const route = signal<Route>(parseRoute(location.hash));
/** The server's clock, ms since the Unix epoch, moving once a second: every age on the page is told against it. */
export const now = signal(Date.now());

/** The selected channel's view; undefined until it is known, or when there is none such. */
export const selected = computed(() => site.channels.value.find((channel) => channel.id === route.value.channel));
/** The point whose trend is shown. */
export const charted = computed(() => {
  const { channel, point } = route.value;
  if (point === undefined) return undefined;
  return points.points.value.find((p) => p.channel === channel && p.kind === point.kind && p.id === point.id);
});
/** Whether what the page shows is of now. */
export const isLive = computed(() => site.link.value.state === 'up' && points.status.value.state === 'live');

/** Goes to a channel or a point; `replace` leaves no step in the browser's history. */
export function go(to: Route, { replace = false } = {}): void {
  const hash = formatRoute(to);
  if (replace) history.replaceState(null, '', hash);
  else if (hash !== location.hash) history.pushState(null, '', hash);
  route.value = to;
}

function openStream(url: string, { opened, message, lost }: StreamHandlers): EventSource {
  const source = new EventSource(url);
  source.onopen = opened;
  source.onmessage = (event: MessageEvent<string>) => message(event.data);
  source.onerror = () => {
    // Its own next try would not say why, and after some errors it makes none.
    source.close();
    lost();
  };
  return source;
}
