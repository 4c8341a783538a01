import { SHOWN_OF_PARTITION, type SupervisorView } from '../actors/client/supervision-schemas.js';
import type { SupervisorView as Supervisor } from '../actors/runtime/supervision/view.js';

/** What callers see of a partition's supervisor: the counts whole, the lists cut. */
export function viewPartitionSupervisor({ failed, budgets, ...facts }: Supervisor): SupervisorView {
  const fullestFirst = budgets.toSorted((a, b) => b.crashes / (b.intensity + 1) - a.crashes / (a.intensity + 1));
  return {
    ...facts,
    failed: failed.length,
    failedActors: failed.slice(0, SHOWN_OF_PARTITION),
    budgets: fullestFirst.slice(0, SHOWN_OF_PARTITION),
  };
}
