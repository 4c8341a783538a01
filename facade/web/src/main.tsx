import { computed, effect, signal, untracked } from '@preact/signals';
import { render } from 'preact';
import { App } from './app.js';
import {
  accounts,
  alarmDetail,
  alarms,
  api,
  channelRoute,
  go,
  ledgerReading,
  ledgerReadings,
  me,
  meterEvents,
  mintBatch,
  minting,
  model,
  models,
  now,
  pageName,
  points,
  route,
  ruleDetail,
  rules,
  seesPlant,
  site,
  tokensRoute,
  trend,
  trended,
} from './page.js';
import { parseRoute, type PageName, type TokensRoute } from './route.js';
import 'uplot/dist/uPlot.min.css';
import './styles/tokens.css';
import './styles/layout.css';
import './styles/tables.css';
import './styles/controls.css';
import './styles/consoles.css';
import './styles/ledger.css';

const ME_AGAIN_MS = 3_000;

const visible = signal(!document.hidden);
/** The page that somebody sees. */
const shown = computed(() => (visible.value ? pageName.value : undefined));
/** What of its list is chosen. */
const chosen = computed(() => {
  const { value } = route;
  return value.page === 'channels' || value.page === 'tokens' ? undefined : value.id;
});
/** The batch that is chosen, or that the chosen reading is in. */
const batchShown = computed(() => {
  const { by, id } = tokensRoute.value;
  if (by === 'batch') return id;
  return seesPlant.value === true ? (ledgerReading.reading.value?.batch ?? undefined) : undefined;
});

const tick = () => {
  now.value = Date.now() + api.skewMs;
};

/** Nothing is asked for a page that nobody sees; seen again, everything is asked anew. */
function followVisibility(): void {
  visible.value = !document.hidden;
  if (document.hidden) {
    site.stop();
    alarms.stopStatistics();
    points.pause();
    trend.pause();
    return;
  }
  tick();
  site.start();
  if (seesPlant.peek() === true) alarms.startStatistics();
  points.resume();
  trend.refresh();
}

/** What a page shows is followed while it is shown. */
function follow(page: PageName | undefined): void {
  if (page === 'alarms') alarms.start();
  else alarms.stop();
  alarmDetail.select(page === 'alarms' ? chosen.value : undefined);
  if (page === 'rules') rules.poll.start();
  else rules.poll.stop();
  ruleDetail.select(page === 'rules' ? chosen.value : undefined);
  if (page === 'models') models.poll.start();
  else models.poll.stop();
  model.select(page === 'models' ? chosen.value : undefined);
  followTokens(page === 'tokens');
}

function followTokens(isShown: boolean): void {
  if (!isShown) {
    for (const { poll } of [accounts, ledgerReadings, minting]) poll.stop();
    meterEvents.stop();
    ledgerReading.select(undefined);
    mintBatch.select(undefined);
    return;
  }
  selectTokens(tokensRoute.value, batchShown.value);
  accounts.poll.start();
  ledgerReadings.poll.start();
  if (seesPlant.peek() === true) minting.poll.start();
  meterEvents.start();
}

/** What the address says is chosen of the tokens. */
function selectTokens({ by, id, reading }: TokensRoute, batch: string | undefined): void {
  if (by !== 'batch') {
    accounts.show(by);
    ledgerReadings.select(id === undefined ? {} : { [by]: id });
  }
  ledgerReading.select(reading);
  mintBatch.select(batch);
}

async function askWhoIAm(): Promise<void> {
  try {
    me.value = await api.me();
  } catch {
    // Away, or nobody has signed in: the page says so.
    if (me.value === undefined) setTimeout(() => void askWhoIAm(), ME_AGAIN_MS);
  }
}

window.addEventListener('popstate', () => {
  route.value = parseRoute(location.hash);
});
document.addEventListener('visibilitychange', followVisibility);
window.addEventListener('online', followVisibility);
setInterval(tick, 1_000);

points.onPoint = (point) => trend.live(point);
model.onPoint = (point) => trend.live(point);
effect(() => {
  if (seesPlant.value !== true) return;
  // From now on there is more to ask for than whether the server is well.
  untracked(() => {
    if (document.hidden) return;
    site.start();
    alarms.startStatistics();
  });
});
effect(() => points.select(channelRoute.value.channel));
effect(() => {
  // Something to look at from the start: the first channel, and its first measured number.
  const first = site.channels.value[0];
  if (
    pageName.value === 'channels' &&
    route.value.page === 'channels' &&
    route.value.channel === undefined &&
    first !== undefined
  )
    go({ page: 'channels', channel: first.id, point: undefined }, { replace: true });
});
effect(() => {
  const { channel, point } = channelRoute.value;
  const measured = points.points.value.find((p) => p.kind === 'T' && typeof p.value !== 'string');
  if (channel !== undefined && point === undefined && measured?.channel === channel)
    go({ page: 'channels', channel, point: { kind: measured.kind, id: measured.id } }, { replace: true });
});
effect(() => {
  const { value } = route;
  const isChosen = 'point' in value && value.point !== undefined;
  if (trended.value !== undefined) trend.select(trended.value);
  else if (!isChosen) trend.select(undefined);
});
effect(() => {
  const page = shown.value;
  untracked(() => follow(page));
});
effect(() => {
  const id = chosen.value;
  if (shown.value === 'alarms') untracked(() => alarmDetail.select(id));
  if (shown.value === 'rules') untracked(() => ruleDetail.select(id));
  if (shown.value === 'models') untracked(() => model.select(id));
});
effect(() => {
  const batch = batchShown.value;
  const chosenNow = tokensRoute.value;
  if (shown.value === 'tokens') untracked(() => selectTokens(chosenNow, batch));
});
effect(() => {
  const name = site.health.value?.site ?? 'Site';
  const page = pageName.value ?? 'channels';
  const heading = page === 'channels' ? '' : `${page.charAt(0).toUpperCase()}${page.slice(1)} – `;
  document.title = `${heading}${name} – Statewatt`;
});
// After the server was away the stream's own next try may be seconds off.
let wasAway = false;
effect(() => {
  const isAway = site.link.value.state === 'away';
  if (wasAway && !isAway) {
    points.resume();
    trend.refresh();
    untracked(() => {
      follow(undefined);
      follow(shown.value);
    });
  }
  wasAway = isAway;
});

followVisibility();
void askWhoIAm();
render(<App />, document.getElementById('app') as HTMLElement);
