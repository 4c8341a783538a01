import assert from 'node:assert/strict';
import { DEMO_SITE } from '../../../node/demo-devices.js';
import { ChannelRegisters } from '../../../node/demo/channel-registers.js';
import { DEMO_DEVICES } from '../../../node/demo/devices.js';
import { Plant } from '../../../node/demo/plant.js';
import type { DeviceSignals } from '../../../node/demo/signals.js';
import { decoderOf } from '../../../protocols/modbus/codec.js';
import { createVirtualDriver } from '../../../protocols/virtual/driver.js';
import { loadSite } from '../../../site/config/load.js';
import type { ModbusChannel, Site, VirtualChannel } from '../../../site/model.js';
import { BAD, GOOD, POINT_KINDS } from '../../../site/points.js';
import { Readings } from '../../../site/readings.js';

const MORNING = Date.UTC(2026, 5, 20, 5);

describe('demo site', () => {
  let site: Site;
  let devices: ModbusChannel[];
  before(async () => {
    site = await loadSite(DEMO_SITE);
    devices = site.channels.filter((channel) => channel.protocol === 'modbus');
  });

  function signalsOf(channel: ModbusChannel, plant: Plant): DeviceSignals {
    const device = DEMO_DEVICES[channel.id];
    assert.ok(device, `channel ${channel.id}`);
    return device(plant);
  }

  it('has seven devices and a virtual channel, with points of every kind and many encodings', () => {
    assert.equal(devices.length, 7);
    assert.equal(site.channels.length, 8);
    const points = site.channels.flatMap((channel) => channel.points);
    assert.ok(points.length >= 100 && points.length <= 250, `${points.length} points`);
    assert.deepEqual(new Set(points.map((point) => point.kind)), new Set(POINT_KINDS));
    const mappings = devices.flatMap((channel) => channel.mappings);
    assert.ok(new Set(mappings.map((mapping) => mapping.dataType)).size >= 9);
    assert.ok(new Set(mappings.map((mapping) => mapping.byteOrder)).size >= 8);
    assert.deepEqual(new Set(mappings.map((mapping) => mapping.functionCode)), new Set([1, 2, 3, 4]));
    assert.deepEqual(new Set(mappings.map((mapping) => mapping.writeFunctionCode)), new Set([undefined, 5, 6, 15, 16]));
  });

  it('no two points of a device share registers, but for the bits of one', () => {
    for (const channel of devices) {
      const taken = new Map<string, string>();
      for (const [index, mapping] of channel.mappings.entries()) {
        for (let word = 0; word < mapping.registers; word++) {
          const at = `${mapping.unitId}/${mapping.functionCode}/${mapping.address + word}`;
          const bit = mapping.bit === undefined ? 'all' : `bit ${mapping.bit}`;
          const other = taken.get(`${at}/${bit}`) ?? taken.get(`${at}/all`);
          assert.equal(other, undefined, `${channel.name}: ${channel.points[index]?.name} and ${other} at ${at}`);
          taken.set(`${at}/${bit}`, channel.points[index]?.name ?? '');
        }
      }
    }
  });

  it('the tables and the simulated devices name the same points', () => {
    for (const channel of devices) {
      const signals = signalsOf(channel, new Plant({ speed: 1, seed: 1, start: MORNING }));
      for (const kind of POINT_KINDS) {
        const inTables = channel.points.filter((point) => point.kind === kind).map((point) => point.name);
        assert.deepEqual(inTables.sort(), Object.keys(signals[kind] ?? {}).sort(), `${channel.name}, ${kind}`);
      }
    }
  });

  it('every value fits its registers and its limits through two days, of summer and of winter', () => {
    for (const [seed, start] of [
      [1, MORNING],
      [2, Date.UTC(2026, 0, 15)],
    ] as const) {
      const plant = new Plant({ speed: 1, seed, start });
      const channels = devices.map((channel) => {
        const signals = signalsOf(channel, plant);
        return { channel, signals, registers: new ChannelRegisters(channel, signals) };
      });
      for (let minute = 0; minute < 48 * 60; minute += 5) {
        plant.step(300_000);
        for (const { channel, signals, registers } of channels) {
          registers.refresh();
          for (const [index, point] of channel.points.entries()) {
            if (point.kind !== 'T' || point.dataType === 'string') continue;
            const { unitId, functionCode, address, dataType, byteOrder } = channel.mappings[index] as never;
            const bank = registers.units[unitId];
            const raw = bank?.[functionCode === 3 ? 'holding' : 'input'].getNumber(address, dataType, byteOrder);
            const readings = new Readings([point]);
            readings.setRaw(0, raw ?? NaN, plant.model.time);
            const value = readings.values[0] as number;
            const where = `${channel.name}, ${point.name}: ${value}`;
            assert.equal(readings.quality[0], GOOD, where);
            const shown = signals.T[point.name]?.() as number;
            const resolution = dataType === 'float32' ? Math.abs(shown) * 1e-7 : point.scale / 2;
            assert.ok(Math.abs(value - shown) <= resolution * 1.001 + 1e-9, `${where}, device: ${shown}`);
          }
        }
      }
    }
  });

  it('the market channel has a source for every point', async () => {
    const channel = site.channels.find((each): each is VirtualChannel => each.protocol === 'virtual');
    assert.ok(channel);
    let now = MORNING;
    const driver = createVirtualDriver(channel, { now: () => now });
    const readings = new Readings(channel.points);
    await driver.connect();
    for (let minute = 0; minute < 60; minute++) {
      await driver.poll(readings);
      assert.ok(readings.quality.every((quality) => quality === GOOD));
      now += 60_000;
    }
  });

  describe('registers', () => {
    let battery: ModbusChannel;
    let plant: Plant;
    let registers: ChannelRegisters;
    beforeEach(() => {
      battery = devices.find((channel) => channel.id === 1002) as ModbusChannel;
      plant = new Plant({ speed: 1, seed: 1, start: MORNING });
      registers = new ChannelRegisters(battery, signalsOf(battery, plant));
      registers.refresh();
    });
    const words = (kw: number): number[] => {
      const bytes = Buffer.alloc(4);
      bytes.writeFloatBE(kw);
      return [bytes.readUInt16BE(0), bytes.readUInt16BE(2)];
    };
    /** Address of a point, from the tables. */
    const addressOf = (kind: string, name: string): number => {
      const index = battery.points.findIndex((point) => point.kind === kind && point.name === name);
      return (battery.mappings[index] as { address: number }).address;
    };
    const write = (address: number, values: number[]): number => {
      const answer = registers.units[1]?.onWrite?.({ functionCode: 16, area: 'holding', address, values });
      return answer ?? 0;
    };

    it('a write acts on the plant', () => {
      assert.equal(write(addressOf('A', 'Active power set-point'), words(-55.5)), 0);
      plant.step(1000);
      assert.equal(plant.model.battery.power, -55.5);
      registers.refresh();
      const bank = registers.units[1];
      assert.equal(bank?.holding.getNumber(addressOf('T', 'Active power'), 'float32', 'ABCD'), -55.5);
      assert.equal(bank?.holding.getUint16(addressOf('C', 'Automatic operation')), 0);
      assert.equal(write(addressOf('C', 'Automatic operation'), [1]), 0);
      assert.equal(plant.model.batteryAuto, true);
    });

    it('a write of several points acts on each', () => {
      const from = addressOf('C', 'Automatic operation');
      assert.equal(addressOf('A', 'Active power set-point'), from + 2);
      assert.equal(write(from, [0, 0, ...words(12)]), 0);
      assert.equal(plant.model.batterySetPoint, 12);
    });

    it('refuses what cannot be written or is out of range, and does nothing then', () => {
      const setPoint = addressOf('A', 'Active power set-point');
      assert.equal(write(setPoint, words(201)), 3);
      assert.equal(write(setPoint, words(NaN)), 3);
      assert.equal(write(addressOf('T', 'Active power'), words(1)), 2);
      assert.equal(write(5000, [1]), 2);
      assert.equal(write(addressOf('A', 'EMS heartbeat'), [1, 1]), 2, 'runs on into a register that is not there');
      assert.equal(plant.model.batteryAuto, true);
    });

    it('one word of a value of two changes that word', () => {
      write(addressOf('A', 'Active power set-point'), words(100));
      registers.refresh();
      const [high] = words(50) as [number, number];
      assert.equal(write(addressOf('A', 'Active power set-point'), [high]), 0);
      assert.ok(Math.abs(plant.model.batterySetPoint - 50) < 0.5);
    });

    it('reversed bits, and bits of registers whose low byte comes first, arrive as the tables say', () => {
      const contactors = battery.points.findIndex((point) => point.name === 'Contactors closed');
      assert.equal(battery.points[contactors]?.reverse, true);
      const { address } = battery.mappings[contactors] as { address: number };
      assert.equal((registers.units[2]?.input.getUint16(address) ?? 1) & 1, 0);

      const weather = devices.find((channel) => channel.id === 1006) as ModbusChannel;
      const noon = new Plant({ speed: 1, seed: 1, start: MORNING + 6 * 3_600_000 });
      const station = new ChannelRegisters(weather, signalsOf(weather, noon));
      station.refresh();
      const daylight = weather.mappings[weather.points.findIndex((point) => point.name === 'Daylight')];
      assert.deepEqual([daylight?.byteOrder, daylight?.bit], ['BA', 0]);
      assert.equal(station.units[1]?.input.getUint16(daylight?.address ?? 0), 0x0100);
    });

    it('a point that the device does not have is named and reads 0', () => {
      const [first, ...rest] = battery.points;
      assert.ok(first);
      const renamed = { ...battery, points: [{ ...first, name: 'Something else' }, ...rest] };
      const other = new ChannelRegisters(renamed, signalsOf(renamed, plant));
      assert.deepEqual(other.unknown, ['T 1 "Something else"']);
      other.refresh();
      const wire = new Uint8Array(4);
      other.units[1]?.holding.copyWire(0, 2, wire, 0);
      assert.equal(decoderOf('float32', 'ABCD')(wire, 0), 0);
    });

    it('a value that does not fit its encoding is told with its point', () => {
      const points = battery.points.map((point) => (point.name === 'Pack voltage' ? { ...point, scale: 1e-6 } : point));
      const other = new ChannelRegisters({ ...battery, points }, signalsOf(battery, plant));
      assert.throws(() => other.refresh(), {
        code: 'demo.value_does_not_fit',
        message: /^channel 1002, T 21 "Pack voltage": raw value \S+ does not fit uint16/,
      });
    });
  });

  it('points of the virtual channel that can be commanded hold what was written', async () => {
    const channel = site.channels.find((each): each is VirtualChannel => each.protocol === 'virtual') as VirtualChannel;
    const driver = createVirtualDriver(channel, { now: () => MORNING });
    const readings = new Readings(channel.points);
    await driver.connect();
    for (const point of channel.points.filter(({ kind }) => kind === 'C' || kind === 'A')) {
      assert.equal((await driver.write(point, 1)).confirmed, true, point.name);
    }
    await driver.poll(readings);
    assert.ok(!readings.quality.includes(BAD));
  });
});
