# SPDX-License-Identifier: BSD-2-Clause
"""gRPC as a server (server PORT) and as a client (client ADDRESS), without generated code: messages are bytes."""

import sys
import time
from concurrent import futures

import grpc

OPTIONS = [("grpc.max_connection_idle_ms", 1000), ("grpc.max_concurrent_streams", 50)]


def echo(request, context):
    del context
    return request


def fail(request, context):
    del request
    context.abort(grpc.StatusCode.UNAVAILABLE, "not today")


def wait(request, context):
    while context.is_active():
        time.sleep(0.01)
    return request


def count(request, context):
    del context
    for _ in range(20):
        yield request


HANDLERS = {
    "echo": grpc.unary_unary_rpc_method_handler(echo),
    "fail": grpc.unary_unary_rpc_method_handler(fail),
    "wait": grpc.unary_unary_rpc_method_handler(wait),
    "count": grpc.unary_stream_rpc_method_handler(count),
}


def serve(port):
    server = grpc.server(futures.ThreadPoolExecutor(8), options=OPTIONS)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test", HANDLERS),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


def call(method, **options):
    try:
        method(b"x" * 100, **options)
    except grpc.RpcError:
        pass


def use(address):
    """Ends once the server has closed the idle connection."""
    with grpc.insecure_channel(address) as channel:
        for _ in range(5):
            call(channel.unary_unary("/test/echo"))
            call(channel.unary_unary("/test/fail"))
        list(channel.unary_stream("/test/count")(b"x"))
        call(channel.unary_unary("/test/wait"), timeout=0.1)
        call(channel.unary_unary("/test/nothing"))
        idle = futures.Future()
        channel.subscribe(lambda state: state is grpc.ChannelConnectivity.IDLE and not idle.done() and idle.set_result(None))
        idle.result(timeout=20)


if __name__ == "__main__":
    {"server": serve, "client": use}[sys.argv[1]](sys.argv[2])
