import type { ChannelLive } from '../actors/channel/worker.js';
import type { ChannelStats, ChannelView, PointView } from '../actors/client/schemas.js';
import type { ActorState } from '../actors/runtime/host.js';
import type { ChannelContext } from '../machines/channel.js';
import { canAddress } from '../protocols/can/driver.js';
import { brokerAddress } from '../protocols/mqtt/link.js';
import type { ChannelConfig } from '../site/model.js';
import { formatPointAddress, type PointDefinition, type PointKind, type PointValue } from '../site/points.js';
import { crashOf } from './crash-of.js';

const CHANNEL_STATES: readonly string[] = ['stopped', 'connecting', 'online', 'backingOff', 'faulted', 'paused'];

/** What a channel does, without what is costly to tell. */
export interface ChannelStatus extends Pick<ChannelView, 'id' | 'state' | 'since'> {
  readonly stats: Omit<ChannelStats, 'roundTripMs'>;
}

/** As `viewChannel`, what changes while a channel runs. */
export function viewStatus({ id }: ChannelConfig, actor: ActorState | undefined): ChannelStatus {
  const context = actor?.context as ChannelContext | undefined;
  return { id, state: stateOf(actor), since: context?.since ?? 0, stats: countersOf(actor) };
}

/** A channel as callers see it, from its configuration and its actor (undefined while it does not live here). */
export function viewChannel(config: ChannelConfig, actor: ActorState | undefined): ChannelView {
  const { state, since, stats } = viewStatus(config, actor);
  const live = actor?.live as ChannelLive | undefined;
  const counts: Record<PointKind, number> = { T: 0, S: 0, C: 0, A: 0 };
  for (const point of config.points) counts[point.kind] += 1;
  return {
    id: config.id,
    ref: `channel/${config.id}`,
    name: config.name,
    protocol: config.protocol,
    address: addressOf(config),
    enabled: config.enabled,
    state,
    since,
    pollingIntervalMs: config.pollingIntervalMs,
    points: counts,
    stats: { ...stats, roundTripMs: live?.roundTripMs ?? { p50: 0, p95: 0, p99: 0, max: 0 } },
  };
}

/** An actor that is parked or being restarted is shown as the state that an operator would act on. */
function stateOf(actor: ActorState | undefined): ChannelView['state'] {
  if (actor === undefined || actor.state === 'starting') return 'connecting';
  return CHANNEL_STATES.includes(actor.state) ? (actor.state as ChannelView['state']) : 'faulted';
}

function countersOf(actor: ActorState | undefined): ChannelStatus['stats'] {
  const context = actor?.context as ChannelContext | undefined;
  const stats = (actor?.live as ChannelLive | undefined)?.stats;
  return {
    totalReads: stats?.totalReads ?? 0,
    totalFrames: stats?.totalFrames ?? 0,
    readErrors: stats?.readErrors ?? 0,
    connectionErrors: stats?.connectionErrors ?? 0,
    reconnectCount: stats?.reconnectCount ?? 0,
    missedCycles: stats?.missedCycles ?? 0,
    droppedValues: stats?.droppedValues ?? 0,
    lastError:
      (actor && crashOf(actor)) ?? stats?.lastError ?? context?.lastError?.error.message ?? actor?.lastError ?? null,
    lastErrorAt: stats?.lastErrorAt ?? context?.lastError?.at ?? null,
    lastGoodAt: stats?.lastGoodAt ?? null,
  };
}

function addressOf(config: ChannelConfig): string {
  switch (config.protocol) {
    case 'modbus': {
      const { transport } = config;
      return transport.type === 'rtu' ? transport.device : `${transport.host}:${transport.port}`;
    }
    case 'virtual':
      return 'virtual';
    case 'mqtt':
      return brokerAddress(config.broker);
    case 'grpc':
      return config.address;
    case 'can':
      return canAddress(config.source);
  }
}

/** Whether a point can be written: C and A points whose mapping says how. */
export function isWritable(config: ChannelConfig, index: number): boolean {
  const point = config.points[index];
  if (point === undefined || (point.kind !== 'C' && point.kind !== 'A')) return false;
  switch (config.protocol) {
    case 'modbus':
      return config.mappings[index]?.writeFunctionCode !== undefined;
    case 'virtual':
    case 'grpc':
      return true;
    case 'mqtt':
      return config.mappings[index]?.commandTopic !== undefined;
    case 'can':
      return false;
  }
}

/** A point as callers see it; `value` undefined = never read. */
export function viewPoint(
  config: ChannelConfig,
  point: PointDefinition,
  writable: boolean,
  value: PointValue | undefined,
): PointView {
  const view: PointView = {
    address: formatPointAddress({ channel: config.id, kind: point.kind, id: point.id }),
    channel: config.id,
    kind: point.kind,
    id: point.id,
    name: point.name,
    unit: point.unit,
    writable,
    value: value?.value ?? null,
    quality: value?.quality ?? 'bad',
    time: value?.time ?? null,
  };
  if (point.min !== undefined) view.min = point.min;
  if (point.max !== undefined) view.max = point.max;
  if (point.deadband > 0) view.deadband = point.deadband;
  return view;
}
