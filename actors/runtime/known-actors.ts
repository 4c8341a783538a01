import type { Bus } from '../../bus/connection.js';
import { STREAM } from '../../bus/streams.js';
import { whileConnected } from '../../bus/while-connected.js';

/** Ids of all actors of a kind that ever accepted an event, also of those that are not active. */
export async function knownActors(bus: Bus, kind: string): Promise<string[]> {
  const ids = new Set<string>();
  const sources = [
    [STREAM.journal, `evt.*.${kind}.*`],
    [STREAM.snapshots, `snap.${kind}.*`],
  ] as const;
  for (const [stream, subjects] of sources) {
    const ask = () => bus.manager.streams.info(stream, { subjects_filter: subjects });
    const { state } = await whileConnected(bus, ask);
    for (const subject of Object.keys(state.subjects ?? {})) ids.add(subject.slice(subject.lastIndexOf('.') + 1));
  }
  return [...ids];
}
