import type { Formula } from './formulas.js';
import type { PointKind } from '../points.js';
import type { ParameterValue } from './template.js';

/** The channel point that a model's point stands for. Engineering units on both sides. */
export interface PointMapping {
  /** `comsrv:<channel>:<kind>:<id>`, the prefix may be left out. */
  readonly point: string;
  /** T and A: model value = channel value · scale + offset. A write goes the other way. */
  readonly scale?: number;
  readonly offset?: number;
  /** S and C: the state is inverted. */
  readonly reverse?: boolean;
}

/** What a model is told to be, by the site file or a caller. */
export interface ModelDefinition {
  /** Names it: 1 to 64 of A-Z a-z 0-9 _ -. */
  readonly id: string;
  readonly name: string;
  /** Id of its template. */
  readonly template: string;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** The model that this one is part of; null: of the site itself. */
  readonly parent: string | null;
  /** Point's name → the channel point that it stands for. */
  readonly points: Readonly<Record<string, PointMapping>>;
}

/** A mapping that has been checked against the site's channels. */
export interface Route {
  readonly channel: number;
  readonly kind: PointKind;
  readonly id: number;
  /** States have 1 and 0, inverted ones −1 and 1. */
  readonly scale: number;
  readonly offset: number;
}

/** One point of a model, expanded. */
export interface ModelPoint {
  /** Unique in the model: a letter, then letters, digits and _. */
  readonly name: string;
  readonly kind: PointKind;
  readonly title: string;
  readonly unit: string;
  readonly description: string;
  readonly text: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly symbols?: Readonly<Record<string, string>>;
  readonly iec61850?: string;
  readonly sunspec?: string;
  /** How it is computed from other points of the model, unless it has a route. */
  readonly expression?: string;
  /** Where its value comes from (T, S) and its writes go to (C, A); absent: it holds what it was set to, or is computed. */
  readonly route?: Route;
}

/** A model, whole and checked: its template expanded with its parameters, its points bound to channel points. */
export interface Model {
  readonly definition: ModelDefinition;
  readonly product: string;
  /** With the defaults of those that are not given. */
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** In the order of the template. */
  readonly points: readonly ModelPoint[];
  /** Of the computed points, each after those that it needs. */
  readonly formulas: readonly Formula[];
}

/** Whether the point takes writes: what a channel measures and what is computed does not. */
export function isWritable({ route, expression, kind }: ModelPoint): boolean {
  return route === undefined ? expression === undefined : kind === 'C' || kind === 'A';
}

/** Points that one model may have. */
export const MAX_MODEL_POINTS = 10_000;

/** The model's value of a channel's value. */
export function fromChannel(route: Route, value: number): number {
  return value * route.scale + route.offset;
}

/** The channel's value of a model's value: the inverse of `fromChannel`. */
export function toChannel(route: Route, value: number): number {
  return (value - route.offset) / route.scale;
}
