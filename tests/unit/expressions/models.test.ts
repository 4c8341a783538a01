import assert from 'node:assert/strict';
import { compileExpression, nameOfPoint, sitePoints } from '../../../site/expressions/index.js';
import { BAD, GOOD, OUT_OF_RANGE, STALE } from '../../../site/points.js';
import { loadFiles } from '../../support/config.js';

const TEMPLATE = `
id: relay
name: Relay
points:
  - { name: power, unit: W, max: 5000 }
  - { name: open, kind: S }
  - { name: tariff, kind: A }
  - { name: note, kind: A, text: true }
  - { name: cost, expression: power * tariff, max: 100 }
  - { name: dear, kind: S, expression: cost > 10 and not open }
`;
const SITE = `
channels:
  - id: 7
    protocol: virtual
    points:
      - { id: 1, name: Power }
      - { id: 1, kind: S, name: Closed }
templates: [t.yaml]
models:
  - id: feeder
    template: relay
    points:
      power: { point: 7:T:1, scale: 1000, offset: 1 }
      open: { point: 7:S:1, reverse: true }
aliases: { price: 'model:feeder:tariff' }
`;

describe('points of models in expressions', () => {
  let points: ReturnType<typeof sitePoints>;
  before(async () => {
    const site = await loadFiles({ 'site.yaml': SITE, 't.yaml': TEMPLATE });
    points = sitePoints(site, site.aliases);
  });
  const compile = (source: string, deadband = 0) =>
    compileExpression(source, { points, result: 'condition', deadband });
  /** [value, quality] by name of the point that is read. */
  const evaluate = (source: string, given: Record<string, readonly [number, number?]>): number => {
    const expression = compile(source);
    const evaluator = expression.start();
    expression.points.forEach((point, slot) => {
      const [value, quality = GOOD] = given[nameOfPoint(point)] ?? [NaN, BAD];
      evaluator.set(slot, value, quality);
    });
    return evaluator.evaluate(1);
  };
  const names = (source: string) => compile(source).points.map(nameOfPoint);
  const POWER = 'comsrv:7:T:1';
  const CLOSED = 'comsrv:7:S:1';
  const TARIFF = 'model:feeder:tariff';

  it('read the channel points that they stand for, in the units of the model', () => {
    assert.deepEqual(names('model:feeder:power > 2000 and not model:feeder:open'), [POWER, CLOSED]);
    assert.equal(evaluate('model:feeder:power == 2001', { [POWER]: [2] }), 1);
    assert.equal(evaluate('model:feeder:open', { [CLOSED]: [0] }), 1);
    assert.equal(evaluate('model:feeder:open', { [CLOSED]: [1] }), 0);
    assert.ok(Number.isNaN(evaluate('model:feeder:power > 1', { [POWER]: [2, STALE] })));
  });

  it('are computed anew from what their formulas read, each point once', () => {
    assert.deepEqual(names("'model:feeder:dear' or model:feeder:cost > 100 or 7:T:1 > 5"), [POWER, TARIFF, CLOSED]);
    const given = { [POWER]: [1], [TARIFF]: [0.02], [CLOSED]: [1] } as const;
    assert.equal(evaluate('model:feeder:dear', given), 1);
    assert.equal(evaluate('model:feeder:dear', { ...given, [CLOSED]: [0] }), 0);
    assert.equal(evaluate('model:feeder:cost == 20.02', given), 1);
    assert.ok(Number.isNaN(evaluate('model:feeder:dear', { ...given, [TARIFF]: [1, STALE] })));
    assert.equal(evaluate('known(model:feeder:cost)', { [POWER]: [1] }), 0);
  });

  it('have the quality that the model gives them', () => {
    const quality = (point: string, word: string, given: Record<string, readonly [number, number?]>) =>
      evaluate(`quality(model:feeder:${point}) == ${word}`, given);
    assert.equal(quality('power', 'good', { [POWER]: [2] }), 1);
    assert.equal(quality('power', 'out_of_range', { [POWER]: [5] }), 1, 'beyond the limit of the model');
    assert.equal(quality('power', 'stale', { [POWER]: [5, STALE] }), 1);
    assert.equal(quality('power', 'out_of_range', { [POWER]: [2, OUT_OF_RANGE] }), 1);
    assert.equal(quality('cost', 'bad', { [POWER]: [2] }), 1);
    assert.equal(quality('cost', 'good', { [POWER]: [2], [TARIFF]: [0.01] }), 1);
    assert.equal(quality('cost', 'out_of_range', { [POWER]: [2], [TARIFF]: [1] }), 1);
  });

  it('stay out of the rule’s deadband inside, and are in it outside', () => {
    const expression = compile('model:feeder:cost > 10', 5);
    const evaluator = expression.start();
    const slot = (name: string) => expression.points.findIndex((point) => nameOfPoint(point) === name);
    evaluator.set(slot(POWER), -0.001, GOOD);
    evaluator.set(slot(TARIFF), 0, GOOD);
    const at = (tariff: number) => {
      evaluator.set(slot(POWER), 0.999, GOOD);
      evaluator.set(slot(TARIFF), tariff, GOOD);
      return evaluator.evaluate(1);
    };
    assert.deepEqual([at(0.009), at(0.011), at(0.009), at(0.004)], [0, 1, 1, 0]);
  });

  it('may have an alias', () => {
    assert.deepEqual(names('price > 3'), [TARIFF]);
    assert.equal(evaluate('price > 3', { [TARIFF]: [4] }), 1);
  });

  it('are told apart by what they mean', () => {
    assert.deepEqual(compile('7:T:1 > 1').meanings, []);
    assert.equal(compile('model:feeder:cost > 1').meanings.length, 3, 'itself, and what it is computed from');
  });

  it('are refused with what there is', () => {
    const wrong = (source: string) => {
      try {
        compile(source);
      } catch (error) {
        return (error as Error).message;
      }
      return '';
    };
    assert.match(
      wrong('model:feedr:power > 1'),
      /model:feedr:power", which is no point, allowed the model feeder perhaps/,
    );
    assert.match(wrong('model:feeder:powr > 1'), /allowed model:feeder:power perhaps/);
    assert.match(wrong('model:feeder:zzzzzzzzz > 1'), /the points of feeder: power, open/);
    assert.match(wrong('model:feeder:note > 1'), /whose value is text/);
  });
});
