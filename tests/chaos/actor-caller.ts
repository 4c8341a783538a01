import { createInterface } from 'node:readline';
import { connectBus } from '../../bus/connection.js';
import { Caller } from '../../actors/runtime/caller.js';
import { countedActors } from './actors-kind.js';

/** What the caller process has seen when it ends. */
export interface CallerReport {
  /** Commands of each actor that were acknowledged, by its id: `id-0` … `id-(n−1)`. */
  readonly acknowledged: Readonly<Record<string, number>>;
  /** Answers that were not what the acknowledged commands add up to. */
  readonly wrong: readonly string[];
  /** Commands that had to be sent again. */
  readonly repeated: number;
  /** The longest time from the first sending of a command to its acknowledgement, ms. */
  readonly longestMs: number;
}

/**
 * Sends commands to the first actors, one after the other to each, all actors side by side, until its input ends:
 * `actor-caller.js <NATS url> <number of actors>`. Every command adds one and has an id; one without an answer is sent
 * again with the same id until it has one. Of four, three are queued (`tell`) and the fourth is asked (`ask`), whose
 * answer must be the sum. Prints `sending`, and at the end a CallerReport.
 */
const [url = '', count = '0'] = process.argv.slice(2);
const bus = await connectBus({ servers: [url], name: 'caller', ensureStreams: false });
const caller = new Caller(bus);
const acknowledged: Record<string, number> = {};
const wrong: string[] = [];
let [going, repeated, longestMs] = [true, 0, 0];

async function untilDone<T>(send: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  for (;;) {
    try {
      const answer = await send();
      longestMs = Math.max(longestMs, performance.now() - begun);
      return answer;
    } catch {
      repeated += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const callers = countedActors(Number(count)).map(async (to) => {
  for (let sent = 0; going || sent % 4 !== 0; sent++) {
    const command = { type: 'add', by: 1 };
    const commandId = `${to.id}-${sent}`;
    if (sent % 4 !== 3) await untilDone(() => caller.tell(to, command, { commandId }));
    else {
      const total = await untilDone(() => caller.ask(to, command, { commandId, deadline: 2_000 }));
      if (total !== sent + 1) wrong.push(`${commandId}: ${JSON.stringify(total)}`);
      acknowledged[to.id] = sent + 1;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
});
console.log('sending');
await new Promise((resolve) => createInterface({ input: process.stdin }).once('close', resolve));
going = false;
await Promise.all(callers);
const report: CallerReport = { acknowledged, wrong, repeated, longestMs: Math.round(longestMs) };
console.log(JSON.stringify(report));
caller.close();
await bus.close();
