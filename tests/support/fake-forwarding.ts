import { StatewattError } from '../../errors/error.js';
import type { ForwarderCommandName, ForwarderView, ForwardingClient } from '../../actors/client/forwarding.js';

const NEXT: Record<ForwarderCommandName, ForwarderView['state']> = {
  pause: 'paused',
  resume: 'connecting',
  skip: 'connecting',
};

/** Two targets in memory: `cloud` over MQTT, which is online, and `lake` over HTTP, which refuses a batch. */
export class FakeForwarding implements ForwardingClient {
  readonly views: readonly ForwarderView[];

  constructor(time: number) {
    this.views = [
      view(time, { id: 'cloud', type: 'mqtt', address: 'mqtts://broker.example.org:8883', state: 'online' }),
      view(time, { id: 'lake', type: 'http', address: 'https://lake.example.org/in', state: 'faulted' }),
    ];
  }

  list(): Promise<ForwarderView[]> {
    return Promise.resolve([...this.views]);
  }

  async get(id: string): Promise<ForwarderView> {
    const found = this.views.find((each) => each.id === id);
    if (found !== undefined) return found;
    throw new StatewattError('forwarding.not_found', 'not_found', `there is no forwarder ${id} in this site`);
  }

  async command(id: string, command: ForwarderCommandName): Promise<ForwarderView> {
    const found = await this.get(id);
    if (command === 'skip' && found.state !== 'faulted')
      throw new StatewattError('forward.state', 'conflict', `the forwarder is ${found.state}`);
    return Object.assign(found, { state: NEXT[command] });
  }
}

function view(
  time: number,
  { id, type, address, state }: Pick<ForwarderView, 'id' | 'type' | 'address' | 'state'>,
): ForwarderView {
  return {
    id,
    ref: `forwarder/${id}`,
    name: id,
    type,
    address,
    enabled: true,
    state,
    since: time,
    node: 'node-1',
    points: 6,
    stats: {
      sent: 1200,
      batches: 20,
      failed: 1,
      behind: 0,
      lost: 0,
      skipped: 0,
      outages: 1,
      reconnects: 1,
      lastError: null,
      lastErrorAt: null,
      lastSentAt: time,
      sentUpTo: time,
    },
  };
}
