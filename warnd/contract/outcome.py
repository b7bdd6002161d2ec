"""What a channel answers for each delivery, and what a provider says of it later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum


class Reason(Enum):
    """
    Why something was not accepted, in words that are the same for every provider.

    The provider's own code and words go to ``detail``, never an address or a credential.
    """

    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    TEMPORARY_FAILURE = "temporary_failure"
    UNREADABLE_REPLY = "unreadable_reply"
    NO_REPLY = "no_reply"
    CONNECTION_LOST = "connection_lost"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105  a reason, not a credential
    BAD_ADDRESS = "bad_address"
    ADDRESS_GONE = "address_gone"
    MAILBOX_FULL = "mailbox_full"
    BLOCKED = "blocked"
    CONTENT_REFUSED = "content_refused"
    TOO_LONG = "too_long"
    ACCOUNT_REFUSED = "account_refused"
    OUT_OF_CREDIT = "out_of_credit"
    NOT_ANSWERED = "not_answered"
    INTERRUPTED = "interrupted"
    LATE = "late"


class Scope(Enum):
    """
    Of what a refusal or a delay speaks.

    ``TARGET``/``ADDRESS``: this address; ``CHANNEL``: everything on it; ``CONTENT``: this text on this
    channel; ``ACCOUNT``: our contract or credential; ``ONE_OF``: one of the batch is bad, the provider does
    not say which.
    """

    TARGET = "target"
    CHANNEL = "channel"
    ADDRESS = "address"
    CONTENT = "content"
    ACCOUNT = "account"
    ONE_OF = "one_of"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took responsibility; no person has it yet. ``receipt_key`` is how receipts will name it."""

    receipt_key: str | None = None


@dataclass(frozen=True, slots=True)
class Deferred:
    """
    The same may succeed later.

    ``scope`` is TARGET or CHANNEL. ``retry_after`` is what the provider asked for (zero: at once). ``maybe_sent``:
    the request left us and no clear answer came back.
    """

    reason: Reason
    scope: Scope = Scope.CHANNEL
    retry_after: timedelta | None = None
    maybe_sent: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """No later try with this can succeed; ``scope`` says of what: ADDRESS, CONTENT, ACCOUNT or ONE_OF."""

    reason: Reason
    scope: Scope = Scope.ADDRESS
    detail: str = ""


Outcome = Accepted | Deferred | Rejected


class ReceiptStatus(Enum):
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"


@dataclass(frozen=True, slots=True)
class Receipt:
    """
    The provider's later word (状态报告).

    ``key`` is what ``Accepted.receipt_key`` said; keys need not be unique, so ``address`` narrows where the
    provider gives it. ``at`` is the provider's time.
    """

    key: str
    status: ReceiptStatus
    address: str | None = None
    at: datetime | None = None
    detail: str = ""
