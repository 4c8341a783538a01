import assert from 'node:assert/strict';
import { Stages, type StageReport } from '../../../node/stages.js';

describe('Stages', () => {
  let reports: StageReport[];
  let log: string[];
  const told = () => reports.map(({ phase, name, detail }) => `${phase} ${name}${detail === '' ? '' : `: ${detail}`}`);

  beforeEach(() => {
    reports = [];
    log = [];
  });

  function start(stages: Stages, name: string, stop: () => Promise<void> | void = () => undefined): Promise<string> {
    return stages.start(
      name,
      () => {
        log.push(`begin ${name}`);
        return name;
      },
      async (part) => {
        await stop();
        log.push(`end ${part}`);
      },
    );
  }

  it('starts one after the other and stops in the opposite order, each once', async () => {
    const stages = new Stages((report) => reports.push(report));
    assert.equal(await start(stages, 'a'), 'a');
    await stages.start(
      'b',
      async () => 7,
      (part) => {
        log.push(`end b ${part}`);
      },
      (part) => `is ${part}`,
    );
    await Promise.all([stages.stop(), stages.stop()]);
    await stages.stop();
    assert.deepEqual(log, ['begin a', 'end b 7', 'end a']);
    assert.deepEqual(told(), ['started a', 'started b: is 7', 'stopped b', 'stopped a']);
    assert.ok(reports.every(({ ms }) => ms >= 0));
  });

  it('passes on why a part does not come up, and stops only what did', async () => {
    const stages = new Stages((report) => reports.push(report));
    await start(stages, 'a');
    const failing = stages.start(
      'b',
      () => Promise.reject(new Error('no room')),
      () => assert.fail('it never was'),
    );
    await assert.rejects(failing, /no room/);
    await stages.stop();
    assert.deepEqual(told(), ['started a', 'stopped a']);
  });

  it('stops the others when one fails to stop, and says so', async () => {
    const stages = new Stages((report) => reports.push(report));
    await start(stages, 'a');
    await start(stages, 'b', () => Promise.reject(new Error('stuck')));
    await start(stages, 'c');
    await stages.stop();
    assert.deepEqual(told().slice(3), ['stopped c', 'failed b: stuck', 'stopped a']);
  });

  it('starts nothing more after the signal', async () => {
    const interruption = new AbortController();
    const stages = new Stages((report) => reports.push(report), interruption.signal);
    await start(stages, 'a');
    interruption.abort();
    await assert.rejects(start(stages, 'b'), { code: 'node.interrupted', message: /before: b$/ });
    await stages.stop();
    assert.deepEqual(log, ['begin a', 'end a']);
  });
});
