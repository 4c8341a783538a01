import Type, { type Static } from 'typebox';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { EventBody } from '../../../bus/messages.js';
import { OWN_SCHEMAS, validator } from '../../../site/validator.js';

/** Event types of the runtime's own; no kind may use them. */
const PREFIX = 'statewatt.';

/** A child has crashed too often, or is temporary and has crashed: the one such event that a parent's chart hears. */
export const CHILD_FAILED = 'child.failed';

const ref = Type.String({ maxLength: 200 });
const closed = { additionalProperties: false } as const;

const schemas = {
  /** Parent to child: you are mine now. Journaled by the child. */
  'statewatt.adopt': Type.Object(
    { by: ref, restart: Type.Unsafe<'permanent' | 'temporary'>({ enum: ['permanent', 'temporary'] }) },
    closed,
  ),
  /** Parent to child: end for good. Journaled by the child. */
  'statewatt.stop': Type.Object({ by: ref }, closed),
  /** Parent to child: begin anew from the journal, after a while. */
  'statewatt.restart': Type.Object({ by: ref, delayMs: Type.Number({ minimum: 0, maximum: 3_600_000 }) }, closed),
  /** Parent to child: stop, and be `failed` until something starts you. */
  'statewatt.halt': Type.Object({ by: ref, reason: Type.String() }, closed),
  /** The node of a child to its parent: it has crashed and waits for what you decide. Journaled by the parent. */
  'statewatt.crashed': Type.Object(
    { child: ref, error: Type.Object({ code: Type.String(), message: Type.String() }, closed) },
    closed,
  ),
} as const;

type Schemas = typeof schemas;
/** What supervisors and supervised say to each other; travels as commands do. */
export type Control = { [T in keyof Schemas]: { readonly type: T } & Readonly<Static<Schemas[T]>> }[keyof Schemas];

const ajv = new Ajv2020({ ...OWN_SCHEMAS, strict: false });
const validators = new Map(
  Object.entries(schemas).map(([type, schema]) => {
    const properties = { ...schema.properties, type: Type.Literal(type) };
    return [type, validator(() => ajv.compile(Type.Object(properties, closed)))];
  }),
);

/** Whether an event type belongs to the runtime. */
export function isReserved(type: string): boolean {
  return type.startsWith(PREFIX) || type === CHILD_FAILED;
}

/** Whether an event of this type passes the state chart by. */
export function bypassesChart(type: string): boolean {
  return type.startsWith(PREFIX);
}

/** undefined when it is none, or not as it must be. */
export function asControl(event: EventBody): Control | undefined {
  if (!event.type.startsWith(PREFIX)) return undefined;
  return validators.get(event.type)?.(event) === true ? (event as unknown as Control) : undefined;
}
