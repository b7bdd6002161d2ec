"""The messages of a scenario as their sources write them, in JSON and as CAP."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from tests.acceptance.script import DAY, Message

PLACES = {"Wudu": "621202", "Wenxian": "621222", "Liangshui": "621202103", "Jiaogong": "621202106",
          "Chengxian": "621221", "Kangxian": "621224"}  # fmt: skip
NAMES = {"Wudu": "武都区", "Wenxian": "文县", "Liangshui": "两水镇", "Jiaogong": "角弓镇", "Chengxian": "成县",
         "Kangxian": "康县"}  # fmt: skip
COLORS = {"blue": "蓝", "yellow": "黄", "orange": "橙", "red": "红"}
SENDERS = {"weather": ("62120241600000", "武都区气象台"), "emergency": ("62120033200000", "陇南市应急管理局"),
           "village": ("village.example", "两水镇政府")}  # fmt: skip
SPEAKS_OF_RAIN = "预计"
"""What every description begins with, so that it can be told from what stands before it."""


def written(
    message: Message, *, sender: str, issuer: str, identifier: str, at: datetime, of: list[tuple[str, str]]
) -> dict[str, Any]:
    act = {"alert": "发布", "update": "变更发布", "cancel": "解除"}[message.kind]
    color = f"{COLORS[message.color]}色" if message.color else ""
    sent = message.said("sent")
    sent_at = _time(sent) if sent else at
    until = message.said("until")
    body = {
        "identifier": identifier,
        "sender": sender,
        "sender_name": issuer,
        "sent": sent_at.isoformat(),
        "status": "exercise" if message.drill else "actual",
        "type": message.kind,
        "references": [{"sender": who, "identifier": what, "sent": sent_at.isoformat()} for who, what in of],
        "hazard": "rainstorm",
        "color": message.color,
        "headline": message.said("titled") or f"{issuer}{act}暴雨{color}预警信号",
        "description": f"{SPEAKS_OF_RAIN}{message.said('expecting') or '有强降雨'}。",
        "instruction": message.said("telling people to") or "",
        "expires": _time(until).isoformat() if until else None,
        "areas": [{"name": NAMES[place], "regions": [PLACES[place]]} for place in message.places],
    }
    return {key: value for key, value in body.items() if value is not None}


def as_cap(body: Mapping[str, Any], peculiarity: str) -> str:
    """The same as CAP 1.2, the references maybe bare, the one info block maybe missing or said to be over."""
    triples = [f"{one['sender']},{one['identifier']},{one['sent']}" for one in body["references"]]
    if peculiarity == "with a bare reference":
        triples = [one["identifier"] for one in body["references"]]
    over = {
        "with responseType AllClear": "<responseType>AllClear</responseType><urgency>Unknown</urgency>",
        "with urgency Past": "<urgency>Past</urgency>",
    }.get(peculiarity, "<urgency>Unknown</urgency>")
    severity = {"blue": "Minor", "yellow": "Moderate", "orange": "Severe", "red": "Extreme"}.get(
        body.get("color", ""), "Minor"
    )
    ended = peculiarity == "with its location ended"
    parameter = "<parameter><valueName>layer:EC-MSC-SMC:1.0:Alert_Location_Status</valueName><value>ended</value></parameter>"
    areas = "".join(
        f"<area><areaDesc>{area['name']}</areaDesc><geocode><valueName>NBS</valueName>"
        f"<value>{area['regions'][0]:0<12}</value></geocode></area>"
        for area in body["areas"]
    )
    info = f"""<info><language>zh-CN</language><category>Met</category><event>暴雨</event>{over}
      <severity>{severity}</severity><certainty>Unknown</certainty>
      <senderName>{body["sender_name"]}</senderName><headline>{escape(body["headline"])}</headline>
      <description>{body["description"]}</description>{parameter if ended else ""}{areas}</info>"""
    return f"""<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{body["identifier"]}</identifier>
      <sender>{body["sender"]}</sender><sent>{body["sent"]}</sent><status>{body["status"].title()}</status>
      <msgType>{body["type"].title()}</msgType><scope>Public</scope><references>{" ".join(triples)}</references>
      {"" if peculiarity == "without info" else info}</alert>""".replace("<references></references>", "")


def _time(text: str) -> datetime:
    hour, minute = text.split(":")
    return DAY.replace(hour=int(hour), minute=int(minute))
