import assert from 'node:assert/strict';
import { MAX_LENGTH, MAX_NESTING } from '../../../site/expressions/parse.js';
import { compileExpression, sitePoints } from '../../../site/expressions/index.js';
import type { PointDefinition } from '../../../site/points.js';
import { testSite } from '../../support/site.js';
import { refusal, SCOPE } from './support.js';

describe('expressions: errors', () => {
  /** source, code, line:column, found, allowed */
  const cases: [string, string, string, RegExp, RegExp][] = [
    ['', 'syntax', '1:1', /^the end$/, /a value/],
    ['a >', 'syntax', '1:4', /^the end$/, /a value/],
    ['a > 1 and\n  or b', 'syntax', '2:3', /^"or"$/, /a value/],
    ['a = 1', 'syntax', '1:3', /^"="$/, /an operator/],
    ['1 < a < 2', 'syntax', '1:7', /^"<"$/, /an operator/],
    ['(a > 1', 'syntax', '1:7', /^the end$/, /\)/],
    ['not not on', 'syntax', '1:5', /^"not"$/, /a value/],
    ['a > --1', 'syntax', '1:6', /^"-"$/, /a value/],
    ['a > 1 b', 'syntax', '1:7', /^"b"$/, /an operator/],
    ['a > 10x', 'syntax', '1:5', /^"10x"$/, /a number such as/],
    ['a > .5', 'syntax', '1:5', /^"\.5"$/, /a number such as 80, 0\.5/],
    ['"a > 1', 'syntax', '1:1', /^"/, /a value/],
    ['temp > 1', 'unknown_point', '1:1', /^"temp", which is no point$/, /comsrv:1001:T:1/],
    ['a > 1 and comsrv:1:X:1 > 2', 'unknown_point', '1:11', /"comsrv:1:X:1"/, /comsrv:1001:T:1/],
    ['modsrv:1001:T:1 > 2', 'unknown_point', '1:1', /"modsrv:1001:T:1"/, /comsrv/],
    ['averge(a, 5m) > 1', 'unknown_function', '1:1', /^"averge", which is no function$/, /avg, |average|perhaps/],
    ['abz(a) > 1', 'unknown_function', '1:1', /"abz"/, /^abs perhaps$/],
    ['toString() > 1', 'unknown_function', '1:1', /"toString"/, /known|abs/],
    ['avg(a) > 1', 'wrong_arguments', '1:1', /^1 argument$/, /^avg\(number, duration\)$/],
    ['abs(a, b) > 1', 'wrong_arguments', '1:1', /^2 arguments$/, /^abs\(number\)$/],
    ['quality(a, b) == good', 'wrong_arguments', '1:1', /^2 arguments$/, /quality\(point\)/],
    ['avg(a, 5) > 1', 'wrong_type', '1:8', /^"5"$/, /a duration/],
    ['avg(a, 40d) > 1', 'wrong_type', '1:8', /^"40d"$/, /from 1ms to 31d/],
    ['avg(a, a + 1) > 1', 'wrong_type', '1:8', /an expression/, /a duration/],
    ['between(8, 18:00)', 'wrong_type', '1:9', /^"8"$/, /a time of day/],
    ['between(08:00, 24:00)', 'wrong_type', '1:16', /^"24:00"$/, /00:00 to 23:59/],
    ['a > 5m', 'wrong_type', '1:5', /the duration 5m/, /a number/],
    ['a > 08:00', 'wrong_type', '1:5', /the time 08:00/, /between/],
    ['a', 'wrong_type', '1:1', /^a number$/, /a condition/],
    ['a and b > 1', 'wrong_type', '1:1', /^a number$/, /a condition/],
    ['b > 1 or (a + 1)', 'wrong_type', '1:11', /^a number$/, /a condition/],
    ['not a', 'wrong_type', '1:5', /^a number$/, /a condition/],
    ['(a > 1) + 1 > 0', 'wrong_type', '1:2', /^a condition$/, /a number/],
    ['-(a > 1) > 0', 'wrong_type', '1:3', /^a condition$/, /a number/],
    ['a == true', 'wrong_type', '1:6', /^a condition$/, /a number/],
    ['(a > 1) == 1', 'wrong_type', '1:12', /^a number$/, /a condition/],
    ['held(a, 5s)', 'wrong_type', '1:6', /^a number$/, /a condition/],
    ['quality(a)', 'wrong_type', '1:1', /^a quality$/, /a comparison/],
    ['quality(a) > good', 'wrong_type', '1:12', /^">"$/, /== or !=/],
    ['quality(a) == fine', 'wrong_type', '1:15', /^"fine"$/, /good, stale, bad or out_of_range/],
    ['quality(a) == 1 + 1', 'wrong_type', '1:15', /no word/, /good/],
    ['quality(a + b) == good', 'wrong_type', '1:9', /an expression/, /a point/],
  ];
  for (const [source, code, place, found, allowed] of cases) {
    it(JSON.stringify(source), () => {
      const error = refusal(source);
      assert.equal(error.code, `expression.${code}`, error.message);
      assert.equal(`${error.line}:${error.column}`, place, error.message);
      assert.match(error.found, found);
      assert.match(error.allowed, allowed);
    });
  }

  it('show the line and the place in it', () => {
    const error = refusal('a > 1\nand temp > 2');
    assert.equal(
      error.message,
      'line 2, column 5: found "temp", which is no point, allowed an address such as comsrv:1001:T:1\n' +
        ' 2 | and temp > 2\n' +
        '   |     ^',
    );
    assert.deepEqual(error.details, {
      line: 2,
      column: 5,
      found: '"temp", which is no point',
      allowed: 'an address such as comsrv:1001:T:1',
    });
  });

  it('tell a condition where a number is wanted', () => {
    assert.equal(refusal('a > 1', { result: 'number' }).allowed, 'a number');
    assert.equal(compileExpression('on', { points: SCOPE, result: 'number' }).points.length, 1);
  });

  it('bound what is compiled', () => {
    assert.equal(refusal(`a > ${'1'.repeat(MAX_LENGTH)}`).code, 'expression.too_big');
    assert.equal(refusal(`${'('.repeat(MAX_NESTING + 1)}a`).code, 'expression.too_big');
    const deepest = `${'('.repeat(MAX_NESTING)}a > 1${')'.repeat(MAX_NESTING)}`;
    compileExpression(deepest, { points: SCOPE, result: 'condition' });
    const longest = `a${' + 1'.repeat((MAX_LENGTH - 5) / 4)} > 1`;
    compileExpression(longest, { points: SCOPE, result: 'condition' }).start().evaluate(0);
  });

  it('refuse a deadband and a time zone that are none', () => {
    for (const options of [{ deadband: -1 }, { deadband: NaN }, { timeZone: 'Nowhere/Town' }]) {
      assert.throws(() => compileExpression('true', { points: SCOPE, result: 'condition', ...options }), {
        code: 'expression.invalid_option',
      });
    }
  });
});

describe('expressions: the points of a site', () => {
  const point = (kind: PointDefinition['kind'], id: number, name: string, more: Partial<PointDefinition> = {}) => ({
    ...{ kind, id, name, unit: '', dataType: 'float32' as const, scale: 1, offset: 0, reverse: false, deadband: 0 },
    ...more,
  });
  const channel = (id: number, name: string, points: PointDefinition[]) => ({
    ...{ protocol: 'virtual' as const, id, name, enabled: true, pollingIntervalMs: 1000, points },
    ...{ seed: 1, patterns: [] },
  });
  const site = testSite([
    channel(1001, 'Meter', [
      point('T', 1, 'Voltage'),
      ...Array.from({ length: 11 }, (_, index) => point('T', index + 2, 'Current')),
      point('S', 1, 'Breaker', { dataType: 'bool' }),
      point('T', 13, 'Serial', { dataType: 'string' }),
    ]),
  ]);
  const points = sitePoints(site, { grid_voltage: 'comsrv:1001:T:1', gone: '1001:T:99', broken: 'nonsense' });
  const compile = (source: string) => compileExpression(source, { points, result: 'condition' });

  it('go by address, by the names of channel and point, and by alias, all the same', () => {
    const expression = compile(
      'comsrv:1001:T:1 > 1 and "Meter/Voltage" > 1 and grid_voltage > 1 and \'Meter/Breaker\'',
    );
    assert.deepEqual(expression.points, [
      { channel: 1001, kind: 'T', id: 1 },
      { channel: 1001, kind: 'S', id: 1 },
    ]);
  });

  it('are told when a point is none of them', () => {
    const allowed = (source: string) => refusal(source, { points }).allowed;
    assert.match(allowed('comsrv:1002:T:1 > 1'), /^the channels of this site: 1001$/);
    assert.match(allowed('1001:T:99 > 1'), /of kind T of channel 1001: 1, 2, 3, 4, 5, 6, 7, 8 and 5 more$/);
    assert.match(allowed('1001:C:1'), /channel 1001 has none of kind C/);
    assert.equal(allowed('grid_voltge > 1'), '"grid_voltage" perhaps');
    assert.match(allowed('"Meter/Current" > 1'), /its address, as several points have this name/);
    assert.match(allowed('wholly_other_thing > 1'), /an address such as comsrv:1001:T:1/);
    assert.match(allowed('gone > 1'), /"gone"|name of this site/);
    assert.match(allowed('"Meter/Serial" > 1'), /a point with numbers/);
  });
});
