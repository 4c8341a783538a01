import Type, { type Static, type TSchema } from 'typebox';
import { SeriesPageSchema } from '../../actors/client/archive-schemas.js';
import {
  DeadLetterDetailSchema,
  DeadLettersPageSchema,
  ReplayReplySchema,
} from '../../actors/client/dead-letter-schemas.js';
import { ForwarderViewSchema } from '../../actors/client/forwarding.js';
import { ModelHistoryPageSchema, ModelUpdatesSchema, ModelVerdictsSchema } from '../../actors/client/model-data.js';
import { ModelDetailSchema, ModelViewSchema, TemplateViewSchema } from '../../actors/client/model-schemas.js';
import {
  ActorDetailSchema,
  ActorViewSchema,
  CHANNEL_COMMANDS,
  ChannelViewSchema,
  HealthSchema,
  HistoryPageSchema,
  HistoryQuerySchema,
  NodeViewSchema,
  PointsPageSchema,
  PointViewSchema,
  WriteReplySchema,
  WriteRequestSchema,
} from '../../actors/client/schemas.js';
import { ALARM_LEVELS_PATTERN, AlarmsUpdateSchema } from '../../actors/client/alarm-watch.js';
import {
  HeldReadingSchema,
  MeterReadingsPageSchema,
  MetersPageSchema,
  MeterViewSchema,
  ReadingResultSchema,
  ReadingsReplySchema,
} from '../../actors/client/metering.js';
import {
  LedgerAccountsPageSchema,
  LedgerPageSchema,
  LedgerReadingSchema,
  LedgerTotalsSchema,
} from '../../actors/client/ledger.js';
import { MintBatchViewSchema, MintingViewSchema, ReconciliationSchema } from '../../actors/client/minting.js';
import { SupervisorViewSchema } from '../../actors/client/supervision-schemas.js';
import {
  AlarmJournalSchema,
  AlarmsPageSchema,
  AlarmsQuerySchema,
  AlarmStatisticsSchema,
  AlarmViewSchema,
  type AlarmsPage as Alarms,
  type AlarmView as Alarm,
} from '../../actors/client/alarms.js';
import {
  RuleDryRunSchema,
  RuleExecutionSchema,
  RuleExecutionsSchema,
  RulesPageSchema,
  RuleViewSchema,
  type RulesPage as Rules,
  type RuleView as Rule,
} from '../../actors/client/rules.js';

/**
 * What the routes take and give beyond the client's own schemas, and the components of the OpenAPI document: a schema
 * that `named` holds appears there once, under its name.
 */
export const named = new Map<string, TSchema>();

function component<T extends TSchema>(name: string, schema: T) {
  named.set(name, { ...schema, $id: name });
  return Type.Unsafe<Static<T>>({ $ref: `${name}#` });
}

export const ErrorEnvelope = component(
  'ErrorEnvelope',
  Type.Object({
    error: Type.Object({
      code: Type.String({ description: 'stable, for programs: <layer>.<what>' }),
      category: Type.String({
        enum: ['invalid', 'not_found', 'conflict', 'busy', 'timeout', 'unavailable', 'internal'],
      }),
      message: Type.String({ description: 'for people: what was found and what is allowed; may change' }),
      details: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'facts for programs' })),
      retryAfterMs: Type.Optional(Type.Number({ description: 'a retry makes sense after this many milliseconds' })),
      requestId: Type.String({ description: 'the X-Request-Id of this answer, also in the server’s log' }),
    }),
  }),
);

/** What a command without arguments may carry; the content type is needed all the same. */
export const NoBody = Type.Union([Type.Object({}, { additionalProperties: false }), Type.Null()]);

/** Every route answers errors in the envelope. */
export const errorAnswers = {
  '4xx': { description: 'The request cannot be served as it is.', ...ErrorEnvelope },
  '5xx': { description: 'A part is away or failed.', ...ErrorEnvelope },
} as const;

export const ChannelView = component('Channel', ChannelViewSchema);
export const PointView = component('Point', PointViewSchema);
export const PointsPage = component('PointsPage', PointsPageSchema);
export const HistoryPage = component('HistoryPage', HistoryPageSchema);
export const WriteReply = component('WriteReply', WriteReplySchema);
export const ActorView = component('Actor', ActorViewSchema);
export const ActorDetail = component('ActorDetail', ActorDetailSchema);
export const DeadLettersPage = component('DeadLettersPage', DeadLettersPageSchema);
export const DeadLetterDetail = component('DeadLetterDetail', DeadLetterDetailSchema);
export const ReplayReply = component('ReplayReply', ReplayReplySchema);
export const NodeView = component('Node', NodeViewSchema);
export const SupervisorView = component('Supervisor', SupervisorViewSchema);
export const Health = component('Health', HealthSchema);
export const AlarmView = component('Alarm', Type.Unsafe<Alarm>(AlarmViewSchema));
export const AlarmsPage = component('AlarmsPage', Type.Unsafe<Alarms>(AlarmsPageSchema));
export const AlarmJournal = component('AlarmJournal', AlarmJournalSchema);
export const AlarmStatistics = component('AlarmStatistics', AlarmStatisticsSchema);
export const AlarmParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 128 }) });
export const AlarmJournalRange = Type.Object(
  { limit: AlarmsQuerySchema.properties.limit, cursor: AlarmsQuerySchema.properties.cursor },
  { additionalProperties: false },
);

export const RuleView = component('Rule', Type.Unsafe<Rule>(RuleViewSchema));
export const RulesPage = component('RulesPage', Type.Unsafe<Rules>(RulesPageSchema));
export const RuleExecution = component('RuleExecution', RuleExecutionSchema);
export const RuleDryRun = component('RuleDryRun', RuleDryRunSchema);
export const RuleExecutions = component('RuleExecutions', RuleExecutionsSchema);

export const ModelView = component('Model', ModelViewSchema);
export const ModelDetail = component('ModelDetail', ModelDetailSchema);
export const ModelVerdicts = component('ModelVerdicts', ModelVerdictsSchema);
export const ModelChange = component('ModelChange', ModelUpdatesSchema);
export const ModelHistoryPage = component('ModelHistoryPage', ModelHistoryPageSchema);
export const TemplateView = component('Template', TemplateViewSchema);

export const SeriesPage = component('SeriesPage', SeriesPageSchema);
export const ImportSummary = component(
  'ImportSummary',
  Type.Object({
    rows: Type.Integer(),
    stored: Type.Integer({ description: 'in history now, as imported' }),
    replaced: Type.Integer({ description: 'had been imported before, or came twice; the last one counts' }),
    measured: Type.Integer({ description: 'not stored: the site has measured this point at this time itself' }),
    refused: Type.Integer({ description: 'wrong, and left out' }),
    problems: Type.Array(Type.Object({ line: Type.Integer(), problem: Type.String() }), {
      description: 'the first 100 of what was refused',
    }),
  }),
);
export const ForwarderView = component('Forwarder', ForwarderViewSchema);
export const ForwarderList = Type.Array(ForwarderView);

export const MeterView = component('Meter', MeterViewSchema);
export const MetersPage = component('MetersPage', MetersPageSchema);
export const MeterReadingsPage = component('MeterReadingsPage', MeterReadingsPageSchema);
export const HeldReadings = Type.Object({ held: Type.Array(HeldReadingSchema) });
export const ReadingVerdict = component('ReadingVerdict', ReadingResultSchema);
export const ReadingResults = component('ReadingResults', ReadingsReplySchema);
export const SubmittedReading = component(
  'SubmittedReading',
  Type.Object({
    id: Type.String({ description: '<meter>#<sequence>' }),
    user_id: Type.String(),
    wallet_address: Type.String(),
    meter_id: Type.String(),
    kwh_amount: Type.String({ description: 'kWh, decimal text' }),
    reading_timestamp: Type.String(),
    submitted_at: Type.String(),
    status: Type.String({ enum: ['accepted', 'held'] }),
    tokens: Type.String({ description: 'base units, decimal text' }),
  }),
);
export const MintingView = component('Minting', MintingViewSchema);
export const MintBatchView = component('MintBatch', MintBatchViewSchema);
export const Reconciliation = component('Reconciliation', ReconciliationSchema);
export const LedgerReading = component('LedgerReading', LedgerReadingSchema);
export const LedgerPage = component('LedgerPage', LedgerPageSchema);
export const LedgerTotals = component('LedgerTotals', LedgerTotalsSchema);
export const LedgerAccountsPage = component('LedgerAccountsPage', LedgerAccountsPageSchema);

export const ModelList = Type.Array(ModelView);
export const TemplateList = Type.Array(TemplateView);
export const ChannelList = Type.Array(ChannelView);
export const ActorList = Type.Array(ActorView);
export const NodeList = Type.Array(NodeView);
export const SupervisorList = Type.Array(SupervisorView);

const channelId = HistoryQuerySchema.properties.channel;

export const ChannelParams = Type.Object({ id: channelId });
export const ChannelCommandBody = Type.Object(
  { command: Type.Unsafe<(typeof CHANNEL_COMMANDS)[number]>({ type: 'string', enum: [...CHANNEL_COMMANDS] }) },
  { additionalProperties: false },
);

export const PointParams = Type.Object({
  address: Type.String({
    description: '`<channel>:<kind>:<id>`, as comsrv:1001:T:1 or 1001:T:1',
    examples: ['comsrv:1001:T:1'],
  }),
});

const { from, to, resolution, limit, cursor } = HistoryQuerySchema.properties;
export const HistoryRange = Type.Object({ from, to, resolution, limit, cursor }, { additionalProperties: false });

const { value, commandId, deadlineMs } = WriteRequestSchema.properties;
export const WriteBody = Type.Object({ value, commandId, deadlineMs }, { additionalProperties: false });
export const WriteHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({ minLength: 1, maxLength: 130, description: 'the commandId, for clients that send it as a header' }),
  ),
});

export const StreamQuery = Type.Object({ channel: Type.Optional(channelId) }, { additionalProperties: false });
export const PointsUpdate = Type.Object({
  channel: Type.Integer(),
  time: Type.Number({ description: 'source time of the frame (ms since the Unix epoch)' }),
  points: Type.Array(PointView),
});

export const AlarmStreamQuery = Type.Object(
  {
    levels: Type.Optional(
      Type.String({
        pattern: ALARM_LEVELS_PATTERN,
        description: 'only these, comma separated',
        examples: ['Critical,Major'],
      }),
    ),
    source: Type.Optional(
      Type.String({ minLength: 1, maxLength: 256, description: 'only these; `*` stands for any characters' }),
    ),
  },
  { additionalProperties: false },
);
export const AlarmsUpdate = component('AlarmsUpdate', AlarmsUpdateSchema);

export const ActorParams = Type.Object({
  kind: Type.String({ minLength: 1, maxLength: 64, examples: ['channel'] }),
  id: Type.String({ minLength: 1, maxLength: 128, examples: ['1001'] }),
});
