# SPDX-License-Identifier: BSD-2-Clause
"""gRPC without generated code, where messages are bytes: a server (server PORT OPTIONS), a client that does many things (client
ADDRESS), and one that does as its standard input says (talk ADDRESS OPTIONS): talk.py has the words. Within TLS a server's files of key and
certificate follow, and a client's of the issuer."""

import contextlib
import json
import signal
import sys
import threading
import time
from concurrent import futures

import grpc

OPTIONS = {"grpc.max_connection_idle_ms": 1000, "grpc.max_concurrent_streams": 50}
GRACE = 10  # seconds that calls have to end once the server shuts down


# ---- the server -----------------------------------------------------------------------------------------


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


def later(request, context):
    """Answers after so many seconds."""
    end = time.monotonic() + float(request)
    while context.is_active() and time.monotonic() < end:
        time.sleep(0.01)
    return request


def count(request, context):
    del context
    for _ in range(20):
        yield request


def begin(request, context):
    yield request
    wait(request, context)


HANDLERS = {
    "echo": grpc.unary_unary_rpc_method_handler(echo),
    "fail": grpc.unary_unary_rpc_method_handler(fail),
    "wait": grpc.unary_unary_rpc_method_handler(wait),
    "later": grpc.unary_unary_rpc_method_handler(later),
    "count": grpc.unary_stream_rpc_method_handler(count),
    "begin": grpc.unary_stream_rpc_method_handler(begin),
}


def bytes_of(path):
    with open(path, "rb") as file:
        return file.read()


def serve(port, options="{}", *files):
    """SIGTERM shuts it down as deploys do, SIGINT at once."""
    options = [*(OPTIONS | json.loads(options)).items()]
    server = grpc.server(futures.ThreadPoolExecutor(32), options=options)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test", HANDLERS),))
    if files:
        credentials = grpc.ssl_server_credentials([tuple(map(bytes_of, files))])
        server.add_secure_port(f"127.0.0.1:{port}", credentials)
    else:
        server.add_insecure_port(f"127.0.0.1:{port}")
    signal.signal(signal.SIGTERM, lambda *_: server.stop(GRACE))
    signal.signal(signal.SIGINT, lambda *_: server.stop(0))
    server.start()
    while server.wait_for_termination(0.1):
        pass


# ---- a client that does many things -----------------------------------------------------------------------


def call(method, **options):
    with contextlib.suppress(grpc.RpcError):
        method(b"x" * 100, **options)


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


# ---- a client that does as it is told ---------------------------------------------------------------------

turn = threading.Lock()


def say(event, **facts):
    with turn:
        print(json.dumps({"event": event} | facts), flush=True)


class Talker:
    """A path is the name of a method; /later?for=2 waits for 2 seconds, and ?deadline=0.5 gives the call so many."""

    def __init__(self, address, options, *issuer):
        options = [*({"grpc.enable_retries": 0} | options).items()]
        if issuer:
            credentials = grpc.ssl_channel_credentials(*map(bytes_of, issuer))
            self.channel = grpc.secure_channel(address, credentials, options=options)
        else:
            self.channel = grpc.insecure_channel(address, options=options)
        self.going = set()
        self.channel.subscribe(lambda state: say("state", state=state.name))

    def open(self, number, path):
        name, _, query = path.partition("?")
        wanted = dict(one.split("=") for one in query.split("&") if one)
        name = "/echo" if name == "/" else name
        message = wanted.get("for", "x").encode()
        deadline = float(wanted["deadline"]) if "deadline" in wanted else None
        for _ in range(number):
            if name in ("/begin", "/count"):
                self._stream(path, self.channel.unary_stream("/test" + name)(message, timeout=deadline))
                continue
            one = self.channel.unary_unary("/test" + name).future(message, timeout=deadline)
            self.going.add(one)
            one.add_done_callback(lambda one: self._say_result(path, one))

    def _say_result(self, path, one):
        self.going.discard(one)
        code, details = one.code(), one.details()
        say("result", path=path, **({"status": 200} if code is grpc.StatusCode.OK else {"error": f"{code.name}: {details}"}))

    def _stream(self, path, one):
        self.going.add(one)

        def read():
            with contextlib.suppress(grpc.RpcError):
                for number, _ in enumerate(one):
                    if not number:
                        say("head", path=path, status=200)
            self._say_result(path, one)

        threading.Thread(target=read, daemon=True).start()

    def cancel(self, *_):
        for one in list(self.going):
            one.cancel()

    def close(self, *_):
        self.channel.close()
        sys.exit(0)

    destroy = close


def talk(address, options="{}", *issuer):
    talker = Talker(address, json.loads(options), *issuer)
    grpc.channel_ready_future(talker.channel).result(timeout=30)
    say("open")
    for line in sys.stdin:
        word, number, path = line.split()
        getattr(talker, word)(int(number), path)


if __name__ == "__main__":
    {"server": serve, "client": use, "talk": talk}[sys.argv[1]](*sys.argv[2:])
