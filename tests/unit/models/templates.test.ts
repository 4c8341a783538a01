import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { shippedTemplates } from '../../../site/config/templates.js';
import { loadFiles } from '../../support/config.js';

function documentation(): Promise<string> {
  return readFile(new URL('../../../../docs/models.md', import.meta.url), 'utf8');
}

describe('the templates that come along', () => {
  it('are there, each with points of its own', async () => {
    const templates = await shippedTemplates();
    assert.deepEqual(
      templates.map(({ id }) => id),
      [
        'battery_system',
        'circuit_breaker',
        'diesel_generator',
        'ev_charger',
        'grid_connection_point',
        'heat_pump',
        'meter_single_phase',
        'meter_three_phase',
        'power_station_template',
        'pv_inverter',
        'transformer',
        'weather_station',
      ],
    );
    for (const { id, standard, description } of templates) {
      assert.notEqual(standard, '', id);
      assert.notEqual(description, '', id);
    }
  });

  it('stand in the documentation', async () => {
    const text = await documentation();
    for (const { id, product, parameters } of await shippedTemplates()) {
      const row = text.split('\n').find((line) => line.startsWith(`| \`${id}\` `)) ?? '';
      const needed = parameters.filter((parameter) => parameter.default === undefined);
      for (const word of [product, ...needed.map(({ name }) => name)])
        assert.ok(row.includes(`\`${word}\``), `${id}: ${word}`);
    }
  });

  it('have a documentation whose examples load', async () => {
    const [site = '', relay = ''] = [...(await documentation()).matchAll(/```yaml\n([^]*?)```/g)].map(
      ([, yaml]) => yaml ?? '',
    );
    const { models } = await loadFiles({ 'site.yaml': site, 'templates/relay.yaml': relay });
    assert.deepEqual(
      models.map(({ definition, points }) => [definition.id, points.length]),
      [
        ['feeder', 4],
        ['roof', 33],
      ],
    );
  });

  it('make a power station whose points name its voltage', async () => {
    const site = await loadFiles({
      'site.yaml': `
channels: []
models:
  - id: model_001
    name: Test Power Station
    template: power_station_template
    parameters: { capacity_mw: 100, voltage_kv: 35, location: Site A }
`,
    });
    const [model] = site.models;
    assert.deepEqual(model?.parameters, { capacity_mw: 100, voltage_kv: 35, location: 'Site A' });
    assert.equal(model.product, 'station');
    const voltage = model.points.find(({ name }) => name.includes('voltage'));
    assert.equal(voltage?.title, 'Voltage L1 to L2 (nominal 35 kV)');
    assert.equal(model.points.find(({ name }) => name === 'power_setpoint')?.max, 100);
  });
});
