/** A place in an expression, both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export type BinaryOperator = 'or' | 'and' | '<' | '<=' | '>' | '>=' | '==' | '!=' | '+' | '-' | '*' | '/' | '%';

/** What belongs to what, as grammar.peggy says it; nothing is known yet of names and types. */
export type Tree =
  /** A number, duration, time of day, true or false, address or alias. */
  | { readonly type: 'word'; readonly text: string; readonly at: Position }
  | { readonly type: 'quoted'; readonly text: string; readonly at: Position }
  | { readonly type: 'call'; readonly name: string; readonly args: readonly Tree[]; readonly at: Position }
  | { readonly type: 'unary'; readonly op: '-' | 'not'; readonly operand: Tree; readonly at: Position }
  | {
      readonly type: 'binary';
      readonly op: BinaryOperator;
      readonly left: Tree;
      readonly right: Tree;
      /** Of the operator. */
      readonly at: Position;
    };
