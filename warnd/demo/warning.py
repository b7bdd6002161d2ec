"""The demo's red rainstorm warning for one county as CAP 1.2, bilingual and of this minute, and the cancel that lifts it."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

COUNTY = "621202"
SENDER = "62120241600000"
"""The county's weather office as the national platform numbers senders."""

_LASTS = timedelta(hours=6)
_SHANGHAI = ZoneInfo("Asia/Shanghai")

_MESSAGE = """\
<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>{identifier}</identifier>
  <sender>{sender}</sender>
  <sent>{sent}</sent>
  <status>Actual</status>
  <msgType>{type}</msgType>
  <scope>Public</scope>{references}
{infos}
</alert>
"""

_INFO = """\
  <info>
    <language>{language}</language>
    <category>Met</category>
    <event>{event}</event>
    <responseType>{response}</responseType>
    <urgency>{urgency}</urgency>
    <severity>Extreme</severity>
    <certainty>Observed</certainty>
    <eventCode><valueName>eventType</valueName><value>11B03</value></eventCode>
    <effective>{sent}</effective>
    <expires>{expires}</expires>
    <senderName>{office}</senderName>
    <headline>{headline}</headline>
    <description>{description}</description>{instruction}
    <parameter><valueName>color</valueName><value>red</value></parameter>
    <area>
      <areaDesc>{area}</areaDesc>
      <geocode><valueName>NBS</valueName><value>{county}000000</value></geocode>
    </area>
  </info>"""

_WORDS = {
    "zh-CN": {"event": "暴雨", "office": "武都区气象台", "area": "武都区"},
    "en-US": {"event": "Rainstorm", "office": "Wudu District Weather Office", "area": "Wudu District"},
}

_ISSUED = {
    "zh-CN": {
        "headline": "武都区气象台发布暴雨红色预警信号",
        "description": "过去3小时，武都区北峪河流域降雨量已达100毫米以上，预计未来6小时强降雨仍将持续，"
        "山洪、滑坡、泥石流发生的可能性极大。",
        "instruction": "请立即停止户外活动，沟道两侧、低洼处和地质灾害隐患点的人员马上转移到安全地带。",
    },
    "en-US": {
        "headline": "Wudu District Weather Office issues a red rainstorm warning",
        "description": "More than 100 mm of rain fell in the Beiyu valley within three hours, and heavy rain will go "
        "on for six hours. Flash floods, landslides and debris flows are very likely.",
        "instruction": "Stop all outdoor work. Leave gullies, low ground and slopes at risk now and go to safe ground.",
    },
}

_LIFTED = {
    "zh-CN": {
        "headline": "武都区气象台解除暴雨红色预警信号",
        "description": "强降雨已经结束，暴雨红色预警信号解除。仍请注意防范滞后的滑坡和泥石流。",
    },
    "en-US": {
        "headline": "Wudu District Weather Office lifts the red rainstorm warning",
        "description": "The heavy rain is over. Keep watching slopes: landslides may still follow.",
    },
}


def issue(now: datetime) -> bytes:
    """The warning, sent at ``now`` and good for six hours."""
    return _message("Alert", now, expires=now + _LASTS, words=_ISSUED)


def lift(issued: datetime, now: datetime) -> bytes:
    """The cancel of the warning that was sent at ``issued``."""
    references = f"\n  <references>{SENDER},{_identifier(issued)},{_time(issued)}</references>"
    return _message("Cancel", now, expires=issued + _LASTS, words=_LIFTED, references=references)


def _message(
    type: str, sent: datetime, *, expires: datetime, words: dict[str, dict[str, str]], references: str = ""
) -> bytes:
    over = type == "Cancel"
    infos = "\n".join(
        _INFO.format(
            language=language,
            county=COUNTY,
            sent=_time(sent),
            expires=_time(expires),
            response="AllClear" if over else "Evacuate",
            urgency="Past" if over else "Immediate",
            headline=said["headline"],
            description=said["description"],
            instruction=f"\n    <instruction>{said['instruction']}</instruction>"
            if "instruction" in said
            else "",
            **_WORDS[language],
        )
        for language, said in words.items()
    )
    return _MESSAGE.format(
        identifier=_identifier(sent),
        sender=SENDER,
        sent=_time(sent),
        type=type,
        references=references,
        infos=infos,
    ).encode()


def _identifier(sent: datetime) -> str:
    """The national form: 14 digits of the sender, 14 of the time."""
    return f"{SENDER}_{sent.astimezone(_SHANGHAI):%Y%m%d%H%M%S}"


def _time(when: datetime) -> str:
    return when.astimezone(_SHANGHAI).isoformat(timespec="seconds")
