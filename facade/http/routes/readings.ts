import { Readable } from 'node:stream';
import Type from 'typebox';
import type { StatewattClient } from '../../../actors/client/client.js';
import {
  MAX_READINGS,
  MeterIdSchema,
  ReadingSchema,
  SubmitReadingsSchema,
  type ReadingResult,
} from '../../../actors/client/metering.js';
import { StatewattError, type ErrorCategory } from '../../../errors/error.js';
import { operates } from '../access/needs.js';
import type { HttpApp } from '../app.js';
import { errorAnswers, ReadingResults, ReadingVerdict, SubmittedReading } from '../schemas.js';
import { submitLines } from './reading-lines.js';

/** Bytes of a request: 10,000 readings as JSON. */
const BODY_LIMIT = 4 * 1024 * 1024;
const NDJSON = 'application/x-ndjson';
const QUARTER_MS = 900_000;

/** Statuses of a reading that is not accepted, where it is the only one; the others are 400. */
const CATEGORIES: Readonly<Record<string, ErrorCategory>> = {
  'readings.unknown_meter': 'not_found',
  'readings.revoked_meter': 'conflict',
  'readings.conflict': 'conflict',
  'readings.not_monotonic': 'conflict',
  'readings.overlap': 'conflict',
  'readings.too_many_held': 'conflict',
};

/** Readings of meters from outside: one, many, or as many as there are, line by line. */
export function readingRoutes(app: HttpApp, client: StatewattClient): void {
  const tags = ['meters'];
  app.post(
    '/readings',
    {
      config: operates,
      bodyLimit: BODY_LIMIT,
      schema: {
        operationId: 'submitReading',
        summary: 'Submit a signed reading; answers once it is durable',
        description: '201 accepted, 202 held for a person, 200 submitted before. What is rejected is an error.',
        tags,
        body: ReadingSchema,
        response: { 200: ReadingVerdict, 201: ReadingVerdict, 202: ReadingVerdict, ...errorAnswers },
      },
    },
    async (request, reply) => {
      const { results } = await client.metering.submit([request.body]);
      const result = taken(results[0] as ReadingResult);
      return reply.code(result.duplicate === true ? 200 : result.verdict === 'held' ? 202 : 201).send(result);
    },
  );

  app.post(
    '/readings/batch',
    {
      config: operates,
      bodyLimit: BODY_LIMIT,
      schema: {
        operationId: 'submitReadings',
        summary: `Submit up to ${MAX_READINGS} signed readings; a verdict for each, those that are accepted are durable`,
        tags,
        body: SubmitReadingsSchema,
        response: { 200: ReadingResults, ...errorAnswers },
      },
    },
    (request) => client.metering.submit(request.body.readings),
  );

  void app.register((lines, _options, done) => {
    lines.addContentTypeParser(NDJSON, (_request, body, parsed) => parsed(null, body));
    lines.post(
      '/readings/stream',
      {
        config: { ...operates, takes: [NDJSON] },
        schema: {
          operationId: 'streamReadings',
          summary: 'Submit signed readings, one a line, as many as there are; a line of answer for each',
          description:
            'The answer begins before the request ends, and holds it up when it is not read. A last line `{"error": …}` says ' +
            'that what follows was not looked at.',
          tags,
          consumes: [NDJSON],
          response: { ...errorAnswers },
        },
      },
      (request, reply) => {
        const answers = submitLines(client.metering, request.body as Readable);
        return reply.type(NDJSON).send(Readable.from(answers, { objectMode: false }));
      },
    );
    done();
  });
}

const Amount = Type.Union([
  Type.Number({ minimum: 0, description: 'kWh; its shortest decimal form is what counts' }),
  Type.String({ minLength: 1, maxLength: 64, description: 'kWh, decimal text' }),
]);

const GridReading = Type.Object(
  {
    wallet_address: Type.String({ minLength: 32, maxLength: 44 }),
    meter_id: MeterIdSchema,
    kwh_amount: Amount,
    reading_timestamp: Type.String({
      pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?(Z|[+-]\\d\\d:\\d\\d)$',
      description: 'end of the interval, RFC 3339',
    }),
    meter_signature: Type.String({
      minLength: 64,
      maxLength: 128,
      description: 'over the canonical bytes, with the sequence and start below',
    }),
    reading_start: Type.Optional(
      Type.Integer({ minimum: 0, description: 'start of the interval, ms; default: 15 minutes before its end' }),
    ),
    sequence: Type.Optional(Type.Integer({ minimum: 0, description: 'default: the end of the interval, ms' })),
  },
  { additionalProperties: false },
);

/** GridTokenX's way to submit a reading, in its words. */
export function submitReadingRoute(app: HttpApp, client: StatewattClient): void {
  app.post(
    '/submit-reading',
    {
      config: operates,
      schema: {
        operationId: 'submitGridReading',
        summary: 'Submit a signed reading in GridTokenX’s words',
        tags: ['meters'],
        body: GridReading,
        response: { 200: SubmittedReading, 201: SubmittedReading, 202: SubmittedReading, ...errorAnswers },
      },
    },
    async ({ body }, reply) => {
      const end = Date.parse(body.reading_timestamp);
      const { sequence = end, reading_start: start = end - QUARTER_MS } = body;
      const { meter_id: meter, wallet_address: wallet, meter_signature: signature } = body;
      const kwh = String(body.kwh_amount);
      const { results } = await client.metering.submit([{ meter, wallet, signature, kwh, start, end, sequence }]);
      const result = taken(results[0] as ReadingResult);
      const { user } = await client.metering.get(meter);
      return reply.code(result.duplicate === true ? 200 : result.verdict === 'held' ? 202 : 201).send({
        ...{ id: `${meter}#${sequence}`, user_id: user, wallet_address: wallet, meter_id: meter, kwh_amount: kwh },
        reading_timestamp: new Date(end).toISOString(),
        submitted_at: new Date().toISOString(),
        status: result.verdict,
        tokens: result.tokens ?? '0',
      });
    },
  );
}

/** The result of a reading that was accepted or held. @throws what became of any other */
function taken(result: ReadingResult): ReadingResult {
  const { verdict, code = 'readings.refused', message = 'a person has refused the reading', sequence, meter } = result;
  if (verdict === 'accepted' || verdict === 'held') return result;
  const category = verdict === 'failed' ? 'unavailable' : verdict === 'refused' ? 'conflict' : CATEGORIES[code];
  throw new StatewattError(code, category ?? 'invalid', message, { details: { meter, sequence } });
}
