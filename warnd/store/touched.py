"""Which groups an edit of the audience was about: what those who keep the audience in memory must read again."""

from __future__ import annotations

from warnd.store.edits import Changed
from warnd.store.endpoints import StoredEndpoint
from warnd.store.groups import EndedGroup, Group
from warnd.store.subscribers import EndedSubscriber, Subscriber
from warnd.store.subscriptions import StoredSubscription


def groups_of(edited: object) -> set[str] | None:
    """By what the edit returned: ids, none of them for an edit that matching does not see; None when it may be any."""
    match edited:
        case Changed(before=before, after=after):
            old, new = groups_of(before), groups_of(after)
            return None if old is None or new is None else old | new
        case Group(id=id) | EndedGroup(group=Group(id=id)):
            return {id}
        case StoredSubscription(group_id=id):
            return {id}
        case Subscriber(groups=ids) | EndedSubscriber(subscriber=Subscriber(groups=ids)):
            return set(ids)
        case StoredEndpoint():
            return set()
        case _:
            return None
