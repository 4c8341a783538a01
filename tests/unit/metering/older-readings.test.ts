import assert from 'node:assert/strict';
import { olderReadings, type ReadingArchive } from '../../../actors/meter/older-readings.js';
import { parseReading } from '../../../actors/meter/reading-form.js';
import type { LedgerRow } from '../../../site/minting/ledger.js';
import { mintItem } from '../../support/minting.js';
import { SigningMeter } from '../../support/signed-readings.js';

describe('readings that their meter remembers no more', () => {
  const readings = [1, 2, 3, 4, 5].map((sequence) => {
    const { start, end } = mintItem(1, sequence);
    const meter = new SigningMeter('METER_1', start);
    return parseReading(meter.sign({ ...meter.next('1'), start, end, sequence }));
  });
  const rows = (more: Partial<LedgerRow> = {}): LedgerRow[] =>
    (['minted', 'held', 'refused'] as const).map((status, index) => ({
      ...mintItem(1, index + 1),
      ...{ status, batch: '', signature: '', since: 1, ...more },
    }));
  const ask = async (archive: Partial<ReadingArchive>) => {
    const found = await olderReadings(
      { rows: () => Promise.resolve(rows()), last: () => Promise.resolve(4), ...archive },
      'METER_1',
      readings,
    );
    return readings.map(({ sequence }) => found.get(sequence));
  };

  it('get their first verdict, and those that were never taken none', async () => {
    const [minted, held, refused, never, later] = await ask({});
    const name = { meter: 'METER_1', duplicate: true };
    assert.deepEqual(minted, { ...name, sequence: 1, verdict: 'accepted', tokens: '1000000000' });
    assert.deepEqual(held, { ...name, sequence: 2, verdict: 'held', tokens: '1000000000' });
    assert.deepEqual(refused, { ...name, sequence: 3, verdict: 'refused' });
    assert.equal(never, undefined);
    assert.deepEqual([later?.verdict, later?.code], ['failed', 'ledger.behind']);
  });

  it('are a conflict when another reading had the sequence', async () => {
    for (const other of [{ start: 1 }, { end: 9 }, { energy: '1000000001' }]) {
      const [first] = await ask({ rows: () => Promise.resolve(rows(other)) });
      assert.deepEqual([first?.verdict, first?.code], ['rejected', 'readings.conflict']);
    }
  });

  it('are not known while the ledger is away, or empty', async () => {
    const away = await ask({ last: () => Promise.reject(new Error('away')) });
    assert.deepEqual(new Set(away.map((each) => each?.verdict)), new Set(['failed']));
    const empty = await ask({ last: () => Promise.resolve(undefined), rows: () => Promise.resolve([]) });
    assert.deepEqual(new Set(empty.map((each) => each?.code)), new Set(['ledger.behind']));
  });
});
