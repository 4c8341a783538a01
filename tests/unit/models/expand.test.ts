import assert from 'node:assert/strict';
import { checkTemplate } from '../../../site/models/check.js';
import { expandPoints } from '../../../site/models/expand.js';
import { readParameters } from '../../../site/models/parameters.js';
import type { TemplateFile } from '../../../site/models/schema.js';
import type { ParameterValue, Template } from '../../../site/models/template.js';
import { keepReports } from './support.js';

function template(file: Partial<TemplateFile>): Template {
  const { origin, lines } = keepReports();
  const made = checkTemplate({ id: 't', name: 'T', points: [{ name: 'x' }], ...file }, origin);
  assert.deepEqual(lines, []);
  return made as Template;
}

function faults(file: Partial<TemplateFile>): string[] {
  const { origin, lines } = keepReports();
  assert.equal(checkTemplate({ id: 't', name: 'T', points: [{ name: 'x' }], ...file }, origin), undefined);
  return lines;
}

function expand(made: Template, values: Record<string, ParameterValue>) {
  const { origin, lines } = keepReports();
  const points = expandPoints(made, values, origin);
  return { points, names: points?.map(({ name }) => name), lines };
}

describe('expanding a template', () => {
  it('repeats a point for each value, the last variable moving fastest', () => {
    const made = template({ points: [{ name: 'v_${string}_${cell}', each: { string: ['a', 'b'], cell: 2 } }] });
    assert.deepEqual(expand(made, {}).names, ['v_a_1', 'v_a_2', 'v_b_1', 'v_b_2']);
  });

  it('puts parameters into texts, limits and counts', () => {
    const made = template({
      parameters: [{ name: 'cells' }, { name: 'power', unit: 'W' }, { name: 'place', type: 'text' }],
      points: [
        { name: 'cell_${n}', title: 'Cell ${n} at ${place}', each: { n: '${cells}' } },
        { name: 'power', unit: 'W', min: '-${power}', max: '${power}' },
      ],
    });
    const { points } = expand(made, { cells: 2, power: 500, place: 'roof' });
    assert.deepEqual(
      points?.map(({ name, title, min, max }) => ({ name, title, min, max })),
      [
        { name: 'cell_1', title: 'Cell 1 at roof', min: undefined, max: undefined },
        { name: 'cell_2', title: 'Cell 2 at roof', min: undefined, max: undefined },
        { name: 'power', title: 'power', min: -500, max: 500 },
      ],
    );
  });

  it('leaves out what a condition says', () => {
    const made = template({
      parameters: [{ name: 'dc', type: 'boolean' }],
      points: [{ name: 'soc', when: 'dc' }, { name: 'phase', when: '!dc' }, { name: 'power' }],
    });
    assert.deepEqual(expand(made, { dc: true }).names, ['soc', 'power']);
    assert.deepEqual(expand(made, { dc: false }).names, ['phase', 'power']);
  });

  it('tells what is wrong in a template, all at once', () => {
    assert.deepEqual(
      faults({
        parameters: [
          { name: 'n', min: 0, max: 5, default: 9 },
          { name: 'kind', type: 'text', choices: ['a', 'b'], default: 'c' },
          { name: 'n' },
        ],
      }),
      [
        'parameters.0.default: found 9, allowed a number from 0 to 5',
        'parameters.1.default: found "c", allowed a or b',
        'parameters.2.name: found "n", which another parameter has too, allowed each name once',
      ],
    );
    assert.deepEqual(
      faults({
        parameters: [{ name: 'on', type: 'boolean' }],
        points: [
          { name: 'a_${missing}' },
          { name: '1st' },
          { name: 'b', when: 'off' },
          { name: 'c', max: '${on}' },
          { name: 'd' },
          { name: 'd' },
        ],
      }),
      [
        'points.0.name: found ${missing}, allowed ${on}',
        'points.1.name: found "1st", allowed a letter, then up to 63 letters, digits and _',
        'points.2.when: found "off", allowed on',
        'points.3.max: found "${on}", allowed a number, ${parameter} or -${parameter} of a number parameter',
        'points.5.name: found "d", which another point has too, allowed each name once',
      ],
    );
  });

  it('bounds the points of a model', () => {
    const made = template({
      parameters: [{ name: 'n', default: 1 }],
      points: [{ name: 'p_${a}_${b}', each: { a: '${n}', b: '${n}' } }],
    });
    assert.equal(expand(made, { n: 100 }).points?.length, 10_000);
    assert.deepEqual(expand(made, { n: 101 }).lines, [
      'points.0.each: found more than 10000 points, allowed at most 10000 points in a model',
    ]);
    assert.deepEqual(expand(made, { n: 1.5 }).lines, [
      'points.0.each.a: found 1.5, allowed a whole number from 0 to 10000',
    ]);
  });
});

describe('the parameters of a model', () => {
  const { parameters } = template({
    parameters: [
      { name: 'capacity', unit: 'Wh', min: 1 },
      { name: 'dc', type: 'boolean', default: false },
      { name: 'place', type: 'text', default: '' },
    ],
  });

  it('takes defaults', () => {
    const { origin } = keepReports();
    assert.deepEqual(readParameters(parameters, { capacity: 5 }, origin), { capacity: 5, dc: false, place: '' });
  });

  it('tells everything that is wrong', () => {
    const { origin, lines } = keepReports();
    assert.equal(readParameters(parameters, { capasity: 5, dc: 1, place: 3 }, origin), undefined);
    assert.deepEqual(lines, [
      'capasity: unknown parameter, allowed capacity, dc or place; did you mean capacity?',
      'capacity: missing, allowed a number from 1 Wh',
      'dc: found 1, allowed true or false',
      'place: found 3, allowed text',
    ]);
  });
});
