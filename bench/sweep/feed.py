"""The feed of a sweep: posts a message until it is answered, however often the daemon dies meanwhile."""

from __future__ import annotations

import http.client
import threading
import time
import urllib.error
import urllib.request

_PAUSE = 0.05


class Feed:
    """Messages one after the other, each from a thread of its own; ``answered`` counts those with a 2xx."""

    def __init__(self, url: str, key: str) -> None:
        self._request_to = f"{url}/api/v1/alerts"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self.answered = 0

    def post(self, body: bytes) -> None:
        """Return at once; what was posted before comes first."""
        before = self._threads[-1] if self._threads else None
        thread = threading.Thread(target=self._until_answered, args=(body, before))
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _until_answered(self, body: bytes, before: threading.Thread | None) -> None:
        if before is not None:
            before.join()
        while not self._stopped.is_set():
            try:
                with urllib.request.urlopen(
                    urllib.request.Request(self._request_to, body, self._headers), timeout=30
                ):
                    self.answered += 1
                    return
            except urllib.error.HTTPError as refused:
                if refused.code < 500:
                    raise
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(_PAUSE)
