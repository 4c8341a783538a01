import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ConfigError, Problems, renderProblems } from '../../../site/config/problems.js';
import { errorOf, problemsOf, ROOT } from '../../support/config.js';

describe('ConfigError', () => {
  it('is told as a compiler tells: place, sentence, line and caret', async () => {
    const text = await problemsOf({
      'site.yaml': 'channels:\n  - id: 0\n    protocol: virtul\n',
    });
    assert.equal(
      text,
      `site.yaml:2:9: channels[0].id: found 0, allowed a whole number from 1 to 3999999999
 2 |   - id: 0
   |         ^
site.yaml:3:15: channels[0].protocol: found "virtul", allowed modbus, modbus_tcp, modbus_rtu, virtual, virt, mqtt, grpc or can; did you mean virtual?
 3 |     protocol: virtul
   |               ^
2 problems in 1 file`,
    );
  });

  it('puts the caret right after tabs and wide characters, and cuts long lines around it', () => {
    const line = `\t漢字,${'x'.repeat(300)},bad`;
    const column = line.indexOf('bad') + 1;
    const problem = { file: join(ROOT, 'a.csv'), line: 7, column, path: '', found: '', allowed: '', message: 'm' };
    const near = renderProblems([{ ...problem, column: 4, source: '\t漢字x' }], ROOT).split('\n');
    assert.deepEqual(near.slice(1, 3), [' 7 | \t漢字x', '   | \t    ^']);
    const far = renderProblems([{ ...problem, source: line }], ROOT).split('\n');
    assert.equal(far[1], ` 7 | …${'x'.repeat(39)},bad`);
    assert.equal(far[2]?.indexOf('^'), far[1]?.indexOf('bad'));
  });

  it('carries every problem for programs, in the order of the files, under a stable code', async () => {
    const error = await errorOf({
      'site.yaml': 'chanels: []\nchannels: [{ id: 1, protocol: modbus, address: a, tables: t }]\n',
      't/telemetry.csv': 'point_id,signal_name\nx,A\n',
    });
    assert.equal(error.code, 'config.invalid');
    assert.equal(error.category, 'invalid');
    assert.deepEqual(error.details, { problems: error.problems });
    assert.deepEqual(error.problems, [
      {
        file: join(ROOT, 'site.yaml'),
        line: 1,
        column: 1,
        source: 'chanels: []',
        path: 'chanels',
        found: '"chanels"',
        allowed: error.problems[0]?.allowed,
        message: error.problems[0]?.message,
      },
      {
        file: join(ROOT, 't/telemetry.csv'),
        line: 2,
        column: 1,
        source: 'x,A',
        path: 'point_id',
        found: '"x"',
        allowed: 'a whole number from 1 to 1073741823',
        message: 'point_id: found "x", allowed a whole number from 1 to 1073741823',
      },
    ]);
  });

  it('shows 50 problems and counts the rest', () => {
    const problems = new Problems();
    for (let index = 0; index < 60; index++) problems.addFile(join(ROOT, 'x'), 'a', 'b', 'c');
    assert.throws(
      () => problems.throwIfAny(),
      (error: unknown) =>
        error instanceof ConfigError &&
        error.problems.length === 60 &&
        error.message.endsWith('60 problems in 1 file; the first 50 are shown') &&
        error.message.split('\n').length === 51,
    );
  });

  it('hides passwords of URLs in everything it holds', async () => {
    const error = await errorOf({ 'site.yaml': 'rediss: "redis://user:s3cret@host"\nchannels: []\n' });
    assert.doesNotMatch(JSON.stringify(error), /s3cret/);
    assert.match(error.message, /redis:\/\/\*\*\*@host/);
  });
});
