"""What a gateway's answer means for each number of the batch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from channels.sms.dialect import Dialect, Meaning
from channels.sms.numbers import Spellings
from warnd.contract.outcome import Accepted, Deferred, Outcome, Reason, Rejected, Scope

UNREADABLE = Deferred(Reason.UNREADABLE_REPLY, maybe_sent=True)
NOT_MENTIONED = Deferred(
    Reason.UNREADABLE_REPLY, Scope.TARGET, maybe_sent=True, detail="the answer does not mention the number"
)

LONGEST_DETAIL = 200

# Anything long enough to be a credential, or a telephone number in any spelling.
_TELLING = re.compile(r"[A-Za-z0-9+/=_.~-]{16,}|\+?\d[\d \-]{4,}\d")


def classify(answer: object, addresses: Sequence[str], dialect: Dialect) -> list[Outcome]:
    """
    One outcome per address, in the addresses' order.

    Rows are matched by number, not by place, whatever their order and spelling. Of two rows for one number
    the one that accepts stands: once taken it is taken. A number without a row gets what the whole request
    got; if that was a yes, nobody can say what became of it.
    """
    names, codes = dialect.answer, dialect.codes
    if not isinstance(answer, Mapping):
        return [UNREADABLE] * len(addresses)
    rows = answer.get(names.results)
    rows = rows if isinstance(rows, list) else []
    to, key = names.to, names.id
    code_name = names.result_code or names.code
    message_name = names.result_message or names.message

    found: list[Outcome | None] = [None] * len(addresses)
    left = len(addresses)
    spellings: Spellings | None = None
    last_code: object = None
    meaning: Meaning | None = None
    for row_number, row in enumerate(rows):
        if not isinstance(row, dict):
            continue
        number = row.get(to)
        place: int | None = row_number
        # The usual answer keeps our order and spelling: then nothing is looked up.
        if row_number >= len(addresses) or number != addresses[row_number]:
            if spellings is None:
                spellings = Spellings(addresses)
            place = spellings.place(number)
        if place is None:
            continue
        if (code := row.get(code_name)) is not last_code:
            last_code, meaning = code, codes.meaning(code)
        earlier = found[place]
        if earlier is None:
            left -= 1
        elif meaning is not Meaning.ACCEPTED or isinstance(earlier, Accepted):
            continue
        if meaning is Meaning.ACCEPTED:
            found[place] = Accepted(_receipt_key(row.get(key)))
        else:
            found[place] = _refusal_of_number(meaning, _detail(code, row.get(message_name)))

    rest = _whole(answer, dialect, len(addresses)) if left else UNREADABLE
    return [rest if outcome is None else outcome for outcome in found]


def scrubbed(words: object) -> str:
    """A provider's words without what could be an address or a credential, and not too many of them."""
    return _TELLING.sub("…", words)[:LONGEST_DETAIL] if isinstance(words, str) else ""


def _whole(answer: Mapping[str, object], dialect: Dialect, size: int) -> Outcome:
    """The outcome of every number that has no row of its own."""
    code = answer.get(dialect.answer.code)
    detail = _detail(code, answer.get(dialect.answer.message))
    match dialect.codes.meaning(code):
        case Meaning.ACCEPTED:
            return NOT_MENTIONED
        case Meaning.ADDRESS:
            return Rejected(Reason.BAD_ADDRESS, Scope.ADDRESS if size == 1 else Scope.ONE_OF, detail)
        case Meaning.CONTENT:
            return Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT, detail)
        case Meaning.ACCOUNT:
            return Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT, detail)
        case Meaning.TEMPORARY:
            return Deferred(Reason.TEMPORARY_FAILURE, detail=detail)
        case None:
            return Deferred(Reason.UNREADABLE_REPLY, maybe_sent=True, detail=detail)


def _refusal_of_number(meaning: Meaning | None, detail: str) -> Outcome:
    match meaning:
        case Meaning.ADDRESS:
            return Rejected(Reason.BAD_ADDRESS, Scope.ADDRESS, detail)
        case Meaning.CONTENT:
            return Rejected(Reason.CONTENT_REFUSED, Scope.CONTENT, detail)
        case Meaning.ACCOUNT:
            return Rejected(Reason.ACCOUNT_REFUSED, Scope.ACCOUNT, detail)
        case Meaning.TEMPORARY:
            return Deferred(Reason.TEMPORARY_FAILURE, Scope.TARGET, detail=detail)
        case _:
            # A code of no range may even be a yes: what is maybe sent is sent again only so often.
            return Deferred(Reason.UNREADABLE_REPLY, Scope.TARGET, maybe_sent=True, detail=detail)


def _receipt_key(value: object) -> str | None:
    if isinstance(value, str):
        return value or None
    return str(value) if type(value) is int else None


def _detail(code: object, message: object) -> str:
    said = f"code {scrubbed(str(code))}" if isinstance(code, str | int) else "no code"
    words = scrubbed(message)
    return f"{said}: {words}" if words else said
