"""Language tags: open BCP 47, kept as short as tells the texts of one message apart."""

from __future__ import annotations

import re
from collections.abc import Container

DEFAULT = "zh"
CAP_DEFAULT = "en"
"""What CAP 1.2 says a block without ``language`` is in (en-US)."""

_TAG = re.compile(r"[a-z]{2,8}(?:-[a-z0-9]{1,8})*", re.IGNORECASE | re.ASCII)
_HAN = re.compile(r"[\u3400-\u9fff]")


def is_tag(text: str) -> bool:
    return _TAG.fullmatch(text) is not None


def short_tag(tag: str, taken: Container[str] = ()) -> str:
    """
    The primary subtag in lower case: ``zh`` of zh-CN, ``ug`` of ug-Arab-CN.

    The whole tag in lower case where the short one is taken, so that zh-HK beside zh-CN is not lost.
    """
    whole = tag.lower()
    primary = whole.partition("-")[0]
    return whole if primary in taken else primary


def looks_chinese(text: str) -> bool:
    """Whether it holds Chinese characters at all: enough to tell a forgotten tag."""
    return _HAN.search(text) is not None
