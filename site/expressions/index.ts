/** The expression language of rules and computed points (docs/expressions.md). */
export { compileExpression, type CompileOptions, type Evaluator, type Expression } from './expression.js';
export { ExpressionError, type ExpressionProblem } from './error.js';
export { isTimeZone } from './time-of-day.js';
export { ANY_POINT, nameOfPoint, sitePoints, type PointScope, type ReadPoint } from './points.js';
