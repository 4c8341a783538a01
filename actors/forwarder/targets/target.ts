import type { Forwarder } from '../../../site/forwarding/forwarder.js';
import type { Selection } from '../../../site/forwarding/selection.js';
import type { Batch } from '../batch.js';
import { HttpTarget } from './http.js';
import { MqttTarget } from './mqtt.js';
import { NatsTarget } from './nats.js';

/**
 * Where a forwarder sends to. It keeps no retry loop: it connects once, sends once, and says plainly what became of it.
 * Its errors are StatewattErrors: retryable ones mean that another try may help, `forward.refused` that the target will
 * never take this batch, others that somebody must change something.
 */
export interface Target {
  /** Opens the connection. `onLost` is called when it ends by itself, once. */
  connect(onLost: (error: Error) => void, signal: AbortSignal): Promise<void>;
  /** Resolves when the target has acknowledged all of it. */
  send(batch: Batch, signal: AbortSignal): Promise<void>;
  /** Safe at any time, any number of times. */
  close(): Promise<void>;
}

export function createTarget(forwarder: Forwarder, selection: Selection): Target {
  switch (forwarder.type) {
    case 'mqtt':
      return new MqttTarget(forwarder, selection);
    case 'http':
      return new HttpTarget(forwarder, selection);
    case 'nats':
      return new NatsTarget(forwarder, selection);
  }
}
