"""
Every known attack, measured: ``python -m tests.fuzz.measure`` prints one JSON object a line.

The bait is a named pipe, on which whoever opens it hangs, and a listening port, where whoever calls is seen.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from tests.fakes.signing import rsa_key, signed
from tests.fuzz.attacks import Attack, attacks
from tests.fuzz.watch import watched
from warnd.errors import InvalidAlert
from warnd.intake.check import check_object
from warnd.intake.hazards import load_hazards
from warnd.intake.signature import SignaturePolicy, check_signature
from warnd.resources import config_dir

CATALOGUE = load_hazards(config_dir() / "hazards.toml")
DATA = Path(__file__).parent.parent / "data"
PLAIN = (DATA / "cap" / "rainstorm-red.xml").read_bytes()


def doors() -> Mapping[str, Callable[[bytes], str]]:
    """The ways in that the bytes of strangers take, each saying how it ended: reading, and the check of a signature."""
    issuer = rsa_key("issuer")
    policy = SignaturePolicy((issuer.public_key(),), required=True)
    genuine = check_signature(signed(PLAIN.decode(), issuer).encode(), policy).body

    def check(body: bytes) -> str:
        found = check_object("attack", body, CATALOGUE)
        json.dumps(found, ensure_ascii=False).encode()  # as `warnd check` prints it
        return str(found["verdict"])

    def signature(body: bytes) -> str:
        try:
            checked = check_signature(body, policy)
        except InvalidAlert:
            return "refuse"
        if not checked.doubts and checked.body != genuine:
            raise AssertionError("verified what the issuer never signed")
        return ",".join(one.code for one in checked.doubts) or "verified"

    return {"check": check, "signature": signature}


def measure() -> Iterator[dict[str, object]]:
    entered = doors()
    for door in entered.values():
        door(PLAIN)  # what is loaded once is nobody's fault
    gc.collect()
    gc.freeze()  # nor looked through again before each attack, and in each child
    with tempfile.TemporaryDirectory() as directory, socket.create_server(("127.0.0.1", 0)) as listener:
        pipe = Path(directory) / "bait"
        os.mkfifo(pipe)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/bait"
        for attack in attacks(pipe.as_uri(), address):
            for name, door in entered.items():
                yield _line(attack, name, door)
        yield {"attack": "bait", "called": _was_called(listener)}


def _was_called(listener: socket.socket) -> bool:
    listener.setblocking(False)
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def _line(attack: Attack, name: str, door: Callable[[bytes], str]) -> dict[str, object]:
    gc.collect()
    reading = watched(lambda: door(attack.body))
    return {
        "attack": attack.name,
        "expected": attack.expected.value,
        "bytes": len(attack.body),
        "door": name,
        **asdict(reading),
    }


if __name__ == "__main__":
    for line in measure():
        print(json.dumps(line), flush=True)
