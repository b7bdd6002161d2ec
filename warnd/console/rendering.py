"""Templates into pages: every value escaped, every word from the catalogue, every time in the people's zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import get_timezone_location
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from warnd.app.phrases import Phrases
from warnd.app.story import tone_of
from warnd.console.assets import Asset
from warnd.model.delivery import State


@dataclass(frozen=True, slots=True)
class Account:
    """Who is signed in: the name and role of the key."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a page is written. ``other_url`` is the same page in the other language; nobody is signed in without ``account``."""

    phrases: Phrases
    account: Account | None
    other_tag: str
    other_url: str


class Renderer:
    """The console's templates, for one zone."""

    def __init__(self, assets: Mapping[str, Asset], zone: ZoneInfo) -> None:
        self._zone = zone
        self._environment = Environment(
            loader=FileSystemLoader(Path(__file__).with_name("templates")),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(asset=lambda name: assets[name].url, tone=_tone)

    def render(self, template: str, reader: Reader, **values: Any) -> str:
        """A page, or the live part of one."""
        say = reader.phrases
        return self._environment.get_template(template).render(
            t=say,
            n=say.number,
            at=partial(self._at, say),
            day=partial(say.day, zone=self._zone),
            language=say.language,
            account=reader.account,
            other_language={"tag": reader.other_tag, "url": reader.other_url},
            zone_name=get_timezone_location(self._zone, locale=say.locale, return_city=True),
            **values,
        )

    def _at(self, say: Phrases, when: datetime, *, seconds: bool = False, milliseconds: bool = False) -> str:
        return say.clock(when, self._zone, seconds=seconds, milliseconds=milliseconds)


def _tone(state: str) -> str:
    return tone_of(State(state)).value
