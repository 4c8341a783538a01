import { computed, signal } from '@preact/signals';
import type { PointView } from '../../../actors/client/schemas.js';
import { may, type Need } from '../../../site/access.js';
import { HttpAlarmsApi } from './alarms-api.js';
import { HttpApi, type Me } from './api.js';
import { HttpLedgerApi } from './ledger-api.js';
import { openMeterEvents } from './meter-events.js';
import { HttpRulesApi } from './rules-api.js';
import { formatRoute, parseRoute, type Route, type TokensRoute } from './route.js';
import { AccountsStore } from './state/accounts-store.js';
import { AlarmDetailStore } from './state/alarm-detail-store.js';
import { AlarmsStore } from './state/alarms-store.js';
import { LedgerReadingStore } from './state/ledger-reading-store.js';
import { LedgerReadingsStore } from './state/ledger-readings-store.js';
import { MeterEventsStore } from './state/meter-events-store.js';
import { MintBatchStore, MintingStore } from './state/minting-store.js';
import { RuleDetailStore, RulesStore } from './state/rules-store.js';
import { modelAddress, ModelsStore, ModelStore } from './state/models-store.js';
import { PointsStore, type StreamHandlers } from './state/points-store.js';
import { SiteStore } from './state/site-store.js';
import { TrendStore, type TrendPoint } from './state/trend-store.js';

/** Of a model's point it is not known how often it is read: gaps are told by its own usual step. */
const MODEL_STEP_MS = 1_000;

/** The page's parts, wired together: one of each. Components read their signals and call their methods. */
export const api = new HttpApi();
/** Nothing is told before somebody signs in. */
export const signedOut = signal(false);
api.onSignedOut = () => {
  signedOut.value = true;
};
/** Who the page works for; undefined until it is known. */
export const me = signal<Me | undefined>(undefined);
/** Whether the one who sits here may see the plant; undefined until it is known who that is. */
export const seesPlant = computed(() => (me.value === undefined ? undefined : may(me.value.role, 'read')));
export const site = new SiteStore(api, () => seesPlant.peek() === true);
export const points = new PointsStore(api, openStream);
export const trend = new TrendStore(api);
export const alarmsApi = new HttpAlarmsApi(api);
export const alarms = new AlarmsStore(alarmsApi, openStream);
export const alarmDetail = new AlarmDetailStore(alarmsApi);
export const rulesApi = new HttpRulesApi(api);
export const rules = new RulesStore(rulesApi);
export const ruleDetail = new RuleDetailStore(rulesApi);
export const models = new ModelsStore(api);
export const model = new ModelStore(api, openStream);
alarms.onAlarm = (alarm) => alarmDetail.note(alarm);
export const ledgerApi = new HttpLedgerApi(api);
const mayReadAll = () => seesPlant.peek() === true;
export const accounts = new AccountsStore(ledgerApi, mayReadAll);
export const ledgerReadings = new LedgerReadingsStore(ledgerApi, mayReadAll);
export const ledgerReading = new LedgerReadingStore(ledgerApi, mayReadAll);
export const minting = new MintingStore(ledgerApi);
export const mintBatch = new MintBatchStore(ledgerApi);
export const meterEvents = new MeterEventsStore(openMeterEvents, () => Date.now() + api.skewMs);
/** The ledger is behind what is told by up to a second. */
const LEDGER_AFTER_MS = 1_500;
/** What somebody has done, or an event tells, is soon in the ledger. */
export function readLedgerSoon(): void {
  for (const { poll } of [accounts, ledgerReadings, ledgerReading, minting, mintBatch]) poll.soon(LEDGER_AFTER_MS);
}
meterEvents.onEvents = readLedgerSoon;

export const route = signal<Route>(parseRoute(location.hash));
/** The server's clock, ms since the Unix epoch, moving once a second: every age on the page is told against it. */
export const now = signal(Date.now());

/** The page that is shown: who sees only what is their own has one. undefined: it is not known who looks. */
export const pageName = computed(() =>
  seesPlant.value === undefined ? undefined : seesPlant.value ? route.value.page : 'tokens',
);
/** Channel and point of the route, while channels are shown. */
export const channelRoute = computed(() =>
  pageName.value === 'channels' && route.value.page === 'channels'
    ? route.value
    : { channel: undefined, point: undefined },
);
/** What of the tokens is shown; owners have no batches, and are the only user. */
export const tokensRoute = computed((): TokensRoute => {
  const { value } = route;
  const isFor = value.page === 'tokens' && (seesPlant.value === true || value.by === 'meter' || value.by === 'wallet');
  return isFor ? value : { page: 'tokens', by: 'meter', id: undefined, reading: undefined };
});
/** The selected channel's view; undefined until it is known, or when there is none such. */
export const selected = computed(() =>
  site.channels.value.find((channel) => channel.id === channelRoute.value.channel),
);
/** The model's point that is chosen. */
export const modelPoint = computed(() => {
  const { value } = route;
  if (value.page !== 'models' || value.point === undefined) return undefined;
  return model.detail.value?.points.find(({ name }) => name === value.point);
});
/** The channel's point that is chosen. */
export const charted = computed(() => {
  const { channel, point } = channelRoute.value;
  if (point === undefined) return undefined;
  return points.points.value.find((p) => p.channel === channel && p.kind === point.kind && p.id === point.id);
});
/** The point whose trend is shown, with what is written beside it. */
export const trended = computed((): (TrendPoint & Pick<PointView, 'name' | 'unit' | 'kind'>) | undefined => {
  const point = charted.value;
  const interval = selected.value?.pollingIntervalMs;
  if (point !== undefined && interval !== undefined) {
    const { address, name, unit, kind, deadband } = point;
    return { address, name, unit, kind, deadband, pollingIntervalMs: interval };
  }
  const ofModel = modelPoint.value;
  const id = model.detail.value?.model.id;
  if (ofModel === undefined || id === undefined) return undefined;
  const { name, title, unit, kind } = ofModel;
  return { address: modelAddress(id, name), name: title, unit, kind, pollingIntervalMs: MODEL_STEP_MS };
});
/** Whether what the page shows is of now. */
export const isLive = computed(() => site.link.value.state === 'up' && points.status.value.state === 'live');

/** Whether the one who sits here may do this; what may not be done is not offered. */
export function mayI(need: Need): boolean {
  return me.value !== undefined && may(me.value.role, need);
}

/** Goes somewhere on the page; `replace` leaves no step in the browser's history. */
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
