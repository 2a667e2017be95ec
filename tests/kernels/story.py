# SPDX-License-Identifier: BSD-2-Clause
"""The connections of the kernel tests: every case by several system calls, every ending over both families."""

import endings
from lib.case import CASES, Case

PLAIN = ("send", 0), ("recv", 0)
WHOLE = ("write", 0), ("read", 0)
# Pieces of several calls are shorter than what may be taken for the start of a message.
CARRIERS = [
    (("write", 1), ("read", 0)),
    (("writev", 7), ("readv", 0)),
    (("sendmsg", 3), ("recvmsg", 0)),
    (("send", 3), ("recv", 2)),
    (("sendmsg", 0), ("readv", 5)),
    (("send", 0), ("waitall", 0)),
    (("writev", 1), ("recvmsg", 1)),
    (("write", 0), ("peek", 3)),
]
BLIND = [
    (("sendfile", 0), ("recv", 0)),
    (("splice", 0), ("read", 0)),
    (("send", 0), ("splice", 0)),
]


class Connection:
    """One line of acts, under a name; what is known of its records beforehand."""

    def __init__(self, name, acts, reasons=(None, None), case=None):
        self.name, self.acts = name, acts
        self.reasons = reasons  # of the client's record and of the server's
        self.case = case
        self.pauses = any(act.startswith("sleep") for act in acts)


def name_of(carriers):
    return "-".join(f"{call}{piece or ''}" for call, piece in carriers)


def played(case, carriers, plan):
    acts = []
    for from_client, data, sending, receiving in plan:
        acts += endings.carry("client" if from_client else "server", data, sending, receiving)
    name = f"{case.name}:{name_of(carriers)}"
    return Connection(name, [f"pair {name}", *acts, *endings.close("server" if case.responses else "client")],
                      case=case)


def of_cases():
    """Each case in one call, and by one of the other ways in turn; its bodies by a way that nothing can read."""
    for number, path in enumerate(CASES):
        for carriers in (WHOLE, CARRIERS[number % len(CARRIERS)]):
            case = Case(path)
            yield played(case, carriers, case.plan(*carriers, PLAIN))
        case = Case(path)
        if case.bodies():
            carriers = BLIND[number % len(BLIND)]
            case.expect_blind(carriers[1][0] == "splice")
            yield played(case, carriers, case.plan_bodies(*carriers, PLAIN))


def of_endings():
    for name, (acts, *reasons) in endings.ENDINGS.items():
        for family in ("pair", "pair6"):
            yield Connection(f"{name}:{family}", [f"{family} {name}:{family}", *acts], reasons)


def connections():
    acts, *reasons = endings.PREEXISTING
    refused = Connection("refused", ["refused refused"], (endings.REFUSED, None))
    return [Connection("preexisting", acts, reasons), *of_cases(), *of_endings(), refused]


def script(played_connections):
    return "".join("\n".join(one.acts) + "\n" for one in played_connections)
