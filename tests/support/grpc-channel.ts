import { fileURLToPath } from 'node:url';
import { SupervisedChild } from '../../processes/child.js';
import type { GrpcChannel } from '../../site/channels/grpc.js';
import { loadFiles } from './config.js';

const PLUGIN = fileURLToPath(new URL('./grpc-plugin.js', import.meta.url));
const EXAMPLE = fileURLToPath(new URL('../../examples/grpc-driver/main.js', import.meta.url));

export interface TestPlugin {
  readonly port: number;
  readonly address: string;
  /** SIGKILL, as a fault would; it stays away until `start`. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A plug-in driver in a process of its own: that of the tests, with TLS when files are given, or the example. */
export async function startPlugin({ example = false, tls = [] as readonly string[] } = {}): Promise<TestPlugin> {
  let port = 0;
  const make = (): SupervisedChild =>
    new SupervisedChild({
      name: 'plug-in driver',
      command: process.execPath,
      args: [example ? EXAMPLE : PLUGIN, String(port), ...tls],
      ready: async (running) => {
        const match = await running.line(/on (?:127\.0\.0\.1:)?(\d+)$/);
        port = Number(match[1]);
      },
    });
  let child = make();
  await child.start();
  return {
    port,
    address: `127.0.0.1:${port}`,
    kill: () => {
      child.kill();
      return child.stop(); // So that it is not started again by itself.
    },
    start: async () => {
      child = make();
      await child.start();
    },
    stop: () => child.stop(),
  };
}

/** Channel 1 of a site file; `rest` are its further keys as YAML, indented by four spaces. */
export async function grpcChannel(
  address: string,
  rest: string,
  files: Readonly<Record<string, string>> = {},
): Promise<GrpcChannel> {
  const site = `site: test\nchannels:\n  - id: 1\n    protocol: grpc\n    address: "${address}"\n${rest}`;
  const [channel] = (await loadFiles({ 'site.yaml': site, ...files })).channels;
  if (channel?.protocol !== 'grpc') throw new Error('it is no gRPC channel');
  return channel;
}
