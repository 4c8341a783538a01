import Type from 'typebox';
import { meterFeedMachine, type MeterFeedContext } from '../machines/meter-feed.js';
import type { MeterSource } from '../site/metering/readings.js';
import { MeterFeedWorker, type MeterFeedParts } from './meter/feed-worker.js';
import { meterActorId, meterIdOf } from './meter/meter-id.js';
import { METER_FEED } from './meter.js';
import { defineKind } from './runtime/kind.js';
import { ref, type ActorRef } from './runtime/system.js';

/** Checked by the meter, which says it. */
const Source = Type.Union([Type.Unsafe<MeterSource>({ type: 'object' }), Type.Null()]);

/**
 * The kind `meter-feed`: follows a channel's counter for the meter of the same id, on the node that owns its partition. It is
 * told by the meter what to follow, and keeps nothing of what it sees: what was counted stands in the meter's journal.
 */
export function createMeterFeedKind(parts: MeterFeedParts) {
  return defineKind({
    kind: METER_FEED,
    version: 1,
    machine: meterFeedMachine,
    commands: (command) => ({
      follow: command(
        Type.Object({ source: Source, bySite: Type.Boolean() }),
        ({ snapshot }): MeterFeedContext => snapshot.context,
      ),
    }),
    resource: (host) => new MeterFeedWorker(meterIdOf(host.ref.id), host, parts),
    effects: {
      watch: ({ resource, params }) => resource.watch(params.source),
      unwatch: ({ resource }) => resource.unwatch(),
    },
    policy: { alwaysOn: true, snapshotEvery: 50, mailboxCapacity: 50 },
  });
}

export type MeterFeedKind = ReturnType<typeof createMeterFeedKind>;

/** The actor that reads a channel for a meter; the id is the meter's. */
export function meterFeedRef(kind: MeterFeedKind, meter: string): ActorRef<MeterFeedKind> {
  return ref(kind, meterActorId(meter));
}
