import { createServer } from 'node:net';
import { StatewattError } from '../errors/error.js';

/**
 * Where free ports are looked for: below those that a system gives to outgoing connections (Linux from 32768, others from
 * 49152), so that none of these takes a port between the look and its use.
 */
const FIRST = 20_000;
const LAST = 31_999;
const TRIES = 100;

/** Those that this process was given lately: whoever has one may not listen yet. */
const given: number[] = [];
const REMEMBERED = 1_000;

/**
 * A TCP port of 127.0.0.1 that nobody listens on.
 *
 * @throws `process.no_free_port` when a hundred ports taken at random are all in use
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if (given.includes(port) || !(await isFree(port))) continue;
    given.push(port);
    if (given.length > REMEMBERED) given.shift();
    return port;
  }
  throw new StatewattError(
    'process.no_free_port',
    'unavailable',
    `no free port among ${TRIES} from ${FIRST} to ${LAST} on 127.0.0.1; name one that is free`,
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
