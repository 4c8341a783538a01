import type { EffectRecord, EventBody, JournalEntry } from '../../../bus/messages.js';
import { upcastEvent, type Evolved } from '../evolution.js';
import { CANCEL_TIMER, SET_TIMER, type CancelTimer, type SetTimer } from './records.js';

/** What XState calls the timer of a delayed transition: the type of its event, which an upcaster may rename. */
const DELAYED_TRANSITION = 'xstate.after.';

/** A timer that a machine of version `machine` has set, as the present one would have set it. */
export function upcastTimer(
  kind: Evolved,
  { id, event }: { readonly id: string | null; readonly event: EventBody },
  machine: number,
): { readonly id: string | null; readonly event: EventBody } {
  return { id: id === null ? null : upcastId(kind, id, machine), event: upcastEvent(kind, { event, machine }) };
}

/** An entry's effects, those about timers as the present machine would have ordered them. */
export function upcastTimers(kind: Evolved, { effects, machine }: JournalEntry): readonly EffectRecord[] {
  if (kind.upcast === undefined || machine >= kind.version) return effects;
  return effects.map((effect) => {
    const { type, params } = effect;
    if (type === SET_TIMER) {
      const timer = params as SetTimer;
      return { type, params: { ...timer, ...upcastTimer(kind, timer, machine) } satisfies SetTimer };
    }
    if (type !== CANCEL_TIMER) return effect;
    return { type, params: { id: upcastId(kind, (params as CancelTimer).id, machine) } satisfies CancelTimer };
  });
}

function upcastId(kind: Evolved, id: string, machine: number): string {
  return id.startsWith(DELAYED_TRANSITION) ? upcastEvent(kind, { event: { type: id }, machine }).type : id;
}
