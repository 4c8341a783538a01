import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runStatewatt } from '../support/site-process.js';
import { tempFolder } from '../support/temp.js';

/** The short form of load/mint-kills: fewer kills, each in a state that it names. */
const SCENARIO = `
name: kills
duration_s: 10
nodes: 2
channels: 1
load: { callers: 1, actors: 1 }
minting: { readings: 300, meters: 6 }
faults:
  - { do: kill, what: chain, in: building, at_s: 1 }
  - { do: kill, what: worker, in: signing, at_s: 3 }
  - { do: kill, what: node, in: submitting, at_s: 4 }
  - { do: link, what: chain, mode: shut, in: submitting, every_s: [2, 3], for_s: [0.5, 1] }
  - { do: kill, what: nats-server, in: confirming, at_s: 8 }
  - { do: kill, what: chain, in: signing, at_s: 9 }
bounds: { recovery_s: 120 }
`;

interface Report {
  readonly passed: boolean;
  readonly verdicts: readonly { readonly invariant: string }[];
  readonly minting: {
    readonly readings: number;
    readonly transactions: number;
    readonly hits: readonly { readonly faults: number; readonly states: Readonly<Record<string, number>> }[];
  };
}

describe('chaos: kills while readings become tokens', function () {
  this.timeout(300_000);

  it('each accepted reading has one signature, and the sum on chain is theirs', async () => {
    const folder = await tempFolder();
    try {
      const file = join(folder.path, 'kills.yaml');
      await writeFile(file, SCENARIO);
      const run = await runStatewatt(['chaos', 'run', file, '--out', folder.path, '--json']);
      assert.equal(run.code, 0, run.out + run.err);
      const report = JSON.parse(await readFile(join(folder.path, 'report.json'), 'utf8')) as Report;
      assert.equal(report.passed, true);
      const invariants = report.verdicts.map(({ invariant }) => invariant);
      for (const name of ['readings-judged', 'readings-kept', 'minted-sum', 'minted-once'])
        assert.ok(invariants.includes(name), name);
      const { readings, transactions, hits } = report.minting;
      assert.equal(readings, 300);
      assert.ok(transactions >= readings / 10);
      assert.ok(hits.some(({ states }) => Object.values(states).some((count) => count > 0)));
      assert.match(await readFile(join(folder.path, 'report.md'), 'utf8'), /^## Minting$/m);
    } finally {
      await folder.remove();
    }
  });
});
