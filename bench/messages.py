"""A storm's worth of warnings: distinct CAP messages of many stations, each for a county or a township of 6212."""

from __future__ import annotations

import csv
import lzma
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bench.audience import COUNTY
from warnd.resources import config_dir

_PREFECTURE = "6212"
_TOWNSHIP = 9
_BEIJING = timedelta(hours=8)

_SHADES = {
    "blue": ("蓝色", "Minor"),
    "yellow": ("黄色", "Moderate"),
    "orange": ("橙色", "Severe"),
    "red": ("红色", "Extreme"),
}
MIXED = ("blue", "yellow", "blue", "blue", "orange", "blue", "yellow", "blue", "blue", "red")
MOSTLY_BLUE = (*("blue",) * 9, "red")
"""Colors by turns."""

_LOOKS_BACK = 37
"""An update or an end is of a message that many before it."""

_CAP = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>{identifier}</identifier>
  <sender>{sender}</sender>
  <sent>{sent}</sent>
  <status>Actual</status>
  <msgType>{type}</msgType>
  <scope>Public</scope>
  {references}
  <info>
    <language>zh-CN</language>
    <category>Met</category>
    <event>暴雨</event>
    <urgency>Unknown</urgency>
    <severity>{severity}</severity>
    <certainty>Unknown</certainty>
    <expires>{expires}</expires>
    <senderName>{name}气象台</senderName>
    <headline>{name}气象台{verb}暴雨{shade}预警信号</headline>
    <description>预计未来3小时{name}降雨量将达{millimetres}毫米以上，山洪、滑坡和城乡积涝的可能性大。</description>
    <instruction>低洼和沿河地区人员做好转移准备。</instruction>
    <area>
      <areaDesc>{name}</areaDesc>
      <geocode><valueName>CPEAS Geographic Code</valueName><value>{padded}</value></geocode>
    </area>
  </info>
</alert>
"""


@dataclass(frozen=True, slots=True)
class Message:
    """One body of a feed, and its color."""

    body: bytes
    color: str


def messages(count: int, *, now: datetime, first: int = 0, colors: Sequence[str] = MIXED) -> list[Message]:
    """
    Numbers ``first`` and so many more of those that begin ``now``; none is for ``COUNTY``.

    Of every ten seven are new, two update and one ends an earlier one.
    """
    places = list(_places())
    return [_message(n, now, colors, places) for n in range(first, first + count)]


def _message(n: int, now: datetime, colors: Sequence[str], places: Sequence[tuple[str, str]]) -> Message:
    kind = {7: "Update", 8: "Update", 9: "Cancel"}.get(n % 10, "Alert") if n >= _LOOKS_BACK else "Alert"
    first = n if kind == "Alert" else n - _LOOKS_BACK
    code, name = places[first % len(places)]
    sender = f"{code[:6]}41600000"
    color = colors[(n + n // 10) % len(colors)]
    shade, severity = _SHADES[color]
    sent = now + timedelta(seconds=n // 100)
    reference = f"{sender},{_identifier(sender, first, now)},{now.isoformat()}"
    body = _CAP.format(
        identifier=_identifier(sender, n, now),
        sender=sender,
        sent=sent.isoformat(),
        type=kind,
        references=f"<references>{reference}</references>" if first != n else "",
        severity=severity,
        expires=(now + timedelta(hours=6)).isoformat(),
        name=name,
        verb="解除" if kind == "Cancel" else "发布",
        shade=shade,
        millimetres=30 + n % 90,
        padded=code.ljust(12, "0"),
    )
    return Message(body.encode(), color)


def _identifier(sender: str, n: int, now: datetime) -> str:
    """As the national platform numbers: station and second of entry, here one second for each message."""
    return f"{sender}_{now + _BEIJING - timedelta(seconds=n):%Y%m%d%H%M%S}"


def _places() -> Iterator[tuple[str, str]]:
    """Counties and townships, but for those of ``COUNTY``, spread so that neighbours in the list are far apart."""
    with lzma.open(config_dir() / "cn-divisions-2023.csv.xz", "rt", encoding="utf-8", newline="") as file:
        rows = [
            (row["code"], row["name"])
            for row in csv.DictReader(file)
            if row["code"].startswith(_PREFECTURE) and not row["code"].startswith(COUNTY)
            and len(_PREFECTURE) < len(row["code"]) <= _TOWNSHIP
        ]  # fmt: skip
    yield from sorted(rows, key=lambda row: row[0][::-1])
