import assert from 'node:assert/strict';
import { renderTable, type Column } from '../../../cli/render/table.js';
import {
  displayWidth,
  formatAge,
  formatSpan,
  formatTime,
  formatValue,
  safe,
  safeLines,
  truncate,
} from '../../../cli/render/text.js';
import { actorTone, channelTone, healthTone, paint, qualityTone } from '../../../cli/render/tone.js';

interface Row {
  name: string;
  value: number;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'NAME', value: (row) => row.name, shrinks: true },
  {
    title: 'VALUE',
    value: (row) => String(row.value),
    align: 'right',
    tone: (row) => (row.value < 0 ? 'alarm' : 'none'),
  },
];

describe('cli text', () => {
  it('makes texts from outside safe to print', () => {
    assert.equal(safe('a\u001b[31mb\nc\u202ed'), 'a?[31mb?c?d');
    assert.equal(safeLines('a\u0007\nb'), 'a?\nb');
  });

  it('shows values with at most six decimals', () => {
    assert.equal(formatValue(0.1 + 0.2), '0.3');
    assert.equal(formatValue(1e21), '1e+21');
    assert.equal(formatValue(null), '–');
    assert.equal(formatValue('on\u0000'), 'on?');
  });

  it('shows times in local time and spans in one unit', () => {
    assert.equal(formatTime(new Date(2026, 0, 2, 3, 4, 5, 6).getTime()), '2026-01-02 03:04:05.006');
    const spans = [-5, 0, 999, 1000, 119_999, 120_000, 7_199_999, 7_200_000, 47 * 3_600_000, 48 * 3_600_000];
    assert.deepEqual(spans.map(formatSpan), [
      '0 ms',
      '0 ms',
      '999 ms',
      '1 s',
      '119 s',
      '2 min',
      '119 min',
      '2 h',
      '47 h',
      '2 d',
    ]);
    assert.equal(formatAge(null, 5), '–');
    assert.equal(formatAge(1000, 4000), '3 s');
  });

  it('knows how wide a text is and cuts it to a width', () => {
    assert.equal(displayWidth('abc'), 3);
    assert.equal(displayWidth('电压'), 4);
    assert.equal(displayWidth('e\u0301'), 1);
    assert.equal(truncate('abcdef', 6), 'abcdef');
    assert.equal(truncate('abcdef', 4), 'abc…');
    assert.equal(truncate('电压电压', 4), '电…');
  });
});

describe('cli table', () => {
  it('aligns columns, by what the terminal shows', () => {
    const rows = [
      { name: 'Netz', value: 5 },
      { name: '电压', value: -1234 },
    ];
    assert.equal(renderTable(COLUMNS, rows), 'NAME  VALUE\nNetz      5\n电压  -1234\n');
    assert.equal(renderTable(COLUMNS, [rows[0] as Row], { titles: false }), 'Netz      5\n');
    assert.equal(renderTable(COLUMNS, []), 'NAME  VALUE\n');
  });

  it('cuts only columns that may be cut, and not below eight', () => {
    const row = { name: 'a very long name', value: 123456 };
    assert.equal(renderTable(COLUMNS, [row], { width: 20 }), 'NAME           VALUE\na very long…  123456\n');
    assert.equal(renderTable(COLUMNS, [row], { width: 5 }), 'NAME       VALUE\na very …  123456\n');
  });

  it('colours only what has a tone, and does not count the colour as width', () => {
    const rows = [
      { name: 'a', value: 1 },
      { name: 'b', value: -1 },
    ];
    const expected = `NAME  VALUE\na         1\nb        ${paint('-1', 'alarm')}\n`;
    assert.equal(renderTable(COLUMNS, rows, { colour: true }), expected);
    assert.notEqual(paint('-1', 'alarm'), '-1');
  });

  it('gives a tone to what needs a person and to nothing else', () => {
    assert.deepEqual((['good', 'stale', 'bad', 'out-of-range'] as const).map(qualityTone), [
      'none',
      'warning',
      'alarm',
      'warning',
    ]);
    assert.deepEqual((['online', 'stopped', 'paused', 'backingOff', 'faulted'] as const).map(channelTone), [
      'none',
      'none',
      'none',
      'warning',
      'alarm',
    ]);
    assert.deepEqual(['online', 'failed'].map(actorTone), ['none', 'alarm']);
    assert.deepEqual((['up', 'healthy', 'degraded', 'down', 'unhealthy'] as const).map(healthTone), [
      'none',
      'none',
      'warning',
      'alarm',
      'alarm',
    ]);
  });
});
