import type { AlarmLevel } from '../alarms.js';

/** What of an alarm's life somebody may want to be told. `resolved`: nothing is left to do about it. */
export const NOTIFIED_CHANGES = ['raised', 'escalated', 'acknowledged', 'cleared', 'resolved'] as const;
export type NotifiedChange = (typeof NOTIFIED_CHANGES)[number];

/** A time of each day in which alarms of some levels wait for its end. */
export interface QuietHours {
  /** Minutes since midnight; `from` may be later than `to`: over midnight. */
  readonly from: number;
  readonly to: number;
  /** IANA name; undefined: that of the machine. */
  readonly timeZone: string | undefined;
  readonly levels: readonly AlarmLevel[];
}

interface TargetBase {
  readonly id: string;
  /** What it is told: alarms of these levels, from sources and of groups that match one of these patterns. */
  readonly levels: readonly AlarmLevel[];
  readonly sources: readonly string[];
  readonly groups: readonly string[];
  readonly changes: readonly NotifiedChange[];
  /** Messages in each minute, those that stand for several included. */
  readonly perMinute: number;
  readonly quietHours: QuietHours | undefined;
}

/** Somebody who is told of alarms. Secrets are in files of their own, read when they are needed. */
export type NotificationTarget = TargetBase &
  (
    | { readonly type: 'webhook'; readonly url: string; readonly secretFile: string | undefined }
    | {
        readonly type: 'mail';
        /** `smtp://host:port`, or `smtps://` for TLS from the start. */
        readonly server: string;
        readonly user: string | undefined;
        readonly passwordFile: string | undefined;
        readonly from: string;
        readonly to: readonly string[];
      }
    | {
        readonly type: 'nats';
        readonly subject: string;
        /** A stream takes it; else it goes to whoever subscribes now. */
        readonly stream: boolean;
      }
  );
