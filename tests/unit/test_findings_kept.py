"""Findings as the store keeps them."""

from __future__ import annotations

from warnd.errors import Fault
from warnd.store.findings import found, written


def test_a_finding_comes_back_as_it_was_kept() -> None:
    """With what it is about, which ones of before have not."""
    kept = [Fault("areas", "unknown_region", "is none", "621299"), Fault("color", "color_unknown", "is none")]
    assert [one.about for one in found(written(kept))] == ["621299", ""]
    assert found(written(kept)) == tuple(kept)
    assert found([{"path": "color", "code": "color_unknown", "message": "is none"}]) == (kept[1],)
