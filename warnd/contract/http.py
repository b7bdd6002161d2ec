"""What every HTTP gateway has in common: how a status refuses, and what ``Retry-After`` says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from warnd.contract.outcome import Deferred, Outcome, Reason, Rejected, Scope

LONGEST_WAIT = timedelta(hours=1)
"""A gateway that asks for more than that is asked again after this."""


def retry_after(header: str | None, *, now: datetime | None = None) -> timedelta | None:
    """
    RFC 9110 10.2.3: seconds or an HTTP date; None when absent or unreadable. Never negative, at most an hour.
    """
    if header is None or not (text := header.strip()):
        return None
    try:
        seconds = float(text) if text.isascii() and text.replace(".", "", 1).isdigit() else None
        if seconds is not None:
            return min(timedelta(seconds=min(seconds, 1e6)), LONGEST_WAIT)
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    wait = date - (now if now is not None else datetime.now(UTC))
    return min(max(wait, timedelta(0)), LONGEST_WAIT)


def refusal(status: int, retry_after_header: str | None = None) -> Outcome | None:
    """
    What an HTTP status alone means for a whole request; None for 2xx, where the body decides.

    429 and 503 were certainly not taken; 500, 502 and 504 may have been, behind whatever answered; 401, 402
    and 403 speak of the account; 413 of the text; other 4xx and redirects are a fault of the configuration, so nobody may be lost to them.
    """
    if 200 <= status < 300:
        return None
    wait = retry_after(retry_after_header)
    detail = f"HTTP {status}"
    match status:
        case 429:
            return Deferred(Reason.THROTTLED, retry_after=wait, detail=detail)
        case 503:
            return Deferred(Reason.TEMPORARY_FAILURE, retry_after=wait, detail=detail)
        case 408 | 425:
            return Deferred(Reason.TEMPORARY_FAILURE, retry_after=wait, detail=detail)
        case 413:
            return Rejected(Reason.TOO_LONG, Scope.CONTENT, detail)
        case 402:
            return Rejected(Reason.OUT_OF_CREDIT, Scope.ACCOUNT, detail)
        case _ if status >= 500:
            return Deferred(Reason.TEMPORARY_FAILURE, retry_after=wait, maybe_sent=True, detail=detail)
        case _:
            return Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT, detail)
