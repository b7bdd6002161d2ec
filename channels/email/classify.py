"""What a reply code means at each step of an SMTP transaction (RFC 5321, 3463)."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import Enum

from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPException,
    SMTPReadTimeoutError,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from channels.unreached import why
from warnd.contract.http import LONGEST_WAIT
from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Rejected, Scope

_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")
_SECONDS = re.compile(r"\b(\d{1,5}) ?(?:s|sec|seconds?)\b", re.IGNORECASE)
_CLOCK = re.compile(r"\b(\d{2}):(\d{2}):(\d{2})\b")

_AUTHENTICATE = frozenset({530, 534, 535, 538})
_BUSY = frozenset({450, 452})
_NO_CODE = -1
"""What aiosmtplib and :mod:`channels.email.dialogue` make of a reply that begins with none."""


class Step(Enum):
    """What a transaction waited for; from ``TEXT`` on the message may have left us."""

    CONNECT = "connect"
    LOGIN = "login"
    SENDER = "sender"
    RECIPIENT = "recipient"
    DATA = "data"
    TEXT = "text"


def classify(step: Step, code: int, text: str = "") -> Outcome:
    """
    The outcome of a reply; ``text`` is searched for an enhanced status and for a time to come back.

    The words themselves go nowhere: relays quote the address in them.
    """
    if step is Step.TEXT and 200 <= code < 300:
        return Accepted()
    found = _ENHANCED.match(text.lstrip())
    status = found[0] if found is not None else ""
    detail = f"{code} {status}".rstrip()
    if 400 <= code < 500:
        return _later(step, code, status, text, detail)
    if code == 503 or not 500 <= code < 600:
        # A bad sequence of commands is nobody's fault but the line's; anything else is no reply at all.
        return Deferred(Reason.UNREADABLE_REPLY, maybe_sent=step is Step.TEXT and code != 503, detail=detail)
    return _never(step, code, status, detail)


def broken(step: Step, error: OSError | UnicodeError | SMTPException) -> Outcome:
    """
    The outcome of an error that came instead of a reply.

    Before the text nothing was taken; after it, nobody can say.
    """
    match error:
        case SMTPAuthenticationError():
            return classify(Step.LOGIN, error.code, error.message)
        case SMTPResponseException(code=code) if code == _NO_CODE:
            return Deferred(Reason.UNREADABLE_REPLY, detail="does not speak SMTP")
        case SMTPResponseException():
            return classify(Step.CONNECT, error.code, error.message)
        case _ if step is Step.CONNECT:
            return Deferred(Reason.UNREACHABLE, detail=_why(error))
        case TimeoutError():
            return Deferred(Reason.NO_REPLY, maybe_sent=step is Step.TEXT)
        case _:
            return Deferred(Reason.CONNECTION_LOST, maybe_sent=step is Step.TEXT)


def _why(error: BaseException) -> str:
    """Why there is no line to talk over; aiosmtplib's words only where they are nobody else's and show no address."""
    # Around the system's own error.
    cause = error.__cause__ or error if isinstance(error, SMTPConnectError) else error
    match cause:
        case SMTPReadTimeoutError():
            return "is connected and says nothing in time, as if it did not speak SMTP"
        case SMTPServerDisconnected():
            return "hangs up at once"
        case SMTPException() if not isinstance(cause, OSError):
            # What is left is that STARTTLS was wanted and not offered.
            return str(cause).rstrip(".")
        case _:
            return why(cause)


def _later(step: Step, code: int, status: str, text: str, detail: str) -> Deferred:
    scope = Scope.TARGET if step is Step.RECIPIENT else Scope.CHANNEL
    if status.startswith("4.2."):
        return Deferred(Reason.MAILBOX_FULL, Scope.TARGET, retry_after=_named_time(text), detail=detail)
    # 450 and 452 say "not so fast"; 4.7.1 is how greylisting shows.
    busy = code in _BUSY or status == "4.7.1"
    reason = Reason.THROTTLED if busy else Reason.TEMPORARY_FAILURE
    return Deferred(reason, scope, retry_after=_named_time(text), detail=detail)


def _never(step: Step, code: int, status: str, detail: str) -> Outcome:
    if step is Step.CONNECT:
        # A relay that turns us away at the door today may have let us in tomorrow; nobody is lost to it.
        return Deferred(Reason.TEMPORARY_FAILURE, detail=detail)
    if step in {Step.LOGIN, Step.SENDER} or code in _AUTHENTICATE:
        return Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT, detail)
    if status == "5.3.4":
        return Rejected(Reason.TOO_LONG, Scope.CONTENT, detail)
    if status == "5.2.2" or (code == 552 and not status):
        return Rejected(Reason.MAILBOX_FULL, Scope.ADDRESS, detail)
    if step in {Step.DATA, Step.TEXT}:
        return Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT, detail)
    if status.startswith("5.7."):
        # 554 is what a relay answers whom it does not relay for; 550 is the recipient's own rule.
        if code == 554:
            return Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT, detail)
        return Rejected(Reason.BLOCKED, Scope.ADDRESS, detail)
    if status in {"5.1.6", "5.2.1"} or code == 551:
        return Rejected(Reason.ADDRESS_GONE, Scope.ADDRESS, detail)
    return Rejected(Reason.BAD_ADDRESS, Scope.ADDRESS, detail)


def _named_time(text: str) -> timedelta | None:
    """``try again in 300 seconds`` or ``come back in 00:05:00``, as greylisting servers put it."""
    if (match := _SECONDS.search(text)) is not None:
        wait = timedelta(seconds=int(match[1]))
    elif (match := _CLOCK.search(text)) is not None:
        wait = timedelta(hours=int(match[1]), minutes=int(match[2]), seconds=int(match[3]))
    else:
        return None
    return min(wait, LONGEST_WAIT)
