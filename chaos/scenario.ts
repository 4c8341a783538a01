import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import Type, { type Static } from 'typebox';
import { errorMessage } from '../errors/error.js';
import { Problems } from '../site/config/problems.js';
import { checkFile } from '../site/config/schema-check.js';
import { FAULT_STATES } from './minting/batch-states.js';
import { YamlSource } from '../site/config/yaml-source.js';

/** What can be broken. */
export const TARGETS = ['node', 'actor', 'nats-server', 'history', 'redis', 'devices', 'worker', 'chain'] as const;
export type Target = (typeof TARGETS)[number];

const seconds = (description: string) => Type.Number({ minimum: 0, maximum: 86_400, description });
const span = (description: string) =>
  Type.Array(Type.Number({ minimum: 0, maximum: 3_600 }), { minItems: 2, maxItems: 2, description });

const FaultSchema = Type.Object(
  {
    do: Type.Enum(['kill', 'pause', 'link'], {
      description: 'kill: SIGKILL, it is started again. pause: SIGSTOP, then SIGCONT. link: its connections fail.',
    }),
    what: Type.Enum([...TARGETS]),
    kind: Type.Optional(Type.String({ minLength: 1, description: 'with what: actor, only actors of this kind' })),
    at_s: Type.Optional(seconds('once, so long after the load has begun')),
    every_s: Type.Optional(span('again and again, after a random time between these')),
    for_s: Type.Optional(span('how long it lasts: a random time between these')),
    in: Type.Optional(
      Type.Enum([...FAULT_STATES, 'any'], {
        description: 'wait until it runs, and a mint batch is in this state (5 s at most); any: each time another one',
      }),
    ),
    mode: Type.Optional(
      Type.Enum(['hold', 'half-open', 'shut', 'reset', 'delay', 'throttle', 'corrupt'], {
        description:
          'of a link. hold: nothing passes, connections stay. half-open: answers are lost, connections stay. shut: refused. reset: ended once. delay, throttle: slow. ' +
          'corrupt: now and then a byte is another one.',
      }),
    ),
    delay_ms: Type.Optional(Type.Number({ minimum: 1, maximum: 60_000 })),
    jitter_ms: Type.Optional(Type.Number({ minimum: 0, maximum: 60_000 })),
    bytes_per_s: Type.Optional(Type.Integer({ minimum: 100 })),
  },
  { additionalProperties: false },
);

export const ScenarioSchema = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,63}$' }),
    description: Type.Optional(Type.String()),
    seed: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, description: 'default 1; --seed goes before it' }),
    ),
    duration_s: Type.Number({ minimum: 1, maximum: 86_400, description: 'how long faults come' }),
    nodes: Type.Optional(Type.Integer({ minimum: 1, maximum: 16, description: 'default 1' })),
    channels: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000, description: 'default 10, half of them over Modbus TCP' }),
    ),
    redis: Type.Optional(Type.Boolean({ description: 'newest values in a Redis of the run; default false' })),
    load: Type.Optional(
      Type.Object(
        {
          callers: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, description: 'default 4' })),
          actors: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 10_000, description: 'that they command; default 20' }),
          ),
        },
        { additionalProperties: false },
      ),
    ),
    minting: Type.Optional(
      Type.Object(
        {
          readings: Type.Integer({
            minimum: 1,
            maximum: 100_000,
            description: 'signed ones, spread over the duration',
          }),
          meters: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: 'default 20' })),
          batch_size: Type.Optional(Type.Integer({ minimum: 1, maximum: 19, description: 'default 10' })),
        },
        { additionalProperties: false, description: 'meters whose readings become tokens on a chain of the run' },
      ),
    ),
    faults: Type.Array(FaultSchema, { minItems: 1 }),
    bounds: Type.Optional(
      Type.Object(
        {
          recovery_s: Type.Optional(Type.Number({ minimum: 1, maximum: 3_600, description: 'default 30' })),
          memory_mb: Type.Optional(Type.Number({ minimum: 50, description: 'of each node; default 1500' })),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);

export type ScenarioFile = Static<typeof ScenarioSchema>;
export type FaultFile = Static<typeof FaultSchema>;

/** Signed readings that become tokens. */
export interface ScenarioMinting {
  readonly readings: number;
  readonly meters: number;
  readonly batchSize: number;
}

/** A scenario with every default filled in. */
export interface Scenario {
  readonly name: string;
  readonly description: string;
  readonly seed: number;
  readonly durationS: number;
  readonly nodes: number;
  readonly channels: number;
  readonly redis: boolean;
  readonly callers: number;
  readonly actors: number;
  /** Undefined: nothing is minted. */
  readonly minting?: ScenarioMinting;
  readonly faults: readonly FaultFile[];
  readonly recoveryS: number;
  readonly memoryMb: number;
}

const validate = new Ajv2020({ allErrors: true, verbose: true, strict: false }).compile<ScenarioFile>(ScenarioSchema);

/** @throws ConfigError `config.invalid` with every problem and its place */
export async function loadScenario(path: string): Promise<Scenario> {
  const file = resolve(path);
  const problems = new Problems();
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    problems.addFile(file, errorMessage(error), 'a scenario file', `cannot be read: ${errorMessage(error)}`);
    return undefined;
  });
  const scenario = text === undefined ? undefined : parseScenario(file, text, problems);
  problems.throwIfAny();
  return scenario as Scenario;
}

/** Undefined when something is wrong; `problems` then says what. */
export function parseScenario(file: string, text: string, problems: Problems): Scenario | undefined {
  const yaml = YamlSource.parse(file, text, problems);
  const found = yaml && checkFile(validate, yaml, problems);
  if (yaml === undefined || found === undefined) return undefined;
  found.faults.forEach((fault, index) =>
    checkFault(fault, found, (key, wrong, allowed) => {
      const path = ['faults', index, key];
      problems.add(yaml.place(path), `faults[${index}].${key}`, wrong, allowed);
    }),
  );
  if (problems.list.length > 0) return undefined;
  const { load = {}, bounds = {}, minting } = found;
  return {
    name: found.name,
    description: found.description ?? '',
    seed: found.seed ?? 1,
    durationS: found.duration_s,
    nodes: found.nodes ?? 1,
    channels: found.channels ?? 10,
    redis: found.redis ?? false,
    callers: load.callers ?? 4,
    actors: load.actors ?? 20,
    ...(minting === undefined ? {} : { minting: mintingOf(minting) }),
    faults: found.faults,
    recoveryS: bounds.recovery_s ?? 30,
    memoryMb: bounds.memory_mb ?? 1_500,
  };
}

/** The same faults within another time: those that come once and the times between others keep their share of it. */
export function lasting(scenario: Scenario, durationS: number): Scenario {
  const share = durationS / scenario.durationS;
  const faults = scenario.faults.map((fault) => ({
    ...fault,
    ...(fault.at_s === undefined ? {} : { at_s: fault.at_s * share }),
    ...(fault.every_s === undefined ? {} : { every_s: fault.every_s.map((each) => each * share) }),
  }));
  return { ...scenario, durationS, faults };
}

function mintingOf({ readings, meters = 20, batch_size = 10 }: NonNullable<ScenarioFile['minting']>): ScenarioMinting {
  return { readings, meters, batchSize: batch_size };
}

type Report = (key: keyof FaultFile, found: string, allowed: string) => void;

/** What the schema cannot say: which keys belong together. */
function checkFault(fault: FaultFile, { redis = false, minting }: ScenarioFile, report: Report): void {
  const { do: action, what, kind, at_s, every_s, for_s, mode } = fault;
  if ((at_s === undefined) === (every_s === undefined))
    report('do', 'neither or both of at_s and every_s', 'one of them');
  for (const key of ['every_s', 'for_s'] as const) {
    const [from = 0, to = 0] = fault[key] ?? [];
    if (from > to) report(key, `${from} to ${to}`, 'the shorter time first');
  }
  if (every_s !== undefined && (every_s[1] ?? 0) <= 0) report('every_s', 'no time at all', 'more than 0 s');
  if (what === 'redis' && !redis) report('what', 'redis', 'redis only where the scenario says redis: true');
  if (what === 'chain' && minting === undefined) report('what', 'chain', 'chain only where the scenario has minting');
  if (fault.in !== undefined && minting === undefined)
    report('in', fault.in, 'a state of mint batches only where the scenario has minting');
  if ((what === 'actor' || what === 'worker') && action !== 'kill')
    report('do', action, 'kill, for an actor or a worker');
  if (kind !== undefined && what !== 'actor') report('kind', kind, 'nothing unless what is actor');
  if (what === 'node' && action === 'link') report('what', 'node', 'a part that nodes connect to, for a link');
  if ((mode === undefined) === (action === 'link'))
    report('mode', mode ?? 'nothing', 'a mode for a link, none otherwise');
  const lasts = action === 'pause' || (action === 'link' && mode !== 'reset');
  if (lasts !== (for_s !== undefined))
    report(
      'for_s',
      for_s === undefined ? 'nothing' : 'a time',
      lasts ? 'how long it lasts' : 'nothing: it is over at once',
    );
  if (mode === 'delay' && fault.delay_ms === undefined) report('delay_ms', 'nothing', 'ms for which bytes are held up');
  if (mode === 'throttle' && fault.bytes_per_s === undefined)
    report('bytes_per_s', 'nothing', 'bytes that pass in a second');
}
