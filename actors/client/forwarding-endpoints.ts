import Type from 'typebox';
import { endpoint } from './endpoint.js';
import { ForwarderCommandSchema, ForwarderIdSchema, ForwarderViewSchema } from './forwarding.js';

const closed = { additionalProperties: false } as const;

/** The requests about targets outside. */
export const forwardingEndpoints = {
  forwardingList: endpoint('forwarding', 'list', {
    summary: 'Targets that readings are forwarded to, with state and statistics',
    request: Type.Object({}, closed),
    response: Type.Object({ forwarders: Type.Array(ForwarderViewSchema) }),
    call: async ({ client }) => ({ forwarders: await client.forwarding.list() }),
  }),
  forwardingGet: endpoint('forwarding', 'get', {
    summary: 'One target',
    request: Type.Object({ id: ForwarderIdSchema }, closed),
    response: ForwarderViewSchema,
    call: ({ client }, { id }) => client.forwarding.get(id),
  }),
  forwardingCommand: endpoint('forwarding', 'command', {
    summary: 'Pause or resume a target, or leave out the batch that it refuses; answers it once the command is durable',
    changes: true,
    request: Type.Object({ id: ForwarderIdSchema, command: ForwarderCommandSchema }, closed),
    response: ForwarderViewSchema,
    call: ({ client }, { id, command }) => client.forwarding.command(id, command),
  }),
} as const;
