"""The files that go with a CAP message."""

from __future__ import annotations

import re
from collections.abc import Sequence

from warnd.intake.findings import Findings
from warnd.intake.xml import Node
from warnd.model.alert import Resource

MAX_RESOURCES = 500
MAX_SIZE = 2**53
"""Of a resource, in bytes; beyond it not every reader of JSON keeps a number exact."""

_SIZE = re.compile(r"\d{1,16}", re.ASCII)


def resources_of(infos: Sequence[Node], findings: Findings) -> tuple[Resource, ...]:
    """Those of all blocks, once each: translations repeat them."""
    resources: dict[Resource, None] = {}
    for info in infos:
        for node in info.all("resource"):
            if node.first("derefUri") is not None:
                findings.warn(
                    f"{node.path}/derefUri", "content_left_out", "content sent along is not passed on"
                )
            resources[_resource(node)] = None
    return tuple(resources)[:MAX_RESOURCES]


def _resource(node: Node) -> Resource:
    size = node.value("size")
    return Resource(
        description=node.value("resourceDesc"),
        mime_type=node.value("mimeType"),
        uri=node.value("uri"),
        size=int(size) if _SIZE.fullmatch(size) and int(size) <= MAX_SIZE else None,
        digest=node.value("digest"),
    )
