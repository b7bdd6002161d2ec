"""Alertmanager: a webhook receiver, every alert a group of its own, so that each becomes one notification."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Sequence
from typing import ClassVar

from bench.counting import ALERTMANAGER
from bench.gateway import free_port
from bench.peers.engine import TEXT, Errand
from bench.peers.processes import Processes
from bench.until import until

_BINARIES = ("prometheus-alertmanager", "alertmanager")

_CONFIG = """
route:
  receiver: gateway
  group_by: ['...']
  group_wait: 0s
  group_interval: {interval}s
  repeat_interval: 4h
receivers:
  - name: gateway
    webhook_configs:
      - url: {url}
        send_resolved: false
        http_config:
          authorization:
            credentials: {token}
"""

_INTERVAL = 10
"""Seconds after which a group whose notification failed is tried again; as shipped it is five minutes."""


class Alertmanager:
    name: ClassVar[str] = "Alertmanager"
    quiet: ClassVar[float] = _INTERVAL + 3.0

    def __init__(self, errand: Errand) -> None:
        self._errand = errand
        self._processes = Processes(errand.home)
        self._url = f"http://127.0.0.1:{free_port()}"
        webhook = errand.url.replace("/send", ALERTMANAGER)
        config = _CONFIG.format(url=webhook, token=errand.token, interval=_INTERVAL)
        (errand.home / "alertmanager.yml").write_text(config)
        alerts = [
            {"labels": {"alertname": "warning", "to": to}, "annotations": {"text": TEXT}}
            for to in errand.addresses
        ]
        self._body = json.dumps(alerts).encode()

    @staticmethod
    def missing() -> str | None:
        return None if _binary() else "not installed (Debian: prometheus-alertmanager)"

    def start(self) -> None:
        binary, home = _binary(), self._errand.home
        assert binary is not None
        self._processes.start(
            binary,
            f"--config.file={home / 'alertmanager.yml'}",
            f"--storage.path={home / 'data'}",
            f"--web.listen-address={self._url.removeprefix('http://')}",
            "--cluster.listen-address=",
            "--log.level=error",
        )
        until(self._ready, "Alertmanager is ready")

    def hand_over(self) -> None:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self._url}/api/v2/alerts", self._body, headers)
        with urllib.request.urlopen(request, timeout=60):
            pass

    def kill(self) -> None:
        self._processes.kill()

    def processes(self) -> Sequence[int]:
        return self._processes.ids()

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._url}/-/ready", timeout=5):
                return True
        except OSError:
            return False


def _binary() -> str | None:
    return next((found for name in _BINARIES if (found := shutil.which(name))), None)
