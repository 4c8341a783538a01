import type { ActorSystem } from '../actors/runtime/system.js';
import type { Bus } from '../bus/connection.js';
import { STREAM } from '../bus/streams.js';
import { subjects, type Ref } from '../bus/subjects.js';
import { codecs } from '../bus/topics.js';
import { whileConnected } from '../bus/while-connected.js';
import type { ModelContext } from '../machines/model.js';
import type { ModelDefinition } from '../site/models/model.js';

/**
 * What a model is, as its actor says. Null: there is none, or not any more; undefined: its actor lives nowhere now, as it is
 * on its way to another node, or it could not be read from its journal.
 *
 * @throws `bus.unavailable`
 */
export async function lookAtModel(
  bus: Bus,
  system: Pick<ActorSystem, 'look'>,
  ref: Ref,
): Promise<ModelDefinition | null | undefined> {
  const actor = await system.look(ref);
  if (actor?.context !== undefined) return (actor.context as ModelContext).definition;
  if (actor !== undefined) return undefined;
  const last = await whileConnected(bus, () =>
    bus.manager.direct.getMessage(STREAM.journal, { last_by_subj: subjects.journal(ref) }),
  );
  if (last === null || codecs.journal.decode(last.data).event.type === 'remove') return null;
  return undefined;
}
