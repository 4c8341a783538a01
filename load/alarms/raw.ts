import { connectBus } from '../../bus/connection.js';
import { headers as createHeaders, nuid } from '@nats-io/transport-node';

const BATCH = 200;
const SUBJECTS = 10_000;

/**
 * Writes entries in atomic batches, each fenced by the sequence of the one before it on its subject, one batch after the
 * other; answers entries a second.
 */
export async function writeRaw(
  natsUrl: string,
  { entries, bytes }: { entries: number; bytes: number },
): Promise<number> {
  const { nats, manager, close } = await connect(natsUrl);
  await manager.streams.add({ name: 'RAW', subjects: ['raw.*'], allow_atomic: true, allow_direct: true });
  const payload = new Uint8Array(bytes).fill(120);
  const last = new Map<number, number>();
  const from = performance.now();
  for (let written = 0; written < entries; written += BATCH) {
    const id = nuid.next();
    const size = Math.min(BATCH, entries - written);
    let answer: Promise<{ json<T>(): T }> | undefined;
    for (let index = 0; index < size; index++) {
      const subject = (written + index) % SUBJECTS;
      const headers = createHeaders();
      headers.set('Nats-Expected-Last-Subject-Sequence', String(last.get(subject) ?? 0));
      headers.set('Nats-Batch-Id', id);
      headers.set('Nats-Batch-Sequence', String(index + 1));
      if (index < size - 1) nats.publish(`raw.${subject}`, payload, { headers });
      else {
        headers.set('Nats-Batch-Commit', '1');
        answer = nats.request(`raw.${subject}`, payload, { headers, timeout: 10_000 });
      }
    }
    const { seq, error } = (await answer)?.json<{ seq: number; error?: { description: string } }>() ?? { seq: 0 };
    if (error !== undefined) throw new Error(error.description);
    for (let index = 0; index < size; index++) last.set((written + index) % SUBJECTS, seq - size + 1 + index);
  }
  const rate = (entries / (performance.now() - from)) * 1_000;
  await manager.streams.delete('RAW');
  await close();
  return rate;
}

async function connect(natsUrl: string) {
  const bus = await connectBus({ servers: [natsUrl], name: 'raw' });
  return { nats: bus.nats, manager: bus.manager, close: () => bus.close() };
}
