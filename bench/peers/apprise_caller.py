"""A process that uses Apprise: reads services and a text, says ``ready``, tells them all at the next line."""

from __future__ import annotations

import asyncio
import json
import sys

from apprise import Apprise


def main() -> None:
    wanted = json.loads(sys.stdin.readline())
    apprise = Apprise()
    for service in wanted["services"]:
        if not apprise.add(service):
            raise ValueError("Apprise cannot read a service")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    asyncio.run(apprise.async_notify(body=wanted["text"]))
    sys.stdin.readline()


if __name__ == "__main__":
    main()
