import { readFileSync, readlinkSync } from 'node:fs';

/** Where a process runs, so that others on the same machine can see whether it still does. */
export interface Whereabouts {
  /** The running machine and what its processes are counted in: the same for those that see each other's. */
  readonly host: string;
  readonly pid: number;
  /** Start of the process in ticks of the machine: a later process with the same number has another. */
  readonly startedAt: string;
}

/** Of this process; undefined where the system does not tell (it needs Linux's /proc). */
export function whereabouts(): Whereabouts | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const own = readProcess(process.pid);
    if (own === undefined) return undefined;
    return { host: `${boot} ${readlinkSync('/proc/self/ns/pid')}`, pid: process.pid, startedAt: own.startedAt };
  } catch {
    return undefined; // Another system, or one that hides it.
  }
}

/**
 * What is seen of a process from here: it runs, or waits for its turn to; it is stopped (SIGSTOP, a debugger); it is not
 * there, which says nothing of one on another machine.
 */
export function lookAt({ pid, startedAt }: Whereabouts): 'runs' | 'stopped' | 'gone' {
  const found = readProcess(pid);
  return found === undefined || found.startedAt !== startedAt ? 'gone' : found.state;
}

/** See proc_pid_stat(5): behind the name in brackets come the fields from the third on. */
function readProcess(
  pid: number,
): { readonly state: 'runs' | 'stopped' | 'gone'; readonly startedAt: string } | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined; // There is no such process.
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = '', threads = 0, startedAt = ''] = [fields[0], Number(fields[17]), fields[19]];
  // Its first thread has ended while others still do: then it is not over.
  const ended = 'ZX'.includes(state) && threads <= 1;
  const stopped = 'Tt'.includes(state);
  return { state: ended ? 'gone' : stopped ? 'stopped' : 'runs', startedAt };
}
