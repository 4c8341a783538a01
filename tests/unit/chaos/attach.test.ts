import assert from 'node:assert/strict';
import { refusals } from '../../../chaos/attach/refusals.js';
import type { Target } from '../../../chaos/fault.js';
import { parseScenario } from '../../../chaos/scenario.js';
import { Problems } from '../../../site/config/problems.js';

describe('a chaos run on a site that somebody else runs', () => {
  const refused = (faults: string, named: Target[] = [], more = ''): string[] => {
    const problems = new Problems();
    const text = `name: test\nduration_s: 10\nredis: true\nnats_servers: 3\n${more}faults:\n${faults}`;
    const scenario = parseScenario('test.yaml', text, problems);
    assert.ok(scenario, JSON.stringify(problems.list));
    return refusals(scenario, new Set(named));
  };

  it('may kill actors and worker threads, and the processes that were named', () => {
    const faults = [
      '  - { do: kill, what: actor, kind: channel, at_s: 1 }',
      '  - { do: kill, what: worker, at_s: 1 }',
      '  - { do: kill, what: redis, at_s: 1 }',
      '  - { do: pause, what: node, at_s: 1, for_s: [1, 2] }',
    ].join('\n');
    assert.deepEqual(refused(faults, ['redis', 'node']), []);
    assert.deepEqual(refused(faults, ['redis']), ['faults[3], pause node: name its process: --pid node=PID']);
  });

  it('may do nothing that takes links, devices, clocks, disks or tokens of its own, and says all of it at once', () => {
    const faults = [
      '  - { do: link, what: nats-server, mode: hold, at_s: 1, for_s: [1, 2] }',
      '  - { do: answers, what: devices, mode: stuck, at_s: 1, for_s: [1, 2] }',
      '  - { do: clock, what: node, by_s: [1, 2], at_s: 1, for_s: [1, 2] }',
      '  - { do: fill, what: node, at_s: 1, for_s: [1, 2] }',
      '  - { do: split, what: nats-server, at_s: 1, for_s: [1, 2] }',
      '  - { do: kill, what: chain, at_s: 1 }',
      '  - { do: kill, what: actor, in: signing, at_s: 1 }',
    ].join('\n');
    const all = refused(faults, ['node', 'nats-server', 'devices'], 'minting: { readings: 5 }\n');
    assert.deepEqual(
      all.map((text) => text.split(':')[0]),
      [
        'minting',
        'faults[0], link nats-server hold',
        'faults[1], answers devices stuck',
        'faults[2], clock node',
        'faults[3], fill node',
        'faults[4], split nats-server',
        'faults[5], kill chain',
        'faults[6], kill actor',
      ],
    );
  });
});
