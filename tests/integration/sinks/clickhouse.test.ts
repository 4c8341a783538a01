import assert from 'node:assert/strict';
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { clickhouseSink } from '../../../actors/sinks/clickhouse.js';
import { startTestEngine, type TestEngine } from '../history/engine.js';
import type { Note } from '../../support/notifier.js';
import { PATIENT, startSinkBed, type SinkBed } from '../../support/sinks.js';
import { openLink, type Link } from '../../support/link.js';

describe('clickhouseSink', function () {
  this.timeout(120_000);
  let engine: TestEngine;
  let link: Link;
  let client: ClickHouseClient;
  /** The sink's own connections, whose line can be cut. */
  let out: ClickHouseClient;
  let bed: SinkBed;

  before(async () => {
    engine = await startTestEngine();
    const url = new URL(engine.engine.url);
    link = await openLink(Number(url.port));
    url.host = link.address;
    client = engine.client('default');
    out = createClient({ url: url.href, log: { level: ClickHouseLogLevel.OFF }, request_timeout: 5_000 });
    const columns = '(actor String, text String) ENGINE = MergeTree ORDER BY actor';
    const settings = 'SETTINGS non_replicated_deduplication_window = 1000';
    await client.command({ query: `CREATE TABLE notes ${columns} ${settings}` });
    await client.command({ query: `CREATE TABLE forgetful ${columns}` });
  });
  after(async () => {
    await out.close();
    await link.close();
    await engine.stop();
  });
  afterEach(() => bed.stop());

  async function texts(table: string): Promise<string[]> {
    const result = await client.query({ query: `SELECT text FROM ${table} ORDER BY text`, format: 'JSONEachRow' });
    return (await result.json<{ text: string }>()).map(({ text }) => text);
  }
  const rows = ({ text }: Note) => (text === 'none' ? [] : ['a', 'b'].map((each) => ({ actor: each, text })));

  it('inserts each effect once, though the line is cut and answers are lost', async () => {
    let inserts = 0;
    const lossy: Pick<ClickHouseClient, 'insert' | 'query'> = {
      query: (params) => out.query(params),
      insert: async (params) => {
        const result = await out.insert(params);
        if (++inserts % 5 === 0) throw new Error('the answer was lost');
        return result;
      },
    };
    bed = await startSinkBed(() => clickhouseSink<Note>({ client: lossy, table: 'notes', rows, policy: PATIENT }));
    const expected: string[] = [];
    for (let each = 0; each < 40; each++) {
      const text = each % 10 === 9 ? 'same' : `t${String(each).padStart(2, '0')}`;
      expected.push(text, text);
      await bed.note(String(each % 3), text);
      if (each === 15) link.shut();
      if (each === 30) link.open();
    }
    await bed.note('0', 'none');
    await bed.settled();
    assert.deepEqual(await texts('notes'), expected.sort());
    assert.ok(inserts > 40);
    assert.deepEqual(await bed.system.deadLetters.list(), []);
  });

  const wrong = () => [{ no_such_column: 1 }];
  for (const [what, table, given, message] of [
    ['a table that would not know a repeated insert', 'forgetful', rows, /forgetful would not know a repeated insert/],
    ['a table that is not there', 'default.missing', rows, /there is no table default\.missing/],
    ['columns that the table does not have', 'default.notes', wrong, /no_such_column/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      bed = await startSinkBed(() => clickhouseSink<Note>({ client: out, table, rows: given, policy: PATIENT }));
      await bed.note('a', 'x');
      await bed.settled();
      const [stored] = await bed.system.deadLetters.list();
      assert.equal(stored?.letter.error.code, 'effects.refused');
      assert.match(stored.letter.error.message, message);
      assert.deepEqual(await texts('forgetful'), []);
    });
  }
});
