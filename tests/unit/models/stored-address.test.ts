import assert from 'node:assert/strict';
import { buildModel } from '../../../site/models/build.js';
import { FIRST_MODEL_CHANNEL } from '../../../site/models/address.js';
import { checkTemplate } from '../../../site/models/check.js';
import { firstChannel, nextChannel, storedId } from '../../../site/models/stored-address.js';
import { keepReports } from './support.js';

describe('where values of models are stored', () => {
  it('is a number that follows from the id, and the next ones when others have it', () => {
    assert.equal(firstChannel('pump_944'), firstChannel('pump_9027'));
    const number = firstChannel('pump_944');
    assert.ok(number >= FIRST_MODEL_CHANNEL && number <= 0xffff_ffff);
    assert.equal(nextChannel(number), number + 1);
    assert.equal(nextChannel(0xffff_ffff), FIRST_MODEL_CHANNEL);
  });

  it('is never one place for two points of a model', () => {
    assert.equal(storedId({ model: 'm', point: 'p35338' }), storedId({ model: 'm', point: 'p63766' }));
    const build = (id: string, kind: 'T' | 'A') => {
      const { origin, lines } = keepReports();
      const points = [{ name: 'p35338' }, { name: 'other' }, { name: 'p63766', kind }];
      const template = checkTemplate({ id: 't', name: 'T', points }, origin);
      const parts = { template: () => template, templateIds: ['t'], channel: () => undefined };
      const definition = { id, name: 'M', template: 't', parameters: {}, parent: null, points: {} };
      return { model: buildModel(definition, parts, origin), lines };
    };
    const refused = build('m', 'T');
    assert.equal(refused.model, undefined);
    assert.deepEqual(refused.lines, [
      'template: found "p35338" and "p63766", whose values would be stored as one point’s, allowed another name of one of them, or another id of the model',
    ]);
    assert.ok(build('m', 'A').model !== undefined, 'another kind is another place');
    assert.ok(build('n', 'T').model !== undefined);
  });
});
