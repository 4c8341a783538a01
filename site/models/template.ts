import type { PointKind } from '../points.js';

/** The value of a parameter. */
export type ParameterValue = number | string | boolean;

/** What a model of the template is told when it is made. Without a default it must be given. */
export interface ParameterDefinition {
  readonly name: string;
  readonly type: 'number' | 'text' | 'boolean';
  readonly unit: string;
  readonly description: string;
  readonly default?: ParameterValue;
  /** Of numbers. */
  readonly min?: number;
  readonly max?: number;
  /** Allowed texts; absent: any. */
  readonly choices?: readonly string[];
}

/**
 * A number, or a number parameter: `${rated_power}`, or its negative: `-${rated_power}`.
 */
export type NumberTerm = number | string;

/** What the variable of a repeated point takes: these words, or 1 … n, n a number or a parameter `${cells}`. */
export type EachTerm = NumberTerm | readonly (string | number)[];

/** One point of a template, or one for each value of `each`. Its texts may hold `${parameter}` and `${variable}`. */
export interface PointTemplate {
  readonly name: string;
  readonly kind: PointKind;
  readonly title: string;
  readonly unit: string;
  readonly description: string;
  /** The value is text, not a number. */
  readonly text: boolean;
  /** Variable → its values; several variables give every combination, the last one moving fastest. */
  readonly each: Readonly<Record<string, EachTerm>>;
  /** A boolean parameter: the point is there when it is true; `!name`: when it is false. */
  readonly when?: string;
  readonly min?: NumberTerm;
  readonly max?: NumberTerm;
  /** What the numbers of an enumeration mean, by number. */
  readonly symbols?: Readonly<Record<string, string>>;
  /** Name of the data attribute in IEC 61850-7-4 or 7-420: logical node, object, part. */
  readonly iec61850?: string;
  /** `model.point` of the SunSpec information models. */
  readonly sunspec?: string;
  /** T and S: computed from other points of the model, by their names, where it is not mapped. */
  readonly expression?: string;
}

/** What a sort of equipment is: its parameters and its points. */
export interface Template {
  /** Names it: A-Z a-z 0-9 _ -. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** The sort of product, a word; models are grouped by it. */
  readonly product: string;
  /** Where its points come from. */
  readonly standard: string;
  readonly parameters: readonly ParameterDefinition[];
  readonly points: readonly PointTemplate[];
}

/** Where something of a template or a model is written, for telling what is wrong with it. */
export interface ModelOrigin {
  at(...steps: readonly (string | number)[]): ModelOrigin;
  /** Notes that `field` of this thing holds `found` where `allowed` is meant; `why` replaces the usual sentence. */
  report(field: string, found: string, allowed: string, why?: string): void;
}
