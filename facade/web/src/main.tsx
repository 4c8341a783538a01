import { effect } from '@preact/signals';
import { render } from 'preact';
import { App } from './app.js';
import { api, charted, go, now, points, route, selected, site, trend } from './page.js';
import { parseRoute } from './route.js';
import 'uplot/dist/uPlot.min.css';
import './styles/tokens.css';
import './styles/layout.css';
import './styles/tables.css';
import './styles/controls.css';

const tick = () => {
  now.value = Date.now() + api.skewMs;
};

/** Nothing is asked for a page that nobody sees; seen again, everything is asked anew. */
function followVisibility(): void {
  if (document.hidden) {
    site.stop();
    points.pause();
    trend.pause();
    return;
  }
  tick();
  site.start();
  points.resume();
  trend.refresh();
}

window.addEventListener('popstate', () => {
  route.value = parseRoute(location.hash);
});
document.addEventListener('visibilitychange', followVisibility);
window.addEventListener('online', followVisibility);
setInterval(tick, 1_000);

points.onPoint = (point) => trend.live(point);
effect(() => points.select(route.value.channel));
effect(() => {
  // Something to look at from the start: the first channel, and its first measured number.
  const first = site.channels.value[0];
  if (route.value.channel === undefined && first !== undefined)
    go({ channel: first.id, point: undefined }, { replace: true });
});
effect(() => {
  const { channel, point } = route.value;
  const measured = points.points.value.find((p) => p.kind === 'T' && typeof p.value !== 'string');
  if (channel !== undefined && point === undefined && measured?.channel === channel)
    go({ channel, point: { kind: measured.kind, id: measured.id } }, { replace: true });
});
effect(() => {
  const point = charted.value;
  const interval = selected.value?.pollingIntervalMs;
  if (point !== undefined && interval !== undefined)
    trend.select({ address: point.address, pollingIntervalMs: interval, deadband: point.deadband });
  else if (route.value.point === undefined) trend.select(undefined);
});
effect(() => {
  document.title = `${site.health.value?.site ?? 'Site'} – Statewatt`;
});
// After the server was away the stream's own next try may be seconds off.
let wasAway = false;
effect(() => {
  const isAway = site.link.value.state === 'away';
  if (wasAway && !isAway) {
    points.resume();
    trend.refresh();
  }
  wasAway = isAway;
});

followVisibility();
render(<App />, document.getElementById('app') as HTMLElement);
