import type { Driver } from '../protocols/driver.js';
import { createCanDriver } from '../protocols/can/driver.js';
import { createGrpcDriver } from '../protocols/grpc/driver.js';
import { createModbusDriver } from '../protocols/modbus/driver.js';
import { createMqttDriver } from '../protocols/mqtt/driver.js';
import { createVirtualDriver } from '../protocols/virtual/driver.js';
import type { ChannelConfig } from '../site/model.js';

/** The driver of a channel's protocol. */
export function createDriver(config: ChannelConfig): Driver {
  switch (config.protocol) {
    case 'modbus':
      return createModbusDriver(config);
    case 'virtual':
      return createVirtualDriver(config);
    case 'mqtt':
      return createMqttDriver(config);
    case 'grpc':
      return createGrpcDriver(config);
    case 'can':
      return createCanDriver(config);
  }
}
