import type { VirtualPattern } from '../model.js';
import type { PointDefinition, PointKind } from '../points.js';
import type { PointSet } from './point-set.js';
import { show } from './problems.js';
import { readReplay } from './replay-table.js';
import type { PatternFile, SimulationFile } from './schema/simulation.js';
import type { Block, SiteSource } from './source.js';

/** Distributes over the union, so that each pattern keeps its own fields. */
type WithoutTarget<T> = T extends unknown ? Omit<T, 'kind' | 'pointId'> : never;
type Shape = WithoutTarget<VirtualPattern>;

interface Target {
  readonly kind: PointKind;
  readonly pointId: number | undefined;
  readonly shape: Shape;
  readonly block: Block;
}

/**
 * The patterns of a virtual channel. `makePoints`: the channel defines no points, so each pattern gets one; otherwise a
 * pattern for a point that is not there is a problem.
 */
export async function readPatterns(
  source: SiteSource,
  file: SimulationFile,
  block: Block,
  points: PointSet,
  makePoints: boolean,
): Promise<VirtualPattern[]> {
  const targets: Target[] = [];
  for (const [index, pattern] of (file.patterns ?? []).entries()) {
    const at = block.at('patterns', index);
    const target = await readPattern(source, pattern, at);
    if (target !== undefined) targets.push(target);
  }
  targets.push(...readShortForms(file, block, new Set(targets.map((target) => target.pointId))));

  const patterns: VirtualPattern[] = [];
  const driven = new Set<string>();
  for (const { kind, pointId = 1, shape, block: at } of targets) {
    const key = `${kind}${pointId}`;
    if (driven.has(key)) {
      at.report('point_id', `point ${kind} ${pointId} again`, 'one pattern for each point');
      continue;
    }
    driven.add(key);
    if (makePoints) points.add(patternPoint(kind, pointId, shape), at);
    else checkPoint(points, kind, pointId, at);
    patterns.push({ ...shape, kind, pointId });
  }
  return patterns;
}

/** Says so when the channel has no such point. */
export function checkPoint(points: PointSet, kind: PointKind, id: number, block: Block): void {
  const point = points.get(kind, id)?.point;
  if (point === undefined) {
    if (!points.isPartial) block.report('point_id', `point ${kind} ${id}`, 'a point of the channel');
  } else if (point.dataType === 'string') {
    block.report('point_id', `point ${kind} ${id}, which holds text`, 'a point that holds numbers');
  }
}

async function readPattern(source: SiteSource, file: PatternFile, block: Block): Promise<Target | undefined> {
  if (!('type' in file)) {
    const [first, second] = Object.entries(file);
    if (first === undefined) return undefined; // the schema has told it
    const [name] = first;
    if (second !== undefined) {
      block.report(second[0], `${name} and ${second[0]}`, 'one pattern for each entry of the list');
      return undefined;
    }
    const { SineWave, RandomWalk, StepFunction } = file;
    const at = block.at(name);
    if (SineWave !== undefined) return target(SineWave, sine(SineWave), at);
    if (RandomWalk !== undefined) return target(RandomWalk, walk(RandomWalk, at), at);
    return StepFunction === undefined ? undefined : target(StepFunction, step(StepFunction), at);
  }
  switch (file.type) {
    case 'sine':
    case 'SineWave':
      return target(file, sine(file), block);
    case 'random_walk':
    case 'RandomWalk':
      return target(file, walk(file, block), block);
    case 'step':
    case 'StepFunction':
      return target(file, step(file), block);
    case 'ramp': {
      const { from, to, duration_ms: durationMs, repeat = true } = file;
      return target(file, { type: 'ramp', from, to, durationMs, repeat }, block);
    }
    case 'constant':
      return target(file, { type: 'constant', value: file.value }, block);
    case 'replay': {
      const rows = await readReplay(source, file.file, block.at('file'));
      return rows && target(file, { type: 'replay', rows, repeat: file.repeat ?? true }, block);
    }
  }
}

function target(file: { kind?: PointKind; point_id: number }, shape: Shape, block: Block): Target {
  return { kind: file.kind ?? 'T', pointId: file.point_id, shape, block };
}

/** VoltageEMS's `sine_wave`, `random_walk` and `step_function`: each drives the first T point that is free. */
function readShortForms(file: SimulationFile, block: Block, taken: Set<number | undefined>): Target[] {
  const { sine_wave: sineWave, random_walk: randomWalk, step_function: stepFunction } = file;
  const forms: [string, { point_id?: number } | undefined, () => Shape][] = [
    ['sine_wave', sineWave, () => sine(sineWave as SineFile)],
    ['random_walk', randomWalk, () => walk(randomWalk as WalkFile, block.at('random_walk'))],
    ['step_function', stepFunction, () => step(stepFunction as StepFile)],
  ];
  for (const [, form] of forms) taken.add(form?.point_id);
  const targets: Target[] = [];
  for (const [name, form, shape] of forms) {
    if (form === undefined) continue;
    let pointId = form.point_id;
    for (let id = 1; pointId === undefined; id++) if (!taken.has(id)) pointId = id;
    taken.add(pointId);
    targets.push({ kind: 'T', pointId, shape: shape(), block: block.at(name) });
  }
  return targets;
}

interface SineFile {
  amplitude: number;
  frequency: number;
  phase?: number;
  offset?: number;
}
interface WalkFile {
  initial_value?: number;
  step_size: number;
  bounds: [number, number];
}
interface StepFile {
  values: number[];
  duration_ms: number;
}

function sine({ amplitude, frequency, phase = 0, offset = 0 }: SineFile): Shape {
  return { type: 'sine', amplitude, frequencyHz: frequency, phase, offset };
}

function walk({ initial_value: initial, step_size: stepSize, bounds }: WalkFile, block: Block): Shape {
  const [min, max] = bounds;
  const initialValue = initial ?? Math.min(max, Math.max(min, 0));
  if (min >= max) {
    block.report('bounds', show(bounds), 'the least value before the greatest');
  } else if (initialValue < min || initialValue > max) {
    block.report('initial_value', show(initialValue), `a number from ${min} to ${max}, as bounds says`);
  }
  return { type: 'random-walk', initialValue, stepSize, min, max };
}

function step({ values, duration_ms: durationMs }: StepFile): Shape {
  return { type: 'step', values, durationMs };
}

const NAMES: Readonly<Record<VirtualPattern['type'], string>> = {
  sine: 'Sine wave',
  'random-walk': 'Random walk',
  step: 'Step function',
  ramp: 'Ramp',
  constant: 'Constant',
  replay: 'Replay',
};

function patternPoint(kind: PointKind, id: number, { type }: Shape): PointDefinition {
  return virtualPoint(kind, id, `${NAMES[type]} ${id}`, '');
}

/** A point that a simulation makes for itself. */
export function virtualPoint(kind: PointKind, id: number, name: string, unit: string): PointDefinition {
  const dataType = kind === 'S' || kind === 'C' ? 'bool' : 'float64';
  return { kind, id, name, unit, dataType, scale: 1, offset: 0, reverse: false, deadband: 0 };
}
