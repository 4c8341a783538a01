#!/usr/bin/python3
"""A Modbus device made of pymodbus (Debian's python3-pymodbus 3.0), for tests; ends when its stdin does.

Prints "ready" when it serves. Then each line of stdin is one JSON object, answered by one line of JSON:
  {"unit": 1, "holding": {"1": 1234}, "input": {…}, "coils": {"2": true}, "discrete": {…}}  sets  -> {"ok": true}
  {"unit": 1, "read": "holding", "address": 1, "count": 2}                                  reads -> {"values": [1234, 0]}
"""
import argparse
import asyncio
import json
import sys

from pymodbus.datastore import (
    ModbusSequentialDataBlock,
    ModbusServerContext,
    ModbusSlaveContext,
    ModbusSparseDataBlock,
)
from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer
from pymodbus.transaction import ModbusRtuFramer, ModbusSocketFramer

# Our names of the four tables, pymodbus's, and the read function that selects each.
AREAS = {"coils": ("co", 1), "discrete": ("di", 2), "holding": ("hr", 3), "input": ("ir", 4)}


def block(values, sparse):
    known = {int(address): int(value) for address, value in values.items()}
    if sparse:  # only these addresses exist
        return ModbusSparseDataBlock(known or {65535: 0})
    cells = [0] * 65536
    for address, value in known.items():
        cells[address] = value
    return ModbusSequentialDataBlock(0, cells)


def context_of(units):
    slaves = {
        int(unit): ModbusSlaveContext(
            zero_mode=True,
            **{name: block(tables.get(area, {}), tables.get("sparse", False)) for area, (name, _) in AREAS.items()},
        )
        for unit, tables in units.items()
    }
    return ModbusServerContext(slaves=slaves, single=False)


def obey(context, command):
    slave = context[command["unit"]]
    if "read" in command:
        function = AREAS[command["read"]][1]
        values = slave.getValues(function, command["address"], command.get("count", 1))
        return {"values": [int(value) for value in values]}
    for area, (_, function) in AREAS.items():
        for address, value in command.get(area, {}).items():
            slave.setValues(function, int(address), [int(value)])
    return {"ok": True}


async def commands(context):
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        print(json.dumps(obey(context, json.loads(line))), flush=True)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int)
    parser.add_argument("--serial", help="device path: RTU over a serial line instead of TCP")
    parser.add_argument("--framer", choices=["tcp", "rtu"], default="tcp")
    parser.add_argument("--units", default='{"1": {}}', help="JSON: unit -> area -> address -> value")
    options = parser.parse_args()
    context = context_of(json.loads(options.units))
    if options.serial:
        server = await StartAsyncSerialServer(
            context, framer=ModbusRtuFramer, port=options.serial, baudrate=19200, timeout=0.01, defer_start=True
        )
        await server.start()
        serving = asyncio.create_task(server.serve_forever())
    else:
        framer = ModbusRtuFramer if options.framer == "rtu" else ModbusSocketFramer
        server = await StartAsyncTcpServer(
            context, address=(options.host, options.port), framer=framer, allow_reuse_address=True, defer_start=True
        )
        serving = asyncio.create_task(server.serve_forever())
        await server.serving
    print("ready", flush=True)
    await asyncio.wait([serving, asyncio.create_task(commands(context))], return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()


asyncio.run(main())
