import { MemoryStore } from '../../../protocols/realtime/memory-store.js';
import { describeRealtimeStore } from '../../support/realtime-store.js';

describeRealtimeStore('MemoryStore', () => Promise.resolve(new MemoryStore()));
