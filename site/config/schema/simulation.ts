import Type, { type Static } from 'typebox';
import { SITE_MODEL_OUTPUTS } from '../../model.js';
import { MAX_POINT_ID, POINT_KINDS } from '../../points.js';
import { closed, millis, tagged, words } from './helpers.js';

const kind = words(POINT_KINDS, { description: 'kind of the point that the pattern drives', default: 'T' });
const pointId = Type.Integer({ minimum: 1, maximum: MAX_POINT_ID, description: 'the point that the pattern drives' });
const target = { point_id: pointId, kind: Type.Optional(kind) };

const sine = {
  amplitude: Type.Number({ description: 'half of the swing', examples: [100] }),
  frequency: Type.Number({ exclusiveMinimum: 0, description: 'Hz', examples: [0.1] }),
  phase: Type.Optional(Type.Number({ default: 0, description: 'rad' })),
  offset: Type.Optional(Type.Number({ default: 0, description: 'middle of the swing' })),
};
const bounds = Type.Unsafe<[number, number]>({
  type: 'array',
  items: { type: 'number' },
  minItems: 2,
  maxItems: 2,
  description: 'least and greatest value',
  examples: [[-50, 50]],
});
const walk = {
  initial_value: Type.Optional(Type.Number({ default: 0 })),
  step_size: Type.Number({ exclusiveMinimum: 0, description: 'greatest change of one step', examples: [1] }),
  bounds,
};
const step = {
  values: Type.Array(Type.Number(), { minItems: 1, description: 'values in turn, round and round' }),
  duration_ms: millis('how long each value holds'),
};

/** A pattern by `type`; the capitalised names are those of VoltageEMS. */
const NamedPattern = tagged(
  'type',
  [
    { values: ['sine', 'SineWave'], schema: closed({ type: words(['sine', 'SineWave']), ...target, ...sine }) },
    {
      values: ['random_walk', 'RandomWalk'],
      schema: closed({ type: words(['random_walk', 'RandomWalk']), ...target, ...walk }),
    },
    { values: ['step', 'StepFunction'], schema: closed({ type: words(['step', 'StepFunction']), ...target, ...step }) },
    {
      values: ['ramp'],
      schema: closed({
        type: words(['ramp']),
        ...target,
        from: Type.Number(),
        to: Type.Number(),
        duration_ms: millis('time from the one to the other'),
        repeat: Type.Optional(Type.Boolean({ default: true, description: 'begin again; otherwise hold the end' })),
      }),
    },
    { values: ['constant'], schema: closed({ type: words(['constant']), ...target, value: Type.Number() }) },
    {
      values: ['replay'],
      schema: closed({
        type: words(['replay']),
        ...target,
        file: Type.String({
          minLength: 1,
          description: 'CSV with the columns time_ms,value; relative to the site file',
        }),
        repeat: Type.Optional(
          Type.Boolean({ default: true, description: 'begin again; otherwise hold the last value' }),
        ),
      }),
    },
  ],
  {
    description: 'what drives one point',
    // VoltageEMS: the name of the pattern as the only key.
    absentKeys: ['SineWave', 'RandomWalk', 'StepFunction'],
    absent: closed({
      SineWave: Type.Optional(closed({ ...target, ...sine })),
      RandomWalk: Type.Optional(closed({ ...target, ...walk })),
      StepFunction: Type.Optional(closed({ ...target, ...step })),
    }),
  },
);
export type PatternFile = Static<typeof NamedPattern>;

const positive = (description: string, fallback: number) =>
  Type.Optional(Type.Number({ exclusiveMinimum: 0, default: fallback, description }));

/** Defaults of the site model: a small commercial site near 48° N. */
export const SITE_MODEL_DEFAULTS = {
  latitude: 48.1,
  longitude: 11.6,
  pv_peak_kw: 100,
  battery_capacity_kwh: 200,
  battery_power_kw: 100,
  load_peak_kw: 80,
  grid_limit_kw: 150,
  ev_power_kw: 0,
  speed: 1,
} as const;
const D = SITE_MODEL_DEFAULTS;

const SiteModel = closed(
  {
    latitude: Type.Optional(
      Type.Number({ minimum: -90, maximum: 90, default: D.latitude, description: 'degrees north' }),
    ),
    longitude: Type.Optional(
      Type.Number({ minimum: -180, maximum: 180, default: D.longitude, description: 'degrees east' }),
    ),
    pv_peak_kw: positive('peak power of the PV plant', D.pv_peak_kw),
    battery_capacity_kwh: positive('usable energy of the battery', D.battery_capacity_kwh),
    battery_power_kw: positive('greatest power of the battery', D.battery_power_kw),
    load_peak_kw: positive('peak of the load', D.load_peak_kw),
    grid_limit_kw: positive('limit of the grid connection', D.grid_limit_kw),
    ev_power_kw: Type.Optional(
      Type.Number({ minimum: 0, default: D.ev_power_kw, description: 'rated power of the EV charger, 0 = none' }),
    ),
    speed: positive('1 = real time, 60 = an hour a minute', D.speed),
    outputs: Type.Optional(
      Type.Array(
        closed({
          output: words(SITE_MODEL_OUTPUTS),
          point_id: Type.Integer({ minimum: 1, maximum: MAX_POINT_ID }),
          kind: Type.Optional(
            words(POINT_KINDS, { description: 'default: A for set-points, C for switches, T for the rest' }),
          ),
        }),
        { description: 'which output feeds which point; without it, and without points, every output gets a point' },
      ),
    ),
  },
  { description: 'physical model of a small site: PV, battery, load and grid' },
);
export type SiteModelFile = Static<typeof SiteModel>;

export const Simulation = closed(
  {
    seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 0xffff_ffff, description: 'default: the channel id' })),
    patterns: Type.Optional(Type.Array(NamedPattern)),
    site_model: Type.Optional(SiteModel),
    // VoltageEMS's short form: the sine drives T1, the walk the next free point.
    sine_wave: Type.Optional(closed({ ...sine, point_id: Type.Optional(pointId) })),
    random_walk: Type.Optional(closed({ ...walk, point_id: Type.Optional(pointId) })),
    step_function: Type.Optional(closed({ ...step, point_id: Type.Optional(pointId) })),
  },
  { description: 'what makes the values of a virtual channel' },
);
export type SimulationFile = Static<typeof Simulation>;
