"""How an address is shown to those who read the delivery log."""

from __future__ import annotations

_TAIL = 4


def shown_address(address: str) -> str:
    """
    Numbers and mailboxes as they are; of anything else only the end.

    A robot's key is address and credential in one: who can read it can post as us. Administrators see it
    where they keep endpoints.
    """
    if address.startswith("+") or "@" in address or len(address) <= 2 * _TAIL:
        return address
    return f"…{address[-_TAIL:]}"
