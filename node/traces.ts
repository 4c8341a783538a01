import { maskSecrets, type Environment } from '../site/config/index.js';
import type { NodeLog } from './node.js';
import type { Stages } from './stages.js';

/**
 * Exports the node's traces if the environment says where to: the first part to start and the last to stop, so that they
 * tell of all others. The OpenTelemetry SDK is loaded only then.
 */
export async function startTraces(
  stages: Stages,
  { traces, nodeName }: Environment,
  version: string,
  log: NodeLog,
): Promise<void> {
  if (traces === undefined) return;
  const facts = { part: 'traces', url: maskSecrets(traces.url) };
  if (traces.protocol === 'grpc') {
    log.warn(facts, 'traces are not exported: the protocol of OTLP is grpc, allowed http/json or http/protobuf');
    return;
  }
  const { exportTraces } = await import('../telemetry/otlp.js');
  await stages.start(
    'traces',
    () =>
      exportTraces({
        ...traces,
        version,
        node: nodeName,
        onTrouble: (text) => log.warn(facts, text),
        onRecovery: (text) => log.info(facts, text),
      }),
    (exporting) => exporting?.stop(),
    (exporting) => (exporting === undefined ? 'by the OpenTelemetry SDK that the process has' : facts.url),
  );
}
