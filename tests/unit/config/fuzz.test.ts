import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ConfigError } from '../../../site/config/problems.js';
import { loadFiles } from '../../support/config.js';

/** Whatever the files hold: a site, or a ConfigError whose problems all point into a line of a file. */
async function loads(files: Record<string, string | Uint8Array>): Promise<boolean> {
  try {
    const site = await loadFiles(files);
    for (const channel of site.channels) {
      if (channel.protocol === 'modbus') assert.equal(channel.mappings.length, channel.points.length);
    }
    return true;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    assert.ok(error.problems.length > 0);
    for (const { line, column, message } of error.problems) {
      assert.ok(line >= 0 && column >= 0 && message.length > 0);
      assert.equal(line === 0, column === 0);
    }
    return false;
  }
}

const KEYS = [
  'channels',
  'id',
  'protocol',
  'address',
  'points',
  'tables',
  'simulation',
  'patterns',
  'type',
  'site_model',
];
const VALUES = [0, 1, -1, 1e300, 'modbus', 'virtual', 'tcp', 'sine', 't', '', null, true, [], {}, 'a:502'];
const COLUMNS = ['point_id', 'signal_name', 'slave_id', 'function_code', 'register_address', 'data_type', 'byte_order'];
const FIELDS = [
  '',
  '1',
  '2',
  '0',
  '-1',
  '3',
  '40001',
  '65535',
  'float',
  'uint16',
  'string',
  'ABCD',
  '"',
  '"a,b"',
  ' x ',
  '#',
];

const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(...VALUES),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...KEYS), fc.string()), tie('value'), { maxKeys: 5 }),
  ),
})).value;
const csv = fc
  .array(fc.array(fc.oneof(fc.constantFrom(...FIELDS, ...COLUMNS), fc.string()), { maxLength: 8 }), { maxLength: 8 })
  .map((rows) => rows.map((row) => row.join(',')).join('\n'));
const table = (header: string) =>
  fc.oneof(
    csv,
    csv.map((rows) => `${header}\n${rows}`),
    fc.string(),
  );

const MODBUS = 'channels: [{ id: 1, protocol: modbus, address: a, tables: t }]\n';
const RUNS = { numRuns: 300 };

describe('loadSite, whatever it is given', () => {
  it('throws nothing but ConfigError for any text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array()), async (text) => {
        await loads({ 'site.yaml': text });
      }),
      RUNS,
    );
  });

  it('throws nothing but ConfigError for any YAML', async () => {
    await fc.assert(
      fc.asyncProperty(value, value, async (channel, rest) => {
        await loads({ 'site.yaml': JSON.stringify(rest) });
        await loads({ 'site.yaml': JSON.stringify({ channels: [channel] }) });
        const valid = { id: 1, protocol: 'virtual', ...(channel as object) };
        await loads({ 'site.yaml': JSON.stringify({ channels: [valid, valid] }) });
      }),
      RUNS,
    );
  });

  it('throws nothing but ConfigError for any tables', async () => {
    const point = table('point_id,signal_name,data_type,scale,min,max');
    const mapping = table(COLUMNS.filter((name) => name !== 'signal_name').join(','));
    await fc.assert(
      fc.asyncProperty(point, mapping, point, mapping, async (telemetry, telemetryMap, control, controlMap) => {
        await loads({
          'site.yaml': MODBUS,
          't/telemetry.csv': telemetry,
          't/mapping/telemetry_mapping.csv': telemetryMap,
          't/control.csv': control,
          't/mapping/control_mapping.csv': controlMap,
        });
      }),
      RUNS,
    );
  });

  it('loads every table that is right', async () => {
    const types = { uint16: 1, int32: 2, float32: 2, float64: 4, bcd16: 1 };
    const row = fc.record({
      type: fc.constantFrom(...(Object.keys(types) as (keyof typeof types)[])),
      code: fc.constantFrom(3, 4),
      address: fc.integer({ min: 0, max: 65532 }),
      scale: fc.double({ noNaN: true, noDefaultInfinity: true }).filter((scale) => scale !== 0),
      name: fc.string({ minLength: 1 }).filter((name) => name.trim() !== ''),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
        const points = rows.map(
          ({ name, type, scale }, index) => `${index + 1},"${name.replaceAll('"', '""')}",${type},${scale}`,
        );
        const mappings = rows.map(({ code, address }, index) => `${index + 1},${code},${address}`);
        assert.ok(
          await loads({
            'site.yaml': MODBUS,
            't/telemetry.csv': `point_id,signal_name,data_type,scale\n${points.join('\n')}`,
            't/mapping/telemetry_mapping.csv': `point_id,function_code,register_address\n${mappings.join('\n')}`,
          }),
        );
      }),
      { numRuns: 100 },
    );
  });
});
