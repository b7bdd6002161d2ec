"""Whatever goes wrong, said as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from aiohttp import web

from warnd.api.views import fault_view
from warnd.errors import Conflict, Fault, Invalid, InvalidAlert, NotFound, StoreError, TooMany, WarndError

log = structlog.get_logger()

_OURS = ("/api", "/feeds", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs")


def problem(
    status: int,
    detail: str,
    faults: Sequence[Fault] = (),
    *,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> web.Response:
    """A problem; ``errors`` names every fault by path."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": [fault_view(one) for one in faults],
        **more,
    }
    return web.Response(
        body=orjson.dumps(body), status=status, headers=headers, content_type="application/problem+json"
    )


@web.middleware
async def problems(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turn what the API raises into problems; the console's pages speak for themselves."""
    if not request.path.startswith(_OURS):
        return await handler(request)
    try:
        return await handler(request)
    except WarndError as error:
        return _told(error)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return _plain(error)
    except web.RequestPayloadError:
        return problem(400, "the body is not what its Content-Encoding or Transfer-Encoding says")
    except (ConnectionError, TimeoutError):
        raise  # the one who asked is gone
    except Exception:
        log.exception("request.broke", method=request.method, path=request.path)
        return problem(500, "this is a fault of warnd; its log says more")


def _told(error: WarndError) -> web.Response:
    match error:
        case InvalidAlert(faults=faults):
            return problem(422, "the message is no valid warning", faults, verdict="refuse")
        case Invalid(faults=faults):
            return problem(422, "the request has faults", faults)
        case NotFound():
            return problem(404, str(error))
        case TooMany(retry_after=seconds):
            return problem(429, str(error), headers={"Retry-After": str(math.ceil(seconds))})
        case Conflict():
            return problem(409, str(error))
        case StoreError():
            return problem(503, "the store could not keep or find it now", headers={"Retry-After": "5"})
        case _:
            return problem(500, str(error))


def _plain(error: web.HTTPException) -> web.Response:
    passed = ("Allow", "WWW-Authenticate", "Retry-After")
    headers = {name: error.headers[name] for name in passed if name in error.headers}
    detail = _DETAILS.get(error.status) or error.text or error.reason
    return problem(error.status, detail, headers=headers)


_DETAILS = {
    404: "there is nothing at this address",
    405: "this address does not take that method",
    413: "the body is larger than server.max_body allows",
}
