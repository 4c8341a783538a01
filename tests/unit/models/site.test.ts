import assert from 'node:assert/strict';
import { fromChannel, toChannel, type Route } from '../../../site/models/model.js';
import { linesOf, loadFiles } from '../../support/config.js';

const CHANNEL = `
site: Test
channels:
  - id: 1
    protocol: virtual
    points:
      - { id: 1, name: Power, unit: kW }
      - { id: 2, name: Serial number, data_type: string }
      - { id: 1, kind: S, name: Open }
      - { id: 1, kind: C, name: Open it }
      - { id: 1, kind: A, name: Limit, unit: kW }
`;
const OWN = `
id: relay
name: Relay
points:
  - { name: power, unit: W }
  - { name: serial, text: true }
  - { name: closed, kind: S }
  - { name: close, kind: C }
  - { name: limit, kind: A, unit: W }
`;

describe('models of a site', () => {
  it('are bound to channel points, both ways', async () => {
    const site = await loadFiles({
      'site.yaml': `${CHANNEL}
templates: [relay.yaml]
models:
  - id: b
    template: relay
    parent: a
    points:
      power: { point: 1:T:1, scale: 1000 }
      serial: comsrv:1:T:2
      closed: { point: 1:S:1, reverse: true }
      close: { point: 1:C:1, reverse: true }
      limit: { point: 1:A:1, scale: 1000, offset: 5 }
  - { id: a, template: relay }
`,
      'relay.yaml': OWN,
    });
    assert.deepEqual(
      site.models.map(({ definition }) => [definition.id, definition.name, definition.parent]),
      [
        ['a', 'a', null],
        ['b', 'b', 'a'],
      ],
    );
    const [, bound] = site.models;
    const routes: Record<string, Route | undefined> = {};
    for (const { name, route } of bound?.points ?? []) routes[name] = route;
    assert.deepEqual(
      { ...routes },
      {
        power: { channel: 1, kind: 'T', id: 1, scale: 1000, offset: 0 },
        serial: { channel: 1, kind: 'T', id: 2, scale: 1, offset: 0 },
        closed: { channel: 1, kind: 'S', id: 1, scale: -1, offset: 1 },
        close: { channel: 1, kind: 'C', id: 1, scale: -1, offset: 1 },
        limit: { channel: 1, kind: 'A', id: 1, scale: 1000, offset: 5 },
      },
    );
    const { power, closed, limit } = routes;
    assert.ok(power && closed && limit);
    assert.equal(fromChannel(power, 1.5), 1500);
    assert.deepEqual([fromChannel(closed, 1), fromChannel(closed, 0)], [0, 1]);
    assert.equal(toChannel(limit, 2005), 2);
    assert.ok(
      site.files.some((file) => file.endsWith('relay.yaml')),
      'the template is watched',
    );
  });

  it('tell what is wrong with them, where it is written, all at once', async () => {
    const lines = await linesOf({
      'site.yaml': `${CHANNEL}
templates: [relay.yaml, missing.yaml]
models:
  - id: a
    template: relai
  - id: a
    template: relay
    parent: station
    points:
      powr: 1:T:1
      power: 1:T:7
      serial: 1:T:1
      closed: { point: 1:S:1, scale: 2 }
      close: 1:S:1
      limit: { point: 9:A:1 }
  - id: b
    template: meter_single_phase
    parameters: { rated_curent: 5 }
    parent: b
`,
      'relay.yaml': OWN,
    });
    assert.deepEqual(
      lines.map((line) => line.replace(/, allowed (?:.*(; did)|a or b$)/, '$1').replace(/file \/.*/, 'file')),
      [
        'site.yaml:13:25: templates[1]: there is no file',
        'site.yaml:16:5: models[0].template: no template "relai"; did you mean relay?',
        'site.yaml:17:5: models[1].id: found "a", which models[0] has too, allowed each id once',
        'site.yaml:19:5: models[1].parent: no model "station"',
        'site.yaml:21:7: models[1].points.powr: the template has no such point; did you mean power?',
        'site.yaml:22:7: models[1].points.power: found T:7, allowed a point of channel 1 (channel 1)',
        'site.yaml:23:7: models[1].points.serial: found 1:T:1 (Power), allowed a point of type string',
        'site.yaml:24:7: models[1].points.closed: found scale or offset, allowed them only for numbers (T and A)',
        'site.yaml:25:7: models[1].points.close: found 1:S:1 (Open), allowed a point of kind C',
        'site.yaml:26:7: models[1].points.limit: found channel 9, allowed a channel of this site',
        'site.yaml:29:19: models[2].parameters.rated_curent: unknown parameter; did you mean rated_current?',
        'site.yaml:30:5: models[2].parent: found "b", which is part of b itself, allowed a model that is not part of this one',
      ],
    );
  });

  it('tell what a template file has wrong, by line', async () => {
    const lines = await linesOf({
      'site.yaml': 'channels: []\ntemplates: [a.yaml, b.yaml]\n',
      'a.yaml': 'id: a b\nname: A\npoints:\n  - { nam: x }\n',
      'b.yaml': 'id: b\nname: B\npoints:\n  - name: x\n    max: ${y}\n',
    });
    assert.deepEqual(lines, [
      'a.yaml:1:5: id: found "a b", allowed text like ^[A-Za-z0-9_-]{1,64}$',
      'a.yaml:4:5: points[0].name: missing, allowed text that is not empty',
      'a.yaml:4:7: points[0].nam: unknown key, allowed name, kind, title, unit, description, text, each, when, min, max, symbols, iec61850, sunspec or expression; did you mean name?',
      'b.yaml:5:5: points[0].max: found "${y}", allowed a number, ${parameter} or -${parameter} of a number parameter',
    ]);
  });

  it('a fault of a template that only the parameters bring to light is told at the model', async () => {
    const lines = await linesOf({
      'site.yaml': 'channels: []\ntemplates: [a.yaml]\nmodels:\n  - { id: m, template: a, parameters: { n: 2.5 } }\n',
      'a.yaml':
        'id: a\nname: A\nparameters:\n  - { name: n, default: 2 }\npoints:\n  - { name: "p_${i}", each: { i: "${n}" } }\n',
    });
    assert.deepEqual(lines, [
      'site.yaml:4:14: models[0].template: template a, points[0].each.i: found 2.5, allowed a whole number from 0 to 10000',
    ]);
  });
});
