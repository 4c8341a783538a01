import { Link as ChaosLink } from '../../chaos/link.js';

/** A TCP link to a server that can be made to fail. */
export interface Link {
  /** `host:port` to connect to instead of the server. */
  readonly address: string;
  /** Carries nothing any longer, in both directions, and loses nothing: a cable that is out. Connections stay open. */
  hold(): void;
  /** Ends the connections and refuses new ones: a port that is shut. */
  shut(): void;
  /** Carries everything again, what was held included. */
  open(): void;
  /** Ends every connection; new ones pass again. */
  reset(): void;
  /** Passes `bytes` more of what the server sends and loses the rest, though the connection stays open, until `reset`. */
  stallAfter(bytes: number): void;
  /** Resolves when nothing of the server's passes any longer. */
  readonly stalled: Promise<void>;
  close(): Promise<void>;
}

/** Passes bytes between clients and `127.0.0.1:port`, in the words of tests. */
export async function openLink(port: number): Promise<Link> {
  const link = await ChaosLink.open(port);
  return {
    address: link.address,
    hold: () => link.fail({ mode: 'hold' }),
    shut: () => link.fail({ mode: 'shut' }),
    open: () => link.heal(),
    reset: () => {
      link.heal();
      link.reset();
    },
    stallAfter: (bytes) => link.fail({ mode: 'half-open', afterBytes: bytes }),
    stalled: link.lost,
    close: () => link.close(),
  };
}
