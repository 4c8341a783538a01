import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Writes a site of Modbus TCP channels, one per port, of 100 telemetry points each; answers the path of site.yaml. */
export async function writeSite(folder: string, ports: readonly number[], intervalMs: number): Promise<string> {
  const tables = join(folder, 'tables');
  await mkdir(join(tables, 'mapping'), { recursive: true });
  const ids = Array.from({ length: 100 }, (_, index) => index + 1);
  await writeFile(
    join(tables, 'telemetry.csv'),
    lines(
      'point_id,signal_name,scale,offset,unit,reverse,data_type',
      ids,
      (id) => `${id},Point ${id},0.1,0,kW,false,uint16`,
    ),
  );
  await writeFile(
    join(tables, 'mapping', 'telemetry_mapping.csv'),
    lines(
      'point_id,slave_id,function_code,register_address,data_type,byte_order',
      ids,
      (id) => `${id},1,3,${id - 1},uint16,AB`,
    ),
  );
  const channels = ports.map(
    (port, index) =>
      `  - {id: ${1001 + index}, name: Device ${index + 1}, protocol: modbus, address: "127.0.0.1:${port}", ` +
      `polling: {interval_ms: ${intervalMs}}, tables: tables}`,
  );
  const site = join(folder, 'site.yaml');
  await writeFile(site, ['site: Load', 'watch_files: false', 'channels:', ...channels, ''].join('\n'));
  return site;
}

function lines(head: string, ids: readonly number[], row: (id: number) => string): string {
  return [head, ...ids.map(row), ''].join('\n');
}
