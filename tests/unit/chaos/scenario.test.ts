import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { lasting, parseScenario, type Scenario } from '../../../chaos/scenario.js';
import { describeFault, planFaults } from '../../../chaos/schedule.js';
import { Problems } from '../../../site/config/problems.js';

const FOLDER = new URL('../../../../scenarios/', import.meta.url);

const HEAD = 'name: test\nduration_s: 30\nfaults:\n';

function parse(text: string): { scenario: Scenario | undefined; problems: string[] } {
  const problems = new Problems();
  const scenario = parseScenario('/s.yaml', text, problems);
  return { scenario, problems: problems.list.map(({ line, message }) => `${line}: ${message}`) };
}

function wrong(fault: string, head = HEAD): string {
  const { scenario, problems } = parse(`${head}  - ${fault}\n`);
  assert.equal(scenario, undefined, fault);
  return problems.join('\n');
}

describe('scenarios of chaos runs', () => {
  it('have defaults for all but their name, duration and faults', () => {
    const { scenario, problems } = parse(`${HEAD}  - { do: kill, what: node, at_s: 3 }\n`);
    assert.deepEqual(problems, []);
    const { faults, ...rest } = scenario ?? {};
    assert.deepEqual(faults, [{ do: 'kill', what: 'node', at_s: 3 }]);
    assert.deepEqual(rest, {
      name: 'test',
      description: '',
      seed: 1,
      durationS: 30,
      nodes: 1,
      natsServers: 1,
      channels: 10,
      redis: false,
      callers: 4,
      actors: 20,
      recoveryS: 30,
      memoryMb: 1_500,
      realtimeBehindS: 10,
      memoryMbPerH: undefined,
    });
  });

  it('say with line, found and allowed what is wrong, all at once', () => {
    assert.match(
      wrong('{ do: explode, what: node, at_s: 3 }'),
      /4: faults\[0\]\.do: found "explode", allowed kill, pause, link, answers, clock, fill or split/,
    );
    assert.match(wrong('{ do: kill, what: chain, at_s: 1 }'), /chain only where the scenario has minting/);
    assert.match(wrong('{ do: kill, what: node, in: signing, at_s: 1 }'), /a state of mint batches only where/);
    assert.match(
      wrong('{ do: pause, what: worker, at_s: 1, for_s: [1, 2] }'),
      /allowed kill, for an actor or a worker/,
    );
    assert.match(wrong('{ do: kill, what: node, in: settled, at_s: 1 }'), /allowed collecting, building, signing/);
    assert.match(wrong('{ do: kill, what: node }'), /neither or both of at_s and every_s/);
    assert.match(wrong('{ do: kill, what: node, at_s: 1, every_s: [1, 2] }'), /neither or both/);
    assert.match(wrong('{ do: kill, what: node, every_s: [5, 2] }'), /the shorter time first/);
    assert.match(wrong('{ do: kill, what: node, every_s: [0, 0] }'), /more than 0 s/);
    assert.match(wrong('{ do: kill, what: redis, at_s: 1 }'), /redis only where the scenario says redis: true/);
    assert.match(wrong('{ do: pause, what: actor, at_s: 1, for_s: [1, 2] }'), /allowed kill, for an actor/);
    assert.match(wrong('{ do: kill, what: node, kind: rule, at_s: 1 }'), /nothing unless what is actor/);
    assert.match(wrong('{ do: link, what: node, mode: shut, at_s: 1, for_s: [1, 1] }'), /a part that nodes connect to/);
    assert.match(wrong('{ do: link, what: history, at_s: 1, for_s: [1, 1] }'), /a mode for a link/);
    assert.match(wrong('{ do: pause, what: node, at_s: 1 }'), /for_s: found nothing, allowed how long it lasts/);
    assert.match(wrong('{ do: kill, what: node, at_s: 1, for_s: [1, 2] }'), /it is over at once/);
    assert.match(wrong('{ do: link, what: history, mode: delay, at_s: 1, for_s: [1, 1] }'), /delay_ms/);
    assert.match(wrong('{ do: link, what: history, mode: throttle, at_s: 1, for_s: [1, 1] }'), /bytes_per_s/);
    assert.match(wrong('{ do: link, what: devices, mode: stuck, at_s: 1, for_s: [1, 1] }'), /mode: found stuck/);
    assert.match(wrong('{ do: answers, what: devices, mode: hold, at_s: 1, for_s: [1, 1] }'), /mode: found hold/);
    assert.match(wrong('{ do: answers, what: redis, mode: stuck, at_s: 1, for_s: [1, 1] }'), /devices, for answers/);
    assert.match(wrong('{ do: answers, what: devices, mode: slow, at_s: 1, for_s: [1, 1] }'), /delay_ms/);
    assert.match(wrong('{ do: clock, what: node, at_s: 1, for_s: [1, 1] }'), /by_s: found nothing/);
    assert.match(wrong('{ do: clock, what: history, by_s: [1, 2], at_s: 1, for_s: [1, 1] }'), /node, for clock/);
    assert.match(wrong('{ do: kill, what: node, by_s: [1, 2], at_s: 1 }'), /for clock only/);
    assert.match(wrong('{ do: fill, what: redis, at_s: 1, for_s: [1, 1] }'), /node, for fill/);
    assert.match(wrong('{ do: split, what: nats-server, at_s: 1, for_s: [1, 1] }'), /nats_servers: 3/);
    const both = wrong('{ do: kill, what: nodes, at_s: -1 }', 'name: Test\nduration_s: 30\nfaults:\n');
    assert.equal(both.split('\n').length, 3, both);
  });

  it('may bound the commands of the load', () => {
    const head = 'name: test\nduration_s: 30\nload: { per_second: 50 }\nfaults:\n';
    assert.equal(parse(`${head}  - { do: kill, what: node, at_s: 3 }\n`).scenario?.perSecond, 50);
    assert.match(wrong('{ do: kill, what: node, at_s: 3 }', head.replace('50', '0')), /load\.per_second: found 0/);
  });

  it('that come along are valid, each under its name, and each breaks something', () => {
    const files = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));
    assert.ok(files.length >= 10);
    for (const file of files) {
      const { scenario, problems } = parse(readFileSync(new URL(file, FOLDER), 'utf8'));
      assert.deepEqual(problems, [], file);
      assert.equal(`${scenario?.name}.yaml`, file);
      assert.ok(scenario && planFaults(scenario, scenario.seed).length > 0, file);
    }
  });

  it('are the same for the same seed, and others for another', () => {
    const { scenario } = parse(
      `${HEAD}  - { do: kill, what: node, every_s: [1, 3] }\n  - { do: pause, what: devices, at_s: 7, for_s: [1, 2] }\n`,
    );
    assert.ok(scenario);
    const plan = planFaults(scenario, 5);
    assert.deepEqual(planFaults(scenario, 5), plan);
    assert.notDeepEqual(planFaults(scenario, 6), plan);
    assert.deepEqual(
      plan.map(({ number }) => number),
      plan.map((_, index) => index + 1),
    );
    const kills = plan.filter(({ fault }) => fault.do === 'kill').map(({ atMs }) => atMs);
    kills.slice(1).forEach((at, index) => {
      const since = at - (kills[index] ?? 0);
      assert.ok(since >= 1_000 && since <= 3_000, `${since} ms`);
    });
    const pause = plan.find(({ fault }) => fault.do === 'pause');
    assert.ok(pause && pause.atMs === 7_000 && pause.forMs >= 1_000 && pause.forMs <= 2_000);
    // One fault less does not move the others.
    const fewer = planFaults({ ...scenario, faults: scenario.faults.slice(0, 1) }, 5);
    assert.deepEqual(
      fewer.map(({ atMs }) => atMs),
      kills,
    );
  });

  it('can be done in less time: the same faults, each as long as before', () => {
    const { scenario } = parse(
      `${HEAD}  - { do: pause, what: node, at_s: 15, for_s: [2, 4] }\n  - { do: kill, what: node, every_s: [6, 9] }\n`,
    );
    assert.ok(scenario);
    const { durationS, faults } = lasting(scenario, 10);
    assert.equal(durationS, 10);
    assert.deepEqual(faults, [
      { do: 'pause', what: 'node', at_s: 5, for_s: [2, 4] },
      { do: 'kill', what: 'node', every_s: [2, 3] },
    ]);
  });

  it('tell their faults in words', () => {
    const { scenario } = parse(
      `${HEAD}  - { do: link, what: history, mode: delay, delay_ms: 20, jitter_ms: 5, at_s: 1, for_s: [2, 2] }\n  - { do: kill, what: actor, kind: rule, at_s: 2 }\n`,
    );
    assert.deepEqual(scenario && planFaults(scenario, 1).map(describeFault), [
      'delay the link to history 20 ms ± 5 ms for 2.0 s',
      'kill actor of kind rule',
    ]);
    const others = parse(
      `${HEAD}  - { do: answers, what: devices, mode: stuck, share: 0.2, at_s: 1, for_s: [2, 2] }\n  - { do: clock, what: node, by_s: [-3, -3], at_s: 2, for_s: [1, 1] }\n`,
    ).scenario;
    assert.deepEqual(others && planFaults(others, 1).map(describeFault), [
      'stuck answers of devices 20 % of them for 2.0 s',
      'move the clock of node by -3.0 s for 1.0 s',
    ]);
  });
});
