import assert from 'node:assert/strict';
import type { ActorView, NodeView } from '../../../actors/client/schemas.js';
import type { SupervisorView } from '../../../actors/client/supervision-schemas.js';
import { StatewattError } from '../../../errors/error.js';
import { FakeClient } from '../../support/fake-client.js';
import { NOW, statewatt } from './support.js';

const RED = '\u001b[31m';

function actor(ref: string, rest: Partial<ActorView> = {}): ActorView {
  const [kind, id] = ref.split('/') as [string, string];
  return {
    ref,
    kind,
    id,
    state: 'online',
    node: 'n1',
    partition: 3,
    mailbox: 0,
    commands: 0,
    restarts: 0,
    seq: 9,
    activatedAt: NOW,
    lastError: null,
    ...rest,
  };
}

function node(name: string, rest: Partial<NodeView> = {}): NodeView {
  return { node: name, instance: `i-${name}`, draining: false, partitions: [3, 4], actors: 2, heardAt: NOW, ...rest };
}

function supervisor(partition: number, rest: Partial<SupervisorView> = {}): SupervisorView {
  return {
    partition,
    node: 'n1',
    actors: 1,
    restarts: 0,
    escalations: 0,
    failed: 0,
    failedActors: [],
    budgets: [],
    ...rest,
  };
}

/** Two nodes; each look finds that `channel/2` has taken 50 commands more. */
function site(): FakeClient {
  const client = new FakeClient({ time: NOW });
  let looks = 0;
  client.nodes = () => Promise.resolve([node('n1'), node('n2', { draining: true, partitions: [5] })]);
  client.supervisors = () =>
    Promise.resolve([
      supervisor(3),
      supervisor(4),
      supervisor(5, { node: 'n2', restarts: 6, failed: 1, failedActors: ['rule/1'] }),
    ]);
  client.actors = () => {
    looks += 1;
    return Promise.resolve([
      actor('channel/1', { commands: 1_000, mailbox: 1 }),
      actor('channel/2', { commands: 1_000 + looks * 50, partition: 4 }),
      actor('rule/1', { node: 'n2', partition: 5, state: 'failed', restarts: 6, lastError: 'boom\nat x' }),
    ]);
  };
  return client;
}

describe('cli top', () => {
  it('tells rates as one document, busiest first', async () => {
    const { code, out } = await statewatt('top --json --interval 0.05 --limit 2', { client: site() });
    const document = JSON.parse(out) as { nodes: NodeView[]; actors: (ActorView & { commandsPerSecond: number })[] };
    assert.equal(code, 0);
    assert.deepEqual(
      document.nodes.map((each) => each.node),
      ['n1', 'n2'],
    );
    assert.deepEqual(
      document.actors.map(({ ref }) => ref),
      ['channel/2', 'channel/1'],
    );
    const [busy, idle] = document.actors;
    assert.ok(busy !== undefined && busy.commandsPerSecond > 0 && busy.commandsPerSecond <= 1_010);
    assert.equal(idle?.commandsPerSecond, 0);
  });

  it('draws tables once where there is no terminal', async () => {
    const { out } = await statewatt('top --interval 0.05', { client: site() });
    assert.match(
      out,
      /^NODE +PARTITIONS +ACTORS +HEARD +STATE\nn1 +2 +2 +0 ms {2}working\nn2 +1 +2 +0 ms {2}draining\n\n/,
    );
    assert.match(out, /^rule\/1 +failed +n2 +0\.0 +0 +6 {2}boom\?at x$/m);
    assert.ok(!out.includes('\u001b'));
  });

  it('is redrawn on a terminal until it is interrupted, also while no node answers', async () => {
    const client = site();
    const interrupted = new AbortController();
    const found = await client.nodes();
    let looks = 0;
    client.nodes = () => {
      looks += 1;
      if (looks === 2) return Promise.reject(new StatewattError('client.unavailable', 'unavailable', 'nobody there'));
      if (looks === 4) interrupted.abort();
      return Promise.resolve(found);
    };
    const { code, out } = await statewatt('top --interval 0.01', {
      client,
      terminal: 100,
      interrupted: interrupted.signal,
    });
    const screens = out.split('\u001b[H\u001b[J').slice(1);
    assert.equal(code, 0);
    assert.equal(screens.length, 4);
    assert.equal(screens[1], 'client.unavailable: nobody there\n');
    assert.ok(screens[3]?.includes(`${RED}failed`));
  });

  it('ends at an error that will not pass', async () => {
    const client = site();
    client.nodes = () => Promise.reject(new StatewattError('nats.invalid', 'invalid', 'no'));
    assert.equal((await statewatt('top', { client, terminal: 100 })).code, 1);
  });
});

describe('cli tree', () => {
  it('draws nodes, partitions and actors', async () => {
    const { out } = await statewatt('tree', { client: site() });
    assert.equal(
      out,
      'n1  2 partitions, 2 actors\n' +
        '├─ 3  1 actor\n' +
        '│  └─ channel/1  online\n' +
        '└─ 4  1 actor\n' +
        '   └─ channel/2  online\n' +
        'n2  1 partition, 2 actors, draining\n' +
        '└─ 5  1 actor, 6 restarts, 1 failed\n' +
        '   └─ rule/1  failed, 6 restarts, boom?at x\n',
    );
    assert.ok((await statewatt('tree', { client: site(), terminal: 100 })).out.includes(`${RED}failed`));
    assert.ok(!(await statewatt('tree --kind rule', { client: site() })).out.includes('channel'));
  });

  it('shows what the supervisors had to do, and how much of an intensity is used up', async () => {
    const client = site();
    const [one, two] = (await client.actors()) as [ActorView, ActorView, ActorView];
    client.actors = () =>
      Promise.resolve([
        { ...one, children: ['channel/2'] },
        { ...two, node: 'n2', partition: 5 },
      ]);
    const window = { crashes: 2, intensity: 5, windowMs: 60_000 };
    client.supervisors = () =>
      Promise.resolve([
        supervisor(3, {
          restarts: 1,
          escalations: 1,
          budgets: [
            { ref: 'channel/1', of: 'self', ...window },
            { ref: 'channel/1', of: 'rest-for-one', ...window, crashes: 1 },
          ],
        }),
        supervisor(5, { node: 'n2', budgets: [{ ref: 'channel/2', of: 'self', ...window }] }),
      ]);
    const { out } = await statewatt('tree', { client });
    assert.equal(
      out,
      'n1  2 partitions, 2 actors\n' +
        '└─ 3  1 actor, 1 restart, 1 escalation\n' +
        '   └─ channel/1  online, 2 of 5 crashes in 60 s, rest-for-one children: 1 of 5 crashes in 60 s\n' +
        '      └─ channel/2  online, on n2, 2 of 5 crashes in 60 s\n' +
        'n2  1 partition, 2 actors, draining\n' +
        '└─ 5  1 actor\n',
    );
    client.supervisors = () => Promise.resolve([]);
    assert.match((await statewatt('tree', { client })).out, /└─ 3 {2}1 actor, changing hands\n/);
    const document = JSON.parse((await statewatt('tree --json', { client: site() })).out) as {
      partitions: { supervisor: SupervisorView | null }[];
    }[];
    assert.deepEqual(document[1]?.partitions[0]?.supervisor?.failedActors, ['rule/1']);
  });

  it('draws children below their parents, wherever they live, each once', async () => {
    const client = site();
    const all = await client.actors();
    const [one, two, failed] = all as [ActorView, ActorView, ActorView];
    client.actors = () =>
      Promise.resolve([
        { ...one, children: ['channel/2', 'rule/9'] },
        { ...two, parent: 'channel/1', children: ['rule/1', 'channel/1'] },
        { ...failed, parent: 'channel/2' },
      ]);
    const { out } = await statewatt('tree', { client });
    assert.equal(
      out,
      'n1  2 partitions, 2 actors\n' +
        '├─ 3  1 actor\n' +
        '│  └─ channel/1  online\n' +
        '│     ├─ channel/2  online\n' +
        '│     │  └─ rule/1  failed, on n2, 6 restarts, boom?at x\n' +
        '│     └─ rule/9  not active\n' +
        '└─ 4  1 actor\n' +
        'n2  1 partition, 2 actors, draining\n' +
        '└─ 5  1 actor, 6 restarts, 1 failed\n',
    );
    const rules = await statewatt('tree --kind rule', { client });
    assert.ok(rules.out.includes('└─ rule/1  failed'));
    const channels = await statewatt('tree --kind channel', { client });
    assert.ok(!channels.out.includes('rule/1'));
  });

  it('tells it as JSON', async () => {
    const { out } = await statewatt('tree --json', { client: site() });
    const branches = JSON.parse(out) as { node: string; partitions: { partition: number; actors: ActorView[] }[] }[];
    assert.deepEqual(
      branches.map(({ node, partitions }) => [
        node,
        partitions.map(({ partition, actors }) => [partition, actors.map(({ ref }) => ref)]),
      ]),
      [
        [
          'n1',
          [
            [3, ['channel/1']],
            [4, ['channel/2']],
          ],
        ],
        ['n2', [[5, ['rule/1']]]],
      ],
    );
  });
});
