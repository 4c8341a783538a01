import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import Type, { type Static } from 'typebox';
import { errorMessage } from '../errors/error.js';
import { Problems } from '../site/config/problems.js';
import { checkFile } from '../site/config/schema-check.js';
import { YamlSource } from '../site/config/yaml-source.js';
import { checkFault, FaultSchema, type FaultFile } from './fault.js';
import { SELDOM_USED, validator } from '../site/validator.js';

export const ScenarioSchema = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,63}$' }),
    description: Type.Optional(Type.String()),
    seed: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, description: 'default 1; --seed goes before it' }),
    ),
    duration_s: Type.Number({ minimum: 1, maximum: 86_400, description: 'how long faults come' }),
    nodes: Type.Optional(Type.Integer({ minimum: 1, maximum: 16, description: 'default 1' })),
    nats_servers: Type.Optional(
      Type.Enum([1, 3], {
        description: 'default 1; 3: a cluster that keeps three copies, each server in a network of its own',
      }),
    ),
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
          per_second: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 100_000, description: 'commands in all; default: as fast as they go' }),
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
          realtime_behind_s: Type.Optional(
            Type.Number({ minimum: 1, maximum: 3_600, description: 'of Redis behind history; default 10' }),
          ),
          memory_mb_per_h: Type.Optional(
            Type.Number({ minimum: 1, description: 'by which a node may grow; for runs of many minutes' }),
          ),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);

export type ScenarioFile = Static<typeof ScenarioSchema>;

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
  readonly natsServers: number;
  readonly channels: number;
  readonly redis: boolean;
  readonly callers: number;
  readonly actors: number;
  /** Commands of all callers, at most; undefined: each sends the next one when the one before was acknowledged. */
  readonly perSecond?: number;
  /** Undefined: nothing is minted. */
  readonly minting?: ScenarioMinting;
  readonly faults: readonly FaultFile[];
  readonly recoveryS: number;
  readonly memoryMb: number;
  /** By which Redis may be older than history. */
  readonly realtimeBehindS: number;
  /** Undefined: growth is told, not judged. */
  readonly memoryMbPerH: number | undefined;
}

const validate = validator(() =>
  new Ajv2020({ ...SELDOM_USED, allErrors: true, verbose: true, strict: false }).compile<ScenarioFile>(ScenarioSchema),
);

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
    natsServers: found.nats_servers ?? 1,
    channels: found.channels ?? 10,
    redis: found.redis ?? false,
    callers: load.callers ?? 4,
    actors: load.actors ?? 20,
    ...(load.per_second === undefined ? {} : { perSecond: load.per_second }),
    ...(minting === undefined ? {} : { minting: mintingOf(minting) }),
    faults: found.faults,
    recoveryS: bounds.recovery_s ?? 30,
    memoryMb: bounds.memory_mb ?? 1_500,
    realtimeBehindS: bounds.realtime_behind_s ?? 10,
    memoryMbPerH: bounds.memory_mb_per_h,
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
