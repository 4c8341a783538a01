import type { Driver } from '../protocols/driver.js';
import { createCanDriver } from '../protocols/can/driver.js';
import { createGrpcDriver } from '../protocols/grpc/driver.js';
import { createModbusDriver, openLink } from '../protocols/modbus/driver.js';
import { SharedLinks } from '../protocols/modbus/shared-links.js';
import { createMqttDriver } from '../protocols/mqtt/driver.js';
import { createVirtualDriver } from '../protocols/virtual/driver.js';
import type { ChannelConfig } from '../site/model.js';

/** Makes the driver of a channel's protocol, for the channels of one node. */
export function driversOfNode(): (config: ChannelConfig) => Driver {
  const shared = new SharedLinks(openLink);
  return (config) => {
    switch (config.protocol) {
      case 'modbus':
        return createModbusDriver(config, { shared });
      case 'virtual':
        return createVirtualDriver(config);
      case 'mqtt':
        return createMqttDriver(config);
      case 'grpc':
        return createGrpcDriver(config);
      case 'can':
        return createCanDriver(config);
    }
  };
}
