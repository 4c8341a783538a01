#!/usr/bin/env python3
"""A plug-in driver for Statewatt in Python (docs/grpc.md): `driver.py [port]`.

Its device is the machine that it runs on (Linux): load, memory, time since the start, and a limit of the load that may be
set. README.md beside it tells what it needs.
"""

import sys
import time
from concurrent import futures

import grpc

try:
    import driver_pb2 as messages
except ImportError:
    sys.exit("driver_pb2.py is missing: protoc -I schemas --python_out=examples/grpc-driver/python schemas/driver.proto")

VERSION = 1
SERVICE = "statewatt.driver.v1.Driver"
# Each open stream has a thread of its own.
THREADS = 32


class Machine:
    """The device: what it measures, and what may be set."""

    def __init__(self):
        self.limit = 4.0

    def read(self):
        with open("/proc/loadavg", encoding="ascii") as file:
            load = float(file.read().split()[0])
        with open("/proc/meminfo", encoding="ascii") as file:
            memory = {line.split(":")[0]: int(line.split()[1]) for line in file}
        with open("/proc/uptime", encoding="ascii") as file:
            uptime = float(file.read().split()[0])
        return {
            "load": load,
            "memory": memory["MemAvailable"] / 1024,  # MiB
            "uptime": uptime,
            "busy": load > self.limit,
            "limit": self.limit,
        }

    def set(self, source, value):
        """Why it does not take the value; None: it has taken it."""
        if source != "limit":
            return f"{source} cannot be set"
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1000:
            return f"found {value}, allowed more than 0 to 1000"
        self.limit = float(value)
        return None


class Plugin:
    """The five calls of the contract. One plug-in serves any number of channels, each with a session."""

    def __init__(self, device):
        self.device = device
        self.sessions = {}
        self.opened = 0

    def connect(self, request, context):
        if request.version != VERSION:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"found version {request.version}, allowed {VERSION}")
        # The channel's session before is over.
        self.sessions = {id: one for id, one in self.sessions.items() if one["channel"] != request.channel}
        self.opened += 1
        session = f"{request.channel}-{self.opened}"
        wanted = [point.source for point in request.points]
        known = self.device.read()
        self.sessions[session] = {
            "channel": request.channel,
            "sources": [source for source in wanted if source in known],
            "seconds": request.interval_ms / 1000 or 1,
        }
        unknown = [source for source in wanted if source not in known]
        return messages.ConnectResponse(version=VERSION, session=session, driver="machine example 1.0", unknown=unknown)

    def read(self, request, context):
        return messages.ReadResponse(values=self.values(self.session(request, context)))

    def stream(self, request, context):
        while context.is_active():
            session = self.session(request, context)
            yield messages.PointValues(values=self.values(session))
            time.sleep(session["seconds"])

    def write(self, request, context):
        self.session(request, context)
        kind = request.value.WhichOneof("kind")
        value = None if kind is None else getattr(request.value, kind)
        refusal = self.device.set(request.source, value)
        if refusal is not None:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, refusal)
        return messages.WriteResponse(read_back=value_of(self.device.read()[request.source]), answer="ok")

    def health(self, request, context):
        self.session(request, context)
        return messages.HealthResponse(status=messages.HealthResponse.STATUS_SERVING)

    def session(self, request, context):
        session = self.sessions.get(request.session)
        if session is None:
            context.abort(grpc.StatusCode.NOT_FOUND, f"there is no session {request.session}")
        return session

    def values(self, session):
        values = self.device.read()
        now = int(time.time() * 1000)
        return [
            messages.PointValue(
                source=source, value=value_of(values[source]), quality=messages.QUALITY_GOOD, time_ms=now
            )
            for source in session["sources"]
        ]


def value_of(raw):
    if isinstance(raw, bool):  # Before the numbers: in Python a truth is one.
        return messages.Value(boolean=raw)
    return messages.Value(text=raw) if isinstance(raw, str) else messages.Value(number=raw)


def handlers(plugin):
    """The calls by name. What grpc_tools generates does the same; so protoc alone is enough."""

    def one(call, request, answer):
        return grpc.unary_unary_rpc_method_handler(
            call, request_deserializer=request.FromString, response_serializer=answer.SerializeToString
        )

    return grpc.method_handlers_generic_handler(
        SERVICE,
        {
            "Connect": one(plugin.connect, messages.ConnectRequest, messages.ConnectResponse),
            "Read": one(plugin.read, messages.ReadRequest, messages.ReadResponse),
            "Write": one(plugin.write, messages.WriteRequest, messages.WriteResponse),
            "Health": one(plugin.health, messages.HealthRequest, messages.HealthResponse),
            "Stream": grpc.unary_stream_rpc_method_handler(
                plugin.stream,
                request_deserializer=messages.StreamRequest.FromString,
                response_serializer=messages.PointValues.SerializeToString,
            ),
        },
    )


def main():
    port = sys.argv[1] if len(sys.argv) > 1 else "50051"
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=THREADS))
    server.add_generic_rpc_handlers((handlers(Plugin(Machine())),))
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    print(f"machine on 127.0.0.1:{bound}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
