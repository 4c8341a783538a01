import type { AlarmRecord } from './alarms.js';

/** An alarm in the form that VoltageEMS's clients know: snake case, times as ISO 8601 text. */
export interface AlarmsrvAlarm {
  id: string;
  title: string;
  description: string;
  level: string;
  source: string;
  status: string;
  metadata: Record<string, unknown>;
  created_at: string | null;
  updated_at: string | null;
  acknowledged_by: string | null;
  acknowledged_at: string | null;
  resolved_at: string | null;
  notes: string | null;
}

export function toAlarmsrv(alarm: AlarmRecord): AlarmsrvAlarm {
  const { id, title, description, level, source, status, metadata } = alarm;
  return {
    id,
    title,
    description,
    level,
    source,
    status,
    metadata,
    created_at: toText(alarm.raisedAt),
    updated_at: toText(alarm.change.at),
    acknowledged_by: alarm.acknowledgedBy,
    acknowledged_at: toText(alarm.acknowledgedAt),
    resolved_at: status === 'Resolved' ? toText(alarm.since) : null,
    notes: alarm.note,
  };
}

function toText(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
