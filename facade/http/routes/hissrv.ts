import Type from 'typebox';
import type { StatewattClient } from '../../../actors/client/client.js';
import { HistoryQuerySchema } from '../../../actors/client/schemas.js';
import { StatewattError } from '../../../errors/error.js';
import { reads } from '../access/needs.js';
import type { HttpApp } from '../app.js';
import { errorAnswers } from '../schemas.js';

const { channel, id } = HistoryQuerySchema.properties;
const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const MAX_ROWS = 10_000;

const Query = Type.Object(
  {
    channel_id: channel,
    point_id: id,
    duration: Type.Optional(
      Type.String({ pattern: '^[1-9][0-9]{0,5}[smhdw]$', default: '5m', description: 'how far back, as 5m or 1h' }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_ROWS, default: MAX_ROWS })),
    cursor: Type.Optional(Type.String({ description: 'the header X-Next-Cursor of the page before' })),
  },
  { additionalProperties: false },
);
const Row = Type.Object({
  channel_id: Type.String(),
  point_id: Type.String(),
  time: Type.String({ description: 'ISO 8601' }),
  value: Type.Union([Type.Number(), Type.String(), Type.Null()]),
  quality: Type.String(),
});

/** Data that VoltageEMS's history service knows, by name, as kinds of points. */
const KINDS = { telemetry: 'T', signal: 'S', control: 'C', adjustment: 'A' } as const;
const Params = Type.Object({
  data: Type.Unsafe<keyof typeof KINDS>({ type: 'string', enum: Object.keys(KINDS) }),
});

/**
 * History in the form that VoltageEMS's clients know: a bare list, ascending by time. With more values than the limit
 * the rows are means over intervals; with a cursor they come page by page.
 */
export function hissrvRoutes(app: HttpApp, client: StatewattClient): void {
  app.get(
    '/data/:data',
    {
      config: reads,
      schema: {
        operationId: 'hissrvData',
        summary: 'VoltageEMS: past values of one point',
        tags: ['history'],
        params: Params,
        querystring: Query,
        response: { 200: Type.Array(Row), ...errorAnswers },
      },
    },
    async ({ params, query }, reply) => {
      const { channel_id: channel, point_id: id, duration = '5m', limit = MAX_ROWS, cursor } = query;
      const to = Date.now() + 1;
      const page = await client.history({
        channel,
        kind: KINDS[params.data],
        id,
        from: to - spanOf(duration),
        to,
        limit,
        ...(cursor === undefined ? {} : { cursor }),
      });
      if (page.nextCursor !== null) reply.header('x-next-cursor', page.nextCursor);
      return page.rows.map(({ time, value, quality = 'good' }) => ({
        channel_id: String(channel),
        point_id: String(id),
        time: new Date(time).toISOString(),
        value,
        quality,
      }));
    },
  );
}

/** @throws `history.invalid_query` when it reaches back beyond 1970 */
function spanOf(text: string): number {
  const span = Number(text.slice(0, -1)) * (UNITS[text.slice(-1)] as number);
  if (span < Date.now()) return span;
  throw new StatewattError('history.invalid_query', 'invalid', `duration ${text} reaches back beyond 1970`);
}
