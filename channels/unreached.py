"""Why no connection came about, in words that show no network address: the same on every channel."""

from __future__ import annotations

import os
import socket
import ssl


def why(error: BaseException) -> str:
    """Of an error of connecting, encrypting or looking up a name."""
    match error:
        case TimeoutError():
            return "not connected in time"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {error.verify_message.rstrip('.')}"
        case ssl.SSLError():
            return f"does not speak TLS as it should: {error.reason or 'the handshake failed'}"
        case socket.gaierror() | ValueError():
            return "its name is not known"
        case OSError(errno=int(number)):
            return os.strerror(number)
        case _:
            return "cannot be reached"
