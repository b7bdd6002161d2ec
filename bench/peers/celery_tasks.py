"""
The task that tells one recipient, as Celery's manual would have it written; what it needs is in the environment.

As a program (``python -m bench.peers.celery_tasks``) it is who asks for the tasks: reads the recipients, says ``done``.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import requests
from celery import Celery
from celery.signals import worker_ready

VISIBILITY = 5
"""
Seconds after which the broker gives a task that nobody acknowledged to somebody else.

As shipped it is an hour, which nobody can wait for here.
"""

app = Celery("bench", broker=os.environ["BENCH_BROKER"])
app.conf.update(
    task_ignore_result=True,
    task_acks_late=bool(os.environ["BENCH_LATE"]),
    worker_prefetch_multiplier=1 if os.environ["BENCH_LATE"] else 4,
    broker_transport_options={"visibility_timeout": VISIBILITY},
    broker_connection_retry_on_startup=True,
)
_own = threading.local()


@app.task(
    name="bench.tell",
    autoretry_for=(requests.RequestException,),
    retry_backoff=1,
    retry_backoff_max=8,
    max_retries=None,
)
def tell(to: str, text: str) -> None:
    body = {"to": [to], "text": text, "ref": tell.request.id}
    _session().post(os.environ["BENCH_URL"], json=body, timeout=10).raise_for_status()


def _session() -> requests.Session:
    """One a thread: its connection stays open."""
    if not hasattr(_own, "session"):
        _own.session = requests.Session()
        _own.session.headers["Authorization"] = f"Bearer {os.environ['BENCH_TOKEN']}"
    session: requests.Session = _own.session
    return session


@worker_ready.connect
def _say_ready(**_: Any) -> None:
    Path(os.environ["BENCH_READY"]).touch()


def _ask() -> None:
    wanted = json.loads(sys.stdin.readline())
    with app.producer_pool.acquire(block=True) as producer:
        for to in wanted["addresses"]:
            tell.apply_async((to, wanted["text"]), producer=producer)
    sys.stdout.write("done\n")
    sys.stdout.flush()
    sys.stdin.readline()


if __name__ == "__main__":
    _ask()
