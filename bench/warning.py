"""The warning that every row broadcasts, in the body of our own API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import orjson

from bench.audience import COUNTY

_serial = count(1)
_WORDS = {"blue": "蓝色", "orange": "橙色", "red": "红色"}


def warning(color: str = "red", county: str = COUNTY, **changes: Any) -> bytes:
    """A rainstorm warning for one county, issued now, unlike every other of this process but for these keys."""
    now = datetime.now(UTC)
    stamp = (now + timedelta(hours=8)).strftime("%Y%m%d%H%M%S")
    body = {
        "identifier": f"{county}41600000_{stamp}{next(_serial):04d}",
        "sender": f"{county}41600000",
        "sender_name": "县气象台",
        "sent": now.isoformat(),
        "status": "actual",
        "type": "alert",
        "hazard": "rainstorm",
        "color": color,
        "headline": f"县气象台发布暴雨{_WORDS[color]}预警信号",
        "description": "预计未来3小时降雨量将达100毫米以上。",
        "instruction": "低洼和沿河地区人员立即转移。",
        "expires": (now + timedelta(hours=6)).isoformat(),
        "areas": [{"name": "", "regions": [county]}],
        **changes,
    }
    return orjson.dumps(body)
