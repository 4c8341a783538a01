import type { SelectedPoint } from '../../site/forwarding/selection.js';
import type { Quality } from '../../site/points.js';

/** One reading that is sent. */
export interface Item {
  /** `channel/epoch/seq/kind:id`: names the reading for ever, however often it is sent. */
  readonly id: string;
  readonly point: SelectedPoint;
  /** As it is sent: scaled. null: never read. */
  readonly value: number | string | null;
  readonly quality: Quality;
  /** Source time, ms since the Unix epoch. */
  readonly time: number;
}

/** What is sent and acknowledged as one. */
export interface Batch {
  /** Names it for ever: sent again, it has the same token. */
  readonly token: string;
  /** First and last sequence of the frames in the stream that it covers. */
  readonly from: number;
  readonly to: number;
  readonly items: readonly Item[];
}
