import { Counter, Gauge, type Registry } from 'prom-client';
import type { ForwarderStats, ForwarderView } from '../actors/client/forwarding.js';

/** What is counted of each target that this node sends to. */
export function addForwarderMetrics(registers: Registry[], forwarders: () => readonly ForwarderView[]): void {
  const labelNames = ['forwarder', 'type'] as const;
  const labels = ({ id, type }: ForwarderView) => ({ forwarder: id, type });
  new Gauge({
    name: 'statewatt_forwarder_state',
    help: '1 for the state that the forwarder is in.',
    registers,
    labelNames: [...labelNames, 'state'],
    collect() {
      this.reset();
      for (const view of forwarders()) this.set({ ...labels(view), state: view.state }, 1);
    },
  });
  new Gauge({
    name: 'statewatt_forwarder_behind_frames',
    help: 'Frames that wait for the target.',
    registers,
    labelNames,
    collect() {
      this.reset();
      for (const view of forwarders()) this.set(labels(view), view.stats.behind);
    },
  });
  /** Counted from the activation on; Prometheus knows that a counter may begin again. */
  const total = (name: string, help: string, of: keyof ForwarderStats & ('sent' | 'batches' | 'failed' | 'lost')) =>
    new Counter({
      name,
      help,
      registers,
      labelNames,
      collect() {
        this.reset();
        for (const view of forwarders()) this.inc(labels(view), view.stats[of]);
      },
    });
  total('statewatt_forwarder_points_total', 'Points that the target has acknowledged.', 'sent');
  total('statewatt_forwarder_batches_total', 'Batches that the target has acknowledged.', 'batches');
  total('statewatt_forwarder_failures_total', 'Attempts to connect or to send that failed.', 'failed');
  total('statewatt_forwarder_lost_frames_total', 'Frames that were discarded before they were sent.', 'lost');
}
