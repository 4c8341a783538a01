import { StatewattError } from '../../../errors/error.js';
import { historyOfAny, readAny, toAddress, writeAny } from '../../../actors/client/addresses.js';
import type { StatewattClient } from '../../../actors/client/client.js';
import { PointsQuerySchema } from '../../../actors/client/schemas.js';
import { operates, reads } from '../access/needs.js';
import type { HttpApp } from '../app.js';
import {
  HistoryPage,
  HistoryRange,
  PointParams,
  PointsPage,
  PointView,
  WriteBody,
  WriteHeaders,
  WriteReply,
  errorAnswers,
} from '../schemas.js';

/** Points: live values, history and writes. */
export function pointRoutes(app: HttpApp, client: StatewattClient): void {
  app.get(
    '/points',
    {
      config: reads,
      schema: {
        operationId: 'listPoints',
        summary: 'Points with their live values, page by page',
        tags: ['points'],
        querystring: PointsQuerySchema,
        response: { 200: PointsPage, ...errorAnswers },
      },
    },
    (request) => client.points(request.query),
  );

  app.get(
    '/points/:address',
    {
      config: reads,
      schema: {
        operationId: 'getPoint',
        summary: 'The live value of one point',
        tags: ['points'],
        params: PointParams,
        response: { 200: PointView, ...errorAnswers },
      },
    },
    (request) => readAny(client, toAddress(request.params.address)),
  );

  app.get(
    '/points/:address/history',
    {
      config: reads,
      schema: {
        operationId: 'getPointHistory',
        summary: 'The history of one point, ascending by time, page by page',
        tags: ['points'],
        params: PointParams,
        querystring: HistoryRange,
        response: { 200: HistoryPage, ...errorAnswers },
      },
    },
    (request) => historyOfAny(client, toAddress(request.params.address), request.query),
  );

  app.post(
    '/points/:address/write',
    {
      config: operates,
      schema: {
        operationId: 'writePoint',
        summary: 'Write a control (C) or adjustment (A) point; answers what the device said',
        tags: ['points'],
        params: PointParams,
        headers: WriteHeaders,
        body: WriteBody,
        response: { 200: WriteReply, ...errorAnswers },
      },
    },
    (request) => {
      const commandId = toCommandId(request.body.commandId, request.headers['idempotency-key']);
      const write = { ...request.body, ...(commandId === undefined ? {} : { commandId }) };
      const { address } = request.params;
      return writeAny(client, toAddress(address), address, write);
    },
  );
}

/** The command's id from the body or from the Idempotency-Key header, which clients write with or without quotes. */
function toCommandId(commandId: string | undefined, header: string | undefined): string | undefined {
  if (header === undefined) return commandId;
  const key = /^"(.*)"$/.exec(header)?.[1] ?? header;
  if (key.length < 1 || key.length > 128) {
    throw new StatewattError(
      'http.idempotency_key',
      'invalid',
      `Idempotency-Key has ${key.length} characters; allowed are 1 to 128.`,
    );
  }
  if (commandId !== undefined && commandId !== key) {
    throw new StatewattError(
      'http.idempotency_key',
      'invalid',
      `commandId "${commandId}" and Idempotency-Key "${key}" differ; give one of them, or the same in both.`,
    );
  }
  return key;
}
