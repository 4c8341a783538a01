import { readFile, readdir } from 'node:fs/promises';

/** Clock ticks a second in /proc/<pid>/stat (USER_HZ, 100 on every Linux that Node runs on). */
const TICKS = 100;

/** What a process has used so far. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly residentMb: number;
}

/** CPU and memory of a process; zeros when it has ended. Linux only. */
export async function usageOf(pid: number): Promise<Usage> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / TICKS;
    return { cpuSeconds, residentMb: (Number(fields[21]) * 4096) / 1024 ** 2 };
  } catch {
    return { cpuSeconds: 0, residentMb: 0 };
  }
}

/** Every descendant of a process with its command, parents first. */
export async function descendants(pid: number): Promise<{ pid: number; command: string }[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    if (stat !== '') parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const found: { pid: number; command: string }[] = [];
  const visit = async (parent: number): Promise<void> => {
    for (const [child, of] of parents) {
      if (of !== parent) continue;
      const command = await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '');
      found.push({ pid: child, command: command.replaceAll('\0', ' ').trim() });
      await visit(child);
    }
  };
  await visit(pid);
  return found;
}
