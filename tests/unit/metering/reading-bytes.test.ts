import assert from 'node:assert/strict';
import { createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { StatewattError } from '../../../errors/error.js';
import { MAX_READING_ENERGY, readingBytes, type MeterReading } from '../../../site/metering/reading-bytes.js';

const meters = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/);
const count = fc.maxSafeNat();
const readings: fc.Arbitrary<MeterReading> = fc
  .record({
    meter: meters,
    start: fc.integer({ min: 0, max: 2 ** 52 }),
    length: fc.integer({ min: 1, max: 2 ** 31 }),
    energy: fc.bigInt({ min: 0n, max: MAX_READING_ENERGY }),
    sequence: count,
  })
  .map(({ length, ...reading }) => ({ ...reading, end: reading.start + length }));

describe('Bytes of a reading', () => {
  it('are those of the documented vectors, and so is their signature', () => {
    const vectors = documentedVectors();
    assert.equal(vectors.length, 3);
    const key = createPrivateKey({
      key: Buffer.from(
        `302e020100300506032b6570042204209d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60`,
        'hex',
      ),
      format: 'der',
      type: 'pkcs8',
    });
    for (const { reading, bytes, signature } of vectors) {
      assert.equal(Buffer.from(readingBytes(reading)).toString('hex'), bytes);
      assert.equal(sign(null, readingBytes(reading), key).toString('hex'), signature);
    }
  });

  it('are seven lines of ASCII', () => {
    const reading = { meter: 'METER_001', start: 1, end: 2, energy: 3n, sequence: 4 };
    assert.equal(
      Buffer.from(readingBytes(reading)).toString('latin1'),
      'statewatt:meter-reading\n1\nMETER_001\n1\n2\n3\n4\n',
    );
  });

  it('differ when the readings differ', () => {
    fc.assert(
      fc.property(readings, readings, (one, other) => {
        const same = JSON.stringify(plain(one)) === JSON.stringify(plain(other));
        assert.equal(Buffer.compare(readingBytes(one), readingBytes(other)) === 0, same);
      }),
    );
  });

  it('are refused for what has no canonical form', () => {
    const good: MeterReading = { meter: 'M1', start: 0, end: 1, energy: 0n, sequence: 0 };
    assert.ok(readingBytes(good).length > 0);
    const bad: [keyof MeterReading, MeterReading[keyof MeterReading]][] = [
      ['meter', ''],
      ['meter', 'a\nb'],
      ['meter', 'a b'],
      ['meter', '-a'],
      ['meter', 'ä'],
      ['meter', 'm'.repeat(65)],
      ['start', -1],
      ['start', 0.5],
      ['start', NaN],
      ['end', 0],
      ['end', Infinity],
      ['end', 2 ** 53],
      ['energy', -1n],
      ['energy', MAX_READING_ENERGY + 1n],
      ['sequence', -1],
      ['sequence', 1e300],
    ];
    for (const [field, value] of bad) {
      assert.throws(
        () => readingBytes({ ...good, [field]: value }),
        (error) =>
          error instanceof StatewattError && error.code === 'readings.invalid' && error.details?.field === field,
        `${field}: ${String(value)}`,
      );
    }
  });
});

function plain(reading: MeterReading): unknown[] {
  return [reading.meter, reading.start, reading.end, String(reading.energy), reading.sequence];
}

/** The rows of the table of vectors in docs/readings.md. */
function documentedVectors(): { reading: MeterReading; bytes: string; signature: string }[] {
  const text = readFileSync(resolve('docs/readings.md'), 'utf8');
  const block = /```json\n([^`]*)```/.exec(text);
  assert.ok(block?.[1]);
  const rows = JSON.parse(block[1]) as (Omit<MeterReading, 'energy'> & {
    energy: string;
    bytes: string;
    signature: string;
  })[];
  return rows.map(({ bytes, signature, energy, ...reading }) => ({
    reading: { ...reading, energy: BigInt(energy) },
    bytes,
    signature,
  }));
}
