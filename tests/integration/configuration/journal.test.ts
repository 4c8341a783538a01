import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createConfigurationKind } from '../../../actors/configuration.js';
import { createSystem, type ActorSystem } from '../../../actors/runtime/system.js';
import type { Bus } from '../../../bus/connection.js';
import { STREAM } from '../../../bus/streams.js';
import { ConfigurationJournal } from '../../../node/configuration/journal.js';
import { StatewattError } from '../../../errors/error.js';
import { makeSources, type Sources } from '../../../site/config/versions/sources.js';
import { keepLog } from '../../support/node.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

describe('the journal of configurations', () => {
  let server: TestNats;
  let bus: Bus;
  const systems: ActorSystem[] = [];
  const journals: ConfigurationJournal[] = [];

  const join = async (node: string): Promise<ConfigurationJournal> => {
    const own = await server.connect(node);
    const kind = createConfigurationKind(own);
    const system = createSystem({ bus: own, kinds: [kind], node });
    await system.start();
    systems.push(system);
    const { log } = keepLog();
    const journal = new ConfigurationJournal({ system: () => system, bus: own, kind, node, keep: () => 2, log });
    journals.push(journal);
    return journal;
  };
  const site = (text: string | Buffer): Sources =>
    makeSources('/site', [{ path: 'site.yaml', bytes: Buffer.from(text) }]);
  const edit = (text: string | Buffer) => ({ sources: site(text), cause: 'edit' as const, summary: () => 'an edit' });
  const kept = async (): Promise<number> => (await bus.manager.streams.info(STREAM.configurations)).state.messages;

  before(async () => {
    server = await startNats();
    bus = await server.connect();
    await join('node-1');
    await join('node-2');
  });
  after(async () => {
    for (const journal of journals) journal.stop();
    for (const system of systems) await system.stop();
    await server.stop();
  });

  it('is one for all nodes: what several have in force is one entry', async () => {
    const entries = await Promise.all(journals.map((journal) => journal.record(edit('a: 1\n'))));
    assert.deepEqual(
      entries.map(({ number, hash }) => [number, hash]),
      [0, 1].map(() => [1, site('a: 1\n').hash]),
    );
    const [, second] = journals as [ConfigurationJournal, ConfigurationJournal];
    assert.deepEqual(
      (await second.files(await second.entry(1))).map(({ path, text }) => [path, text]),
      [['site.yaml', 'a: 1\n']],
    );
  });

  it('keeps files of many pieces, and those that are no text, as they were', async () => {
    const [first] = journals as [ConfigurationJournal];
    const bytes = randomBytes(1_200_000);
    const entry = await first.record(edit(bytes));
    assert.ok(entry.pieces > 2, `${entry.pieces} pieces`);
    const [file] = await first.files(entry);
    assert.ok(Buffer.from(file?.text ?? '', file?.encoding).equals(bytes));
  });

  it('removes the files of those that are not kept any more', async () => {
    const [first] = journals as [ConfigurationJournal];
    assert.ok((await kept()) > 3);
    await first.record(edit('b: 1\n'));
    await first.record(edit('c: 1\n'));
    await eventually(async () => ((await kept()) === 2 ? true : undefined), {
      what: 'two configurations of one piece',
    });
    await assert.rejects(first.entry(1), { code: 'config.not_found' });
    assert.equal((await first.files(await first.entry(4)))[0]?.text, 'c: 1\n');
  });

  it('goes on without the files when there is no room for them', async () => {
    const [first] = journals as [ConfigurationJournal];
    const { config } = await bus.manager.streams.info(STREAM.configurations);
    await bus.manager.streams.update(STREAM.configurations, { ...config, max_bytes: 2_048 });
    const entry = await first.record(edit(randomBytes(4_000)));
    assert.deepEqual([entry.number, entry.pieces], [5, 0]);
    await assert.rejects(first.files(entry), { code: 'config.text_missing' });
  });

  it('waits as long as the journal cannot be reached, and not beyond the end of its node', async () => {
    let tries = 0;
    const away = new ConfigurationJournal({
      system: () => {
        tries += 1;
        throw new StatewattError('bus.unavailable', 'unavailable', 'away');
      },
      ...{ bus, kind: createConfigurationKind(bus), node: 'node-3', keep: () => 2, log: keepLog().log },
    });
    const waiting = away.recordInTime(edit('d: 1\n'));
    await eventually(() => (tries >= 2 ? true : undefined));
    away.stop();
    assert.equal(await waiting, undefined);
  });
});
