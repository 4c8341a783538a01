/** Files of a TLS connection, absolute paths in PEM form. */
export interface TlsFiles {
  /** The authority that signed the other side's certificate; without it those that Node trusts. */
  readonly caFile?: string;
  /** What is shown to the other side, with its key. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** false: any certificate will do. */
  readonly verify: boolean;
}

/** How an MQTT 5 broker is reached. Texts may refer to environment variables (see environment-reference.ts). */
export interface BrokerConfig {
  /** `mqtt://host:1883`, `mqtts://`, `ws://` or `wss://`. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** Without the node’s name in it: a broker ends the connection of before when one with the same id comes. */
  readonly clientId: string;
  readonly tls: TlsFiles;
  readonly connectTimeoutMs: number;
  /** s without a packet after which a ping is sent. */
  readonly keepAliveS: number;
}
