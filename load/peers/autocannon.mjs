// A load of HTTP requests from a process of its own: `node autocannon.mjs <URL> <connections> <seconds>`.
// Prints what came of it, as JSON; times in milliseconds.
import autocannon from 'autocannon';

const [url, connections, seconds] = process.argv.slice(2);
const load = { url, connections: Number(connections) };
await autocannon({ ...load, duration: 1 });
const { requests, latency, errors, timeouts, non2xx, duration } = await autocannon({
  ...load,
  duration: Number(seconds),
});
console.log(
  JSON.stringify({
    rate: requests.total / duration,
    requests: requests.total,
    p50Ms: latency.p50,
    p97Ms: latency.p97_5,
    p99Ms: latency.p99,
    failed: errors + timeouts + non2xx,
  }),
);
