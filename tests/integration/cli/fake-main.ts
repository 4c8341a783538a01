// The CLI as a process of its own, on a site in memory that moves every 10 ms. Started by process.test.ts.
import { runProcess } from '../../../cli/process.js';
import { loadSite } from '../../../site/config/index.js';
import { FakeClient } from '../../support/fake-client.js';

await runProcess({
  connect: () => {
    const client = new FakeClient();
    const timer = setInterval(() => client.tick(), 10);
    client.close = () => Promise.resolve(clearInterval(timer));
    return Promise.resolve(client);
  },
  check: loadSite,
  startNode: () => Promise.reject(new Error('not here')),
});
