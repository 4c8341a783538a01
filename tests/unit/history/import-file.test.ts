import assert from 'node:assert/strict';
import { importFile, type ImportFormat } from '../../../actors/client/import-file.js';
import { MAX_IMPORT_ROWS } from '../../../actors/client/archive-schemas.js';
import { FakeArchive } from '../../support/fake-archive.js';

const TIME = Date.UTC(2026, 4, 1, 12);

/** The text in pieces of a few bytes, as a slow sender has it. */
async function* inPieces(text: string, size = 7): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('import of a file', () => {
  let archive: FakeArchive;
  beforeEach(() => {
    archive = new FakeArchive(TIME);
  });
  const take = (text: string, format: ImportFormat = 'csv', size?: number) =>
    importFile(archive, inPieces(text, size), format);
  const rows = () => [...archive.imported.values()];

  it('reads CSV with addresses, times with an offset, texts and qualities', async () => {
    const summary = await take(
      '\uFEFFAddress,Time,Value,Quality\r\n' +
        'comsrv:1001:T:1,2026-05-01T12:00:00Z,1.5,good\r\n' +
        '1001:T:1,2026-05-01 14:00:01.5+02:00,-2e3,\r\n' +
        '\r\n' +
        '1001:S:2,1777636802000,"open, ""half""",stale\r\n' +
        '1001:T:1,1777636803000,,bad\r\n',
    );
    assert.deepEqual(summary, { rows: 4, stored: 4, replaced: 0, measured: 0, refused: 0, problems: [] });
    assert.deepEqual(rows(), [
      { channel: 1001, kind: 'T', id: 1, time: TIME, value: 1.5, quality: 'good' },
      { channel: 1001, kind: 'T', id: 1, time: TIME + 1_500, value: -2_000 },
      { channel: 1001, kind: 'S', id: 2, time: TIME + 2_000, value: 'open, "half"', quality: 'stale' },
      { channel: 1001, kind: 'T', id: 1, time: TIME + 3_000, value: null, quality: 'bad' },
    ]);
  });

  it('reads what an export wrote, and names as VoltageEMS has them', async () => {
    await take(
      'channel,kind,point,time,value,text,quality\n7,"T",1,"2026-05-01T12:00:00.000Z",1.5,,"good"\n7,"T",2,"2026-05-01T12:00:00.000Z",,"12","good"\n',
    );
    await take('channel_id,point_id,timestamp,value\n7,3,1777636800000,4\n');
    assert.deepEqual(
      rows().map((row) => 'kind' in row && [row.kind, row.id, row.value]),
      [
        ['T', 1, 1.5],
        ['T', 2, '12'],
        ['T', 3, 4],
      ],
    );
  });

  it('reads values of points of models', async () => {
    await take(`address,time,value\nmodel:roof:power,${TIME},1.5\n1001:T:1,${TIME},2\n`);
    await take(`{"address": "model:roof:power", "time": ${TIME + 1}, "value": 3}\n`, 'ndjson');
    assert.deepEqual(rows(), [
      { model: 'roof', point: 'power', time: TIME, value: 1.5 },
      { channel: 1001, kind: 'T', id: 1, time: TIME, value: 2 },
      { model: 'roof', point: 'power', time: TIME + 1, value: 3 },
    ]);
    const wrong = await take(`address,time,value\nmodel:roof:,${TIME},1\n`);
    assert.match(wrong.problems[0]?.problem ?? '', /"model:roof:" is no point; allowed: .* or model:<id>:<point>$/);
  });

  it('reads NDJSON, its last line without an end too', async () => {
    const summary = await take(
      `{"address": "1001:T:1", "time": ${TIME}, "value": 1}\n\n{"channel": 1001, "kind": "S", "point": 2, "time": "2026-05-01T12:00:00Z", "value": true, "quality": "good"}`,
      'ndjson',
    );
    assert.equal(summary.stored, 2);
    assert.deepEqual(
      rows().map((row) => 'kind' in row && [row.kind, row.value]),
      [
        ['T', 1],
        ['S', 1],
      ],
    );
  });

  it('tells what is wrong by line, and takes the rest', async () => {
    const summary = await take(
      'address,time,value,quality\n' + // 1
        '1001:T:1,2026-05-01T12:00:00Z,1,good\n' +
        'nowhere,2026-05-01T12:00:00Z,1,good\n' + // 3
        '1001:T:1,yesterday,1,good\n' +
        '1001:T:1,2026-05-01T12:00:00,1,good\n' + // 5: no offset
        '1001:T:1,2026-05-01T12:00:01Z,1,fine\n' +
        '1001:T:1,2026-05-01T12:00:02Z,1,good,more\n' + // 7
        '9001:T:1,2026-05-01T12:00:03Z,1,good\n' + // 8: what the site refuses
        '1001:T:1,2026-05-01T12:00:04Z,1e999,good\n' +
        '1001:T:1,2026-05-01T12:00:05Z,2,good\n',
    );
    assert.deepEqual([summary.rows, summary.stored, summary.refused], [9, 2, 7]);
    assert.deepEqual(
      summary.problems.map(({ line }) => line).sort((a, b) => a - b),
      [3, 4, 5, 6, 7, 8, 9],
    );
    assert.match(
      summary.problems.find(({ line }) => line === 4)?.problem ?? '',
      /time is "yesterday"; allowed: ISO 8601/,
    );
    const json = await take(
      '{"time": 1}\nno json\n[1]\n{"address":"1001:T:1","time":1,"value":1,"extra":2}\n',
      'ndjson',
    );
    assert.deepEqual(
      json.problems.map(({ line }) => line),
      [1, 2, 3, 4],
    );
    assert.equal(json.stored, 0);
  });

  it('counts what it does not tell', async () => {
    const summary = await take(`address,time,value\n${'x,1,1\n'.repeat(150)}`, 'csv', 1_000);
    assert.deepEqual([summary.refused, summary.problems.length], [150, 100]);
  });

  it('sends bounded batches, each line with its number', async () => {
    const count = MAX_IMPORT_ROWS * 2 + 10;
    const lines = Array.from(
      { length: count },
      (_, index) => `${index === count - 1 ? 9001 : 1001}:T:1,${TIME + index},${index}`,
    );
    const summary = await take(`address,time,value\n${lines.join('\n')}\n`, 'csv', 4_096);
    assert.equal(summary.stored, count - 1);
    assert.deepEqual(summary.problems, [{ line: count + 1, problem: 'there is no channel 9001' }]);
  });

  it('refuses what is no such file', async () => {
    await assert.rejects(take('a,b,c\n1,2,3\n'), { code: 'history.invalid_file' });
    await assert.rejects(take('address,time\n1001:T:1,1\n'), /the first line names "address", "time"; wanted/);
    await assert.rejects(take('x'.repeat(100_000), 'ndjson', 10_000), { code: 'history.invalid_file' });
    const endless = await take(`address,time,value\n"${'x'.repeat(100_000)}`, 'csv', 10_000);
    assert.equal(endless.stored, 0);
    assert.ok(endless.refused > 0);
    assert.deepEqual(await take(''), { rows: 0, stored: 0, replaced: 0, measured: 0, refused: 0, problems: [] });
  });

  it('passes on what the sender’s failure and the history’s say', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('address,time,value\n');
      throw new Error('gone');
    }
    await assert.rejects(importFile(archive, broken(), 'csv'), /gone/);
    archive.import = () => Promise.reject(new Error('away'));
    await assert.rejects(take('address,time,value\n1001:T:1,1,1\n'), /away/);
  });
});
