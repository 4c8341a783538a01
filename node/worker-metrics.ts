import { Counter, type Registry } from 'prom-client';
import type { MintSigning } from '../workers/mint-signing.js';
import type { WorkerPool } from '../workers/pool.js';
import type { LedgerHealth } from './ledger.js';

/** What is counted of the worker threads, of what they sign, and of the ledger. */
export interface WorkParts {
  readonly workers: Pick<WorkerPool, 'metrics'>;
  /** undefined: nothing is minted. */
  readonly signing: Pick<MintSigning, 'counters'> | undefined;
  readonly ledger: { health(): LedgerHealth };
}

type Add = (name: string, help: string, read: () => number) => void;

/** Adds the metrics by `total` (counters) and `level` (gauges). */
export function addWorkerMetrics(registers: Registry[], parts: WorkParts, total: Add, level: Add): void {
  const { workers, signing, ledger } = parts;
  level('statewatt_worker_threads', 'Worker threads.', () => workers.metrics().threads);
  level('statewatt_worker_utilization', 'Share of their time that they worked.', () => workers.metrics().utilization);
  level('statewatt_worker_jobs_waiting', 'Jobs that wait for a thread.', () => workers.metrics().waiting);
  level('statewatt_worker_jobs_running', 'Jobs under way.', () => workers.metrics().running);
  total('statewatt_worker_jobs_total', 'Jobs that have ended.', () => workers.metrics().completed);
  total(
    'statewatt_worker_jobs_redone_total',
    'Jobs done again: their thread had died.',
    () => workers.metrics().redone,
  );
  total('statewatt_worker_jobs_failed_total', 'Jobs given up.', () => workers.metrics().failed);
  total('statewatt_worker_jobs_refused_total', 'Jobs refused: too many waited.', () => workers.metrics().refused);
  total('statewatt_ledger_rows_total', 'Rows written into the ledger.', () => ledger.health().rows);
  level('statewatt_ledger_behind_seconds', 'Since all of the journal was in the ledger.', () => {
    return ledger.health().behindMs / 1_000;
  });
  if (signing === undefined) return;
  new Counter({
    name: 'statewatt_mints_signed_total',
    help: 'Transactions signed, by whom: worker threads, or this thread or a signer process.',
    registers,
    labelNames: ['by'],
    collect() {
      this.reset();
      this.inc({ by: 'workers' }, signing.counters.onPool);
      this.inc({ by: 'node' }, signing.counters.here);
    },
  });
}
