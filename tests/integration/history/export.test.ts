import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExportQuery, HistoryStore, ImportedRow } from '../../../protocols/clickhouse/types.js';
import { eventually } from '../../support/temp.js';
import { startTestEngine, type TestEngine } from './engine.js';
import { frame, frames, TODAY } from './frames.js';

const T1 = { channel: 7, kind: 'T', id: 1 } as const;
const FROM = TODAY - 86_400_000;

describe('history export', function () {
  this.timeout(60_000);
  let test: TestEngine;
  let store: HistoryStore;
  before(async () => {
    test = await startTestEngine();
    store = await test.store('export');
    await store.insert({
      token: 'live',
      frames: [
        {
          streamSequence: 1,
          frame: frame(7, FROM, [
            { id: 1, value: 1.5 },
            { id: 2, value: 'open, "half"' },
          ]),
        },
        { streamSequence: 2, frame: frame(7, FROM + 60_000, [{ id: 1, value: 2.5, quality: 1 }]) },
      ],
    });
    const row: ImportedRow = { ...T1, time: FROM + 30_000, value: 2, quality: 'good' };
    await store.import([row, { ...row, time: FROM + 90_000, value: null, quality: 'bad' }]);
    await store.insert({ token: 'many', frames: frames({ channels: 2, points: 100, cycles: 2_000, from: FROM }) });
  });
  after(() => test.stop());

  async function whole(query: Partial<ExportQuery>): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    const asked = { points: [T1], from: FROM, to: TODAY, resolution: 'raw', format: 'csv', ...query } as const;
    for await (const piece of store.export(asked, new AbortController().signal)) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  it('is CSV of measured and imported values, texts and qualities', async () => {
    const at = (ms: number) => new Date(FROM + ms).toISOString();
    const text = (await whole({ points: [{ ...T1, id: 2 }, T1] })).toString();
    assert.deepEqual(text.trimEnd().split('\n'), [
      'channel,kind,point,time,value,text,quality',
      `7,"T",1,"${at(0)}",1.5,,"good"`,
      `7,"T",1,"${at(30_000)}",2,,"good"`,
      `7,"T",1,"${at(60_000)}",2.5,,"stale"`,
      `7,"T",1,"${at(90_000)}",,,"bad"`,
      `7,"T",2,"${at(0)}",,"open, ""half""","good"`,
    ]);
    const minutes = (await whole({ resolution: '1m' })).toString();
    assert.deepEqual(minutes.trimEnd().split('\n'), [
      'channel,kind,point,time,avg,min,max,first,last,count,sum',
      `7,"T",1,"${new Date(FROM).toISOString().replace('.000', '')}",1.75,1.5,2,1.5,2,2,3.5`,
    ]);
  });

  it('is one Parquet file, however many blocks it has', async () => {
    const points = Array.from({ length: 100 }, (_, index) => ({ channel: 1, kind: 'T' as const, id: index + 1 }));
    const file = await whole({ points, format: 'parquet' });
    assert.equal(file.subarray(0, 4).toString(), 'PAR1');
    assert.equal(file.subarray(-4).toString(), 'PAR1');
    assert.equal(file.indexOf('PAR1', 4), file.length - 4, 'one end only');
    assert.deepEqual(await readdir(join(test.folder, 'bodies')), [], 'the engine keeps no file');
  });

  it('comes in pieces as they are read, and its reader may go away', async () => {
    const points = [1, 2].flatMap((channel) =>
      Array.from({ length: 100 }, (_, index) => ({ channel, kind: 'T' as const, id: index + 1 })),
    );
    const query = { points, from: FROM, to: TODAY, resolution: 'raw', format: 'csv' } as const;
    let [pieces, lines] = [0, 0];
    for await (const piece of store.export(query, new AbortController().signal)) {
      pieces += 1;
      for (const byte of piece) if (byte === 10) lines += 1;
    }
    assert.equal(lines, 400_001);
    assert.ok(pieces > 20, `${pieces} pieces`);
    // More readers than the engine has places for, which take one piece and go: the next must find a place.
    for (let reader = 0; reader < 4; reader++) {
      for await (const piece of store.export(query, new AbortController().signal)) {
        assert.ok(piece.length > 0);
        break;
      }
    }
    const abort = new AbortController();
    await assert.rejects(async () => {
      for await (const piece of store.export(query, abort.signal)) {
        assert.ok(piece.length > 0);
        abort.abort();
      }
    });
    await eventually(async () => ((await whole({})).length > 0 ? true : undefined));
  });

  it('says what is wrong with a query', async () => {
    await assert.rejects(whole({ points: [] }), { code: 'history.invalid_query' });
    await assert.rejects(whole({ from: TODAY, to: FROM }), { code: 'history.invalid_query' });
  });
});
