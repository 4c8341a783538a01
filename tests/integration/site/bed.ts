import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Redis } from 'ioredis';
import { startRedis, type TestRedis } from '../../support/redis.js';
import { SiteProcess } from '../../support/site-process.js';
import { eventually, tempFolder } from '../../support/temp.js';

/** The cases' figures are for a machine that does nothing else. */
const SLACK = 5;

/** First lines of VoltageEMS's point tables and mapping tables. */
export const POINTS = 'point_id,signal_name,scale,offset,unit,reverse,data_type\n';
export const MAPPING = 'point_id,slave_id,function_code,register_address,data_type,byte_order,bit_position\n';

/** A test starts the product once or more; a machine that does other things as well takes its time. */
export const CASE_TIMEOUT_MS = 120_000;

/** A channel of the site file, as VoltageEMS writes it. */
export function modbusChannel(channel: number, port: number): string {
  return `
  - id: ${channel}
    protocol: modbus
    transport_config: { address: "127.0.0.1:${port}" }
    polling_config: { interval_ms: 100, batch_size: 50 }
`;
}

/** Tables of one telemetry point: holding register 1. */
export function registerTables(channel: number): Record<string, string> {
  return {
    [`${channel}/telemetry.csv`]: `${POINTS}1,Register,1.0,0.0,,false,float\n`,
    [`${channel}/mapping/telemetry_mapping.csv`]: `${MAPPING}1,1,3,1,uint16,AB,\n`,
  };
}

/** What a case stands on: a real Redis with a plain client, a folder for the configuration, and the running product. */
export class Bed {
  readonly redis: TestRedis;
  /** As any reader of VoltageEMS's hashes would have. */
  readonly reader: Redis;
  readonly folder: string;
  readonly #removeFolder: () => Promise<void>;
  readonly #closing: (() => Promise<void>)[] = [];
  #site: SiteProcess | undefined;

  private constructor(redis: TestRedis, reader: Redis, folder: string, removeFolder: () => Promise<void>) {
    this.redis = redis;
    this.reader = reader;
    this.folder = folder;
    this.#removeFolder = removeFolder;
  }

  static async open(): Promise<Bed> {
    const folder = await tempFolder();
    const redis = await startRedis();
    return new Bed(redis, new Redis(redis.url), folder.path, folder.remove);
  }

  get site(): SiteProcess {
    if (this.#site === undefined) throw new Error('no site runs');
    return this.#site;
  }

  /** Writes files of the configuration, by their names within the folder. */
  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      const path = join(this.folder, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
    }
  }

  /** Runs the product with this configuration; resolves when it says that it runs. */
  async run(files: Readonly<Record<string, string>>): Promise<SiteProcess> {
    await this.write(files);
    this.#site = await SiteProcess.start({
      site: join(this.folder, 'site.yaml'),
      env: { REDIS_URL: this.redis.url },
    });
    return this.#site;
  }

  /** Something that the case opened and that must be closed with it. */
  keep<T extends { stop(): Promise<void> }>(part: T): T {
    this.#closing.push(() => part.stop());
    return part;
  }

  /** A field of a hash; undefined when it is not there. */
  async field(key: string, name: string | number): Promise<string | undefined> {
    return (await this.reader.hget(key, String(name))) ?? undefined;
  }

  /** Resolves when the field has the text; `figureMs` is what the case allows on a machine that does nothing else. */
  async until(key: string, name: string | number, text: string, figureMs: number): Promise<void> {
    let last: string | undefined;
    try {
      await eventually(
        async () => {
          last = await this.field(key, name);
          return last === text ? true : undefined;
        },
        { within: figureMs * SLACK },
      );
    } catch {
      const what = `${key}[${name}] is ${last ?? 'not there'}, not ${text}, after ${figureMs * SLACK} ms`;
      throw this.#site?.failure(what) ?? new Error(what);
    }
  }

  /** As `until`, for whatever can be asked of Redis. */
  async untilTrue(what: string, isTrue: () => Promise<boolean>, figureMs: number): Promise<void> {
    try {
      await eventually(async () => ((await isTrue()) ? true : undefined), { within: figureMs * SLACK });
    } catch {
      throw this.#site?.failure(`${what}: not within ${figureMs * SLACK} ms`) ?? new Error(what);
    }
  }

  async close(): Promise<void> {
    try {
      await this.#site?.close();
    } finally {
      await Promise.all(this.#closing.map((close) => close()));
      this.reader.disconnect();
      await this.redis.close();
      await this.#removeFolder();
    }
  }
}
