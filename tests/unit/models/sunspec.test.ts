import assert from 'node:assert/strict';
import { linesOf, loadFiles } from '../../support/config.js';

const POINTS = [
  { name: 'ID', type: 'uint16', value: 64901, label: 'Model ID', mandatory: 'M', static: 'S' },
  { name: 'L', type: 'uint16', label: 'Model Length', mandatory: 'M', static: 'S' },
  { name: 'W', type: 'int16', sf: 'W_SF', size: 1, units: 'W', label: 'Watts', desc: 'AC power', mandatory: 'M' },
  {
    name: 'St',
    type: 'enum16',
    label: 'State',
    symbols: [
      { name: 'OFF', value: 1 },
      { name: 'ON', value: 2, label: 'Runs' },
    ],
  },
  {
    name: 'Evt',
    type: 'bitfield32',
    label: 'Events',
    symbols: [
      { name: 'GROUND_FAULT', value: 0 },
      { name: 'OVER_TEMP', value: 7 },
    ],
  },
  { name: 'WMaxLimPct', type: 'uint16', sf: 'P_SF', units: '% WMax', access: 'RW', label: 'Limit' },
  { name: 'Vr', type: 'string', size: 8, label: 'Version' },
  { name: 'W_SF', type: 'sunssf', static: 'S' },
  { name: 'N', type: 'count', label: 'Number of modules' },
  { name: 'Pad', type: 'pad', size: 1 },
];
const MODEL = {
  id: 64901,
  group: {
    name: 'test_inverter',
    type: 'group',
    label: 'Test inverter',
    points: POINTS,
    groups: [
      {
        name: 'module',
        type: 'group',
        count: 'N',
        points: [{ name: 'DCA', type: 'uint16', units: 'A', label: 'DC current' }],
      },
      { name: 'port', type: 'group', count: 2, points: [{ name: 'V', type: 'uint16' }] },
      { name: 'ctl', type: 'group', points: [{ name: 'Ena', type: 'enum16', access: 'RW' }] },
    ],
  },
};

describe('a SunSpec model', () => {
  it('becomes a template', async () => {
    const site = await loadFiles({
      'site.yaml': `
channels: []
templates: [model_64901.json]
models:
  - { id: inv, template: sunspec_64901, parameters: { module_count: 2 } }
`,
      'model_64901.json': JSON.stringify(MODEL, null, 2),
    });
    const template = site.templates.find(({ id }) => id === 'sunspec_64901');
    assert.equal(template?.name, 'Test inverter');
    assert.equal(template.product, 'test_inverter');
    assert.equal(template.parameters[0]?.description, 'how many groups module there are, as the device says in N');
    assert.deepEqual(
      site.models[0]?.points.map(({ kind, name, title, unit, sunspec }) => [kind, name, title, unit, sunspec]),
      [
        ['T', 'W', 'Watts', 'W', '64901.W'],
        ['T', 'St', 'State', '', '64901.St'],
        ['S', 'Evt_GROUND_FAULT', 'Events: GROUND_FAULT', '', '64901.Evt bit 0'],
        ['S', 'Evt_OVER_TEMP', 'Events: OVER_TEMP', '', '64901.Evt bit 7'],
        ['A', 'WMaxLimPct', 'Limit', '% WMax', '64901.WMaxLimPct'],
        ['T', 'Vr', 'Version', '', '64901.Vr'],
        ['T', 'N', 'Number of modules', '', '64901.N'],
        ['T', 'module_1_DCA', 'DC current 1', 'A', '64901.DCA'],
        ['T', 'module_2_DCA', 'DC current 2', 'A', '64901.DCA'],
        ['T', 'port_1_V', 'V 1', '', '64901.V'],
        ['T', 'port_2_V', 'V 2', '', '64901.V'],
        ['A', 'ctl_Ena', 'Ena', '', '64901.Ena'],
      ],
    );
    const points = new Map(site.models[0]?.points.map((point) => [point.name, point]));
    assert.deepEqual(points.get('St')?.symbols, { '1': 'OFF', '2': 'Runs' });
    assert.equal(points.get('Vr')?.text, true);
  });

  it('tells what is wrong with it, by line', async () => {
    const broken = { id: 70000, group: { points: [{ type: 'int16' }] } };
    const empty = { id: 5, group: { name: 'x', points: [{ name: 'ID', type: 'uint16' }] } };
    const lines = await linesOf({
      'site.yaml': 'channels: []\ntemplates: [a.json, b.json]\n',
      'a.json': JSON.stringify(broken, null, 1),
      'b.json': JSON.stringify(empty),
    });
    assert.deepEqual(lines, [
      'a.json:2:8: id: found 70000, allowed a whole number from 1 to 65535',
      'a.json:3:11: group.name: missing, allowed text that is not empty',
      'a.json:5:4: group.points[0].name: missing, allowed text that is not empty',
      'b.json:1:9: group: found a model without points, allowed at least one point beside its header',
    ]);
  });
});
