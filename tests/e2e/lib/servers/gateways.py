# SPDX-License-Identifier: BSD-2-Clause
"""Gateways with the same paths: /own is their own 503; below /down/ADDRESS/ a server is down, below /full/ADDRESS/ one takes no
more connections, at one of ADDRESSES; all else is for the backend. They wait a second for a connection and for a response. Those
that try the next server have /two/ (both are down) and /saved/ (the first is)."""

import http.client
from datetime import datetime, timezone

from lib import wire
from lib.servers import go, gateway_configs as configs, gateway_programs as programs
from lib.servers.process import Server

ADDRESSES = [f"127.0.1.{number}" for number in range(1, 11)]
KINDS = ["nginx", "haproxy", "apache", "caddy", "varnish", "squid", "lighttpd", "node", "go"]
TRY_NEXT = ["nginx", "haproxy"]  # another server, when one fails
LONG = [("lighttpd", "/garbage")]  # for which it waits for six seconds
STATUSES = (502, 503, 504)  # that say that another server failed
TEXTS = {
    "nginx": configs.NGINX,
    "haproxy": configs.HAPROXY,
    "apache": configs.APACHE,
    "caddy": configs.CADDY,
    "varnish": configs.VARNISH,
    "squid": configs.SQUID,
    "lighttpd": configs.LIGHTTPD,
    "node": programs.NODE,
    "go": "",
}


def port_of(name):
    return name.rpartition(":")[2]


def choices_of(names):
    """For configurations that list all servers by their addresses."""
    for path in ("down", "full"):
        for number, host in enumerate(ADDRESSES):
            yield {"path": path, "name": f"{path}{number}", "host": host, "port": names[f"{path}_port"]}


def lists_of(kind, names):
    """The parts of the configuration that repeat themselves."""
    choices = [*choices_of(names)]
    if kind == "lighttpd":
        return {"choices": "".join(configs.LIGHTTPD_CHOICE.format(**one) for one in choices)}
    back = {"name": "back", "host": "127.0.0.1", "port": names["backend_port"]}
    return {
        "backends": "".join(configs.VARNISH_BACKEND.format(**one) for one in [back, *choices]),
        "choices": "".join(configs.VARNISH_CHOICE.format(**one) for one in choices),
    }


def command_of(kind, folder, names):
    config = folder / "config"
    servers = [names["backend"], names["down_port"], names["full_port"]]
    here = f"127.0.0.1:{names['port']}"
    return {
        "nginx": lambda: ["nginx", "-p", folder, "-c", config, "-e", folder / "error.log"],
        "haproxy": lambda: ["haproxy", "-W", "-f", config],
        "apache": lambda: ["apache2", "-f", config, "-D", "FOREGROUND"],
        "caddy": lambda: ["caddy", "run", "--adapter", "caddyfile", "--config", config],
        "varnish": lambda: ["varnishd", "-F", "-j", "none", "-a", here, "-f", config, "-n", folder / "varnish",
                            "-s", "malloc,16m", "-T", "none"],
        "squid": lambda: ["squid", "-N", "-f", config],
        "lighttpd": lambda: ["lighttpd", "-D", "-f", config],
        "node": lambda: ["node", config, names["port"], *servers],
        "go": lambda: [go.built("gateway", programs.GO), here, *servers],
    }[kind]()


class Gateway(Server):
    """In front of a backend, of two servers that are down, and of one that is full."""

    def __init__(self, kind, folder, port, backend, down, other, full):
        self.kind, self.backend = kind, backend
        self.names = {"folder": folder, "port": port, "backend": backend, "down": down, "other": other}
        for name, value in {"backend": backend, "down": down, "full": full}.items():
            self.names[f"{name}_port"] = port_of(value)
        folder.chmod(0o777 if kind == "squid" else 0o755)  # Squid gives up being root
        text = TEXTS[kind]
        if kind != "node":
            text = text.format(**self.names, **lists_of(kind, self.names))
        (folder / "config").write_text(text)
        places = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "NODE_PATH": "/usr/share/nodejs"}
        super().__init__(folder, port, command_of(kind, folder, self.names), **places)

    def target(self, path):
        """Of a request for this path: Squid is a proxy that is asked for whole URLs."""
        if self.kind != "squid":
            return path
        _, first, *rest = path.split("/")
        if first in ("down", "full"):
            return f"http://{rest[0]}:{self.names[first + '_port']}/"
        return "http://own.invalid/" if first == "own" else f"http://{self.backend}{path}"

    def get(self, path):
        """The status of the answer, and the client's end of the connection."""
        since = datetime.now(timezone.utc)
        connection = http.client.HTTPConnection(*self.address, timeout=wire.DEADLINE)
        try:
            connection.request("GET", self.target(path))
            name = wire.Name(connection.sock.getsockname(), since)
            response = connection.getresponse()
            response.read()
        finally:
            connection.close()
        return response.status, name
