import { Redis } from 'ioredis';
import type { Bus } from '../../bus/connection.js';
import { frameName } from '../../bus/frame-codec.js';
import { STREAM } from '../../bus/streams.js';
import { isLateFrame } from '../../bus/subjects.js';
import { isModelChannel } from '../../site/models/address.js';
import { verdict, type Verdict } from './finding.js';
import { eachMessage } from './stream.js';

/** With all at rest, Redis shows the last frame of every channel. */
export async function checkRealtime(bus: Bus, redisUrl: string): Promise<Verdict> {
  const newest = new Map<number, string>();
  await eachMessage(bus, STREAM.frames, 'frame.>', ({ subject, data }) => {
    const { channel, epoch, seq } = frameName(data);
    if (!isLateFrame(subject) && !isModelChannel(channel)) newest.set(channel, `${epoch}/${seq}`);
  });
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: 1 });
  try {
    const stale: string[] = [];
    for (const [channel, name] of newest) {
      const [epoch, seq] = await redis.hmget(`comsrv:${channel}:frame`, 'epoch', 'seq');
      if (`${epoch}/${seq}` !== name) stale.push(`channel ${channel} shows ${epoch}/${seq}, its last frame is ${name}`);
    }
    return verdict(
      'realtime-newest',
      'Redis shows the newest frame of every channel',
      `${newest.size} channels`,
      stale,
    );
  } finally {
    redis.disconnect();
  }
}
