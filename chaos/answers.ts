import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const AGAIN_MS = 20;

/** Resolves as soon as something listens on a port of this machine. @returns false: not within `ms` */
export async function listens(port: number, ms: number): Promise<boolean> {
  for (const end = performance.now() + ms; performance.now() < end; await sleep(AGAIN_MS)) {
    if (await takesConnection(port)) return true;
  }
  return false;
}

function takesConnection(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (taken: boolean) => () => {
      socket.destroy();
      resolve(taken);
    };
    socket.once('connect', end(true)).once('error', end(false));
  });
}
