export { BitTable, RegisterBank, RegisterTable } from './bank.js';
export type { BankWrite, RegisterBankOptions, UnitFaults } from './bank.js';
export { ModbusDevice, startModbusDevices } from './server.js';
export type { ModbusDeviceOptions, ModbusDevices } from './server.js';
