import { join } from 'node:path';
import { connectBus, type Bus } from '../../bus/connection.js';
import { startEmbeddedServer, type EmbeddedServer } from '../../bus/server.js';
import { tempFolder } from './temp.js';

export interface TestNats {
  readonly server: EmbeddedServer;
  readonly url: string;
  /** A connection that `stop` closes. */
  connect(name?: string): Promise<Bus>;
  stop(): Promise<void>;
}

/** A real nats-server on a free port with a folder of its own. */
export async function startNats({ strict = false } = {}): Promise<TestNats> {
  const folder = await tempFolder();
  const server = await startEmbeddedServer({ dataFolder: join(folder.path, 'nats'), port: 0, strict });
  const buses: Bus[] = [];
  return {
    server,
    url: server.url,
    async connect(name = 'test') {
      const bus = await connectBus({ servers: [server.url], name });
      buses.push(bus);
      return bus;
    },
    async stop() {
      for (const bus of buses) if (bus.status !== 'closed') await bus.close();
      // It takes its time to stop in order, 10 ms for each consumer, and nobody wants its data any longer.
      await server.child.stop(0);
      await folder.remove();
    },
  };
}
