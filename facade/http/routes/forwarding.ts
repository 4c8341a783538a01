import Type from 'typebox';
import type { StatewattClient } from '../../../actors/client/client.js';
import { FORWARDER_COMMANDS, ForwarderIdSchema, type ForwarderCommandName } from '../../../actors/client/forwarding.js';
import { configures, operates, reads, type Need } from '../access/needs.js';
import type { HttpApp } from '../app.js';
import { errorAnswers, ForwarderList, ForwarderView, NoBody } from '../schemas.js';

const ForwarderParams = Type.Object({ id: ForwarderIdSchema });
const NEEDS: Readonly<Record<ForwarderCommandName, { readonly needs: Need }>> = {
  pause: operates,
  resume: operates,
  skip: configures, // It gives readings up.
};
const SUMMARIES = {
  pause: 'Send nothing until `resume`; what comes meanwhile waits in the stream',
  resume: 'Go on where it ended; of a faulted one: try again',
  skip: 'Leave out the batch that the target refuses, and go on',
} as const;

/** Targets outside that readings are forwarded to. Once under the prefix of the API, and once `hidden` under `/netsrv`. */
export function forwardingRoutes(app: HttpApp, client: StatewattClient, { hidden = false } = {}): void {
  const about = (operationId: string, summary: string) =>
    hidden ? { hide: true } : { operationId, summary, tags: ['forwarding'] };
  app.get(
    '/forwarders',
    {
      config: reads,
      schema: {
        ...about('listForwarders', 'All targets that readings are forwarded to, with state and statistics'),
        response: { 200: ForwarderList, ...errorAnswers },
      },
    },
    () => client.forwarding.list(),
  );

  app.get(
    '/forwarders/:id',
    {
      config: reads,
      schema: {
        ...about('getForwarder', 'One target'),
        params: ForwarderParams,
        response: { 200: ForwarderView, ...errorAnswers },
      },
    },
    (request) => client.forwarding.get(request.params.id),
  );

  for (const command of FORWARDER_COMMANDS) {
    app.post(
      `/forwarders/:id/${command}`,
      {
        config: NEEDS[command],
        schema: {
          ...about(`${command}Forwarder`, SUMMARIES[command]),
          params: ForwarderParams,
          body: NoBody,
          response: { 200: ForwarderView, ...errorAnswers },
        },
      },
      (request) => client.forwarding.command(request.params.id, command),
    );
  }
}
