"""Every route there is, with the roles that may ask it: what is not in this table does not exist."""

from __future__ import annotations

from warnd.api import (
    alarms,
    alerts,
    audience,
    deliveries,
    feed,
    feeds,
    hazards,
    health,
    mending,
    messages,
    openapi,
    receipts,
    regions,
    sources,
)
from warnd.api.audience import Resource
from warnd.api.auth import ACTING, ALL, ARRANGING, SPEAKING
from warnd.api.bodies import Body
from warnd.api.routing import (
    ANY,
    PAGING,
    PREFIX,
    Answer,
    Handler,
    Nothing,
    Param,
    Route,
    code,
    flag,
    instant,
    member,
    one_of,
    text,
)
from warnd.model.alert import AlertState, Verdict
from warnd.model.audience import AudienceClass, EndpointState, SubscriberKind
from warnd.model.color import Color
from warnd.model.delivery import State
from warnd.model.region import Level
from warnd.pipeline import cap

_ID = "{id:[0-9A-Z]+}"
_ALERT = "{id:[0-9A-Za-z_-]+}"
"""Whatever somebody types for one: the answer names it."""

_SINCE = instant("since", "Not before this time.")
_UNTIL = instant("until", "Before this time.")
_REGION = code("region", "In this division or below it.")

_ALERTS = (
    member("state", AlertState, "Only those in this state."),
    member("color", Color, "Only those of this color."),
    _SINCE,
    _UNTIL,
    *PAGING,
)

_DELIVERIES = (
    text("alert", "Of this alert (id)."),
    member("state", State, "Only those in this state."),
    text("channel", "Only by this configured channel."),
    _REGION,
    text("group", "Told because of this group (id)."),
    text("q", "An address or its beginning, or a part of a name."),
    instant("since", "Planned not before this time."),
    instant("until", "Planned before this time."),
)

_AUDIENCE: dict[str, Param] = {
    "region": _REGION,
    "q": text("q", "A part of the name."),
    "group": text("group", "Of this group (id)."),
    "subscriber": text("subscriber", "Of this subscriber (id)."),
    "channel": text("channel", "Of this kind of channel."),
    "audience": member("audience", AudienceClass, "Of this audience class."),
    "kind": member("kind", SubscriberKind, "Of this kind."),
    "state": member("state", EndpointState, "In this state."),
}


def _get(path: str, handler: Handler, about: str, *query: Param, media: str = "application/json") -> Route:
    return Route("GET", f"{PREFIX}/{path}", handler, about, ALL, query, answers=(Answer(200, about, media),))


def _public(path: str, handler: Handler, about: str, media: str = "application/json") -> Route:
    return Route("GET", path, handler, about, frozenset(), answers=(Answer(200, about, media),), public=True)


def _fed(path: str, handler: Handler, about: str, *query: Param, media: str) -> Route:
    return Route("GET", path, handler, about, ALL, query,
                 answers=(Answer(200, about, media), Answer(304, "It has not changed.", media)),
                 public_by=lambda server: server.public_feed)  # fmt: skip


def _act(path: str, handler: Handler, about: str, body: type[Body], status: int = 200) -> Route:
    return Route(
        "POST", f"{PREFIX}/{path}", handler, about, ACTING, body=body, answers=(Answer(status, about),)
    )


def _bytes(path: str, handler: Handler, about: str) -> Route:
    answers = (Answer(200, about, "application/octet-stream"),)
    return Route("GET", f"{PREFIX}/{path}", handler, about, ACTING, answers=answers)


def _resource(one: Resource) -> tuple[Route, ...]:
    path, item = f"{PREFIX}/{one.plural}", f"{PREFIX}/{one.plural}/{_ID}"
    filters = tuple(_AUDIENCE[name] for name in one.filters)
    made = (Answer(201, f"The new {one.kind}."),)
    readers = ARRANGING if one.confidential else ALL
    return (
        Route("GET", path, one.listing(), f"The {one.plural}, the oldest first.", readers, (*filters, *PAGING)),
        Route("POST", path, one.creating(), f"Add a {one.kind}.", ARRANGING, body=one.body, answers=made),
        Route("GET", item, one.getting(), f"One {one.kind}.", readers),
        Route("PATCH", item, one.changing(), f"Change what is given of a {one.kind}.", ARRANGING, body=one.patch),
        Route("DELETE", item, one.ending(), f"End a {one.kind}; what it was is kept.", ARRANGING,
              answers=(Answer(204, "Ended."),)),
    )  # fmt: skip


HEALTH: tuple[Route, ...] = (
    _public("/healthz", health.healthz, "The process lives."),
    _public("/readyz", health.readyz, "The store works and sending has begun; else 503."),
    _public("/metrics", health.metrics, "Figures for Prometheus.", "text/plain"),
)
"""What a worker answers as well."""

ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        f"{PREFIX}/alerts",
        alerts.post,
        "Take in a warning of the key's source, or one that a person issues by hand.",
        SPEAKING,
        (flag("dry_run", "Say whom it would reach, and keep nothing."),),
        media=alerts.MEDIA,
        answers=(
            Answer(202, "It is on disk, and people are told if its state is released; of several, an item each."),
            Answer(200, "It was here already (repeat), or this was a dry run."),
        ),
    ),
    _get("alerts", alerts.list_, "Alerts, the newest first.", *_ALERTS),
    _get(f"alerts/{_ALERT}", alerts.get, "One alert with its deliveries by state."),
    _get(f"alerts/{_ALERT}/forecast", alerts.forecast, "Whom the release of a held alert would tell."),
    _get(f"alerts/{_ALERT}/coverage", alerts.coverage, "Whom it reached by region level, and the gaps.", *PAGING),
    _get(f"alerts/{_ALERT}/events", alerts.events, "Its progress while it goes out.", media="text/event-stream"),
    _get(f"alerts/{_ALERT}/cap", alerts.as_cap, "The alert as CAP 1.2.", media=cap.MEDIA),
    _act(f"alerts/{_ALERT}/approve", alerts.approve, "Release a held alert.", Nothing),
    Route(
        "POST",
        f"{PREFIX}/alerts/{_ALERT}/mend",
        mending.mend,
        "Set a quarantined alert right and let what follows happen.",
        ACTING,
        (flag("dry_run", "Say what would become of it and whom it would reach, and keep nothing."),),
        mending.MendBody,
        answers=(Answer(200, "The alert as it stands now, or a dry run's figures."),),
    ),
    _bytes(f"alerts/{_ALERT}/raw", messages.of_alert, "The message that the alert was read from, as it came."),
    _act(f"alerts/{_ALERT}/reject", alerts.reject, "Let nobody be told of a held or quarantined alert.", alerts.Decision),
    _act(f"alerts/{_ALERT}/links", alerts.link, "A link by which one named person may release or reject a held alert.",
         alerts.LinkBody, 201),
    _act(f"alerts/{_ALERT}/cancel", alerts.cancel, "Stop what is unsent; tells nobody.", alerts.Decision),
    _get("messages", messages.list_, "What sources sent, whatever came of it, the newest first.",
         member("verdict", Verdict, "Only those with this verdict."),
         text("source", "Only of this source."), _SINCE, _UNTIL, *PAGING),
    _bytes(f"messages/{_ID}", messages.get, "One message's bytes, as they came."),
    _get("deliveries", deliveries.list_, "The delivery log, the newest first; a page may be short and yet have "
         "a next one.", *_DELIVERIES, *PAGING),
    _get("deliveries/export", deliveries.export, "The same as one file.", *_DELIVERIES,
         one_of("format", {"csv": "csv", "jsonl": "jsonl"}, "csv (the default) or jsonl."), media="text/csv"),
    _act("deliveries/resend", deliveries.resend, "Tell again those in these states, as a new round.",
         deliveries.ResendBody, 202),
    _get(f"deliveries/{_ID}", deliveries.get, "One delivery with its whole timeline."),
    *(route for one in audience.RESOURCES for route in _resource(one)),
    Route(
        "POST",
        f"{PREFIX}/import",
        audience.import_,
        "Import an audience file, whole or not at all.",
        ARRANGING,
        (flag("dry_run", "Only say what it would change."),
         flag("sync", "End whoever has an external_id that the file lacks.")),
        media=("text/csv",),
    ),
    _get("sources", sources.list_, "The sources and what each may speak for."),
    _get("feeds", feeds.list_, "The feeds that warnd asks by itself, and how each stands."),
    _get("hazards", hazards.list_, "The kinds of danger, by slug: all, or what is looked for.",
         text("q", "A part of a slug, a name or a national code."), *PAGING),
    _get("regions", regions.list_, "Divisions: the provinces, the children of one, or what is looked for.",
         text("q", "A part of the name, or the beginning of a code."), code("parent", "Below this division."),
         one_of("level", {one.name.lower(): one for one in Level}, "Of this level."), *PAGING),
    _get("regions/resolve", regions.resolve, "The divisions that an area of a warning would mean, and why.",
         text("name", "Names as an area has them, such as 武都区、文县; or codes."), *regions.SHAPES,
         text("sender", "Who would say it: the beginning of the issuer's code decides among equal names.")),
    _get("alarms", alarms.list_, "Open alarms, the newest first.", *PAGING),
    _act(f"alarms/{_ID}/acknowledge", alarms.acknowledge, "Say that somebody has taken it on.", Nothing),
    Route(
        "POST",
        f"{PREFIX}/receipts/{{channel:[a-z0-9_-]+}}/{{secret:[0-9a-f]+}}",
        receipts.post,
        "Receipts as the channel's provider pushes them.",
        frozenset(),
        ANY,
        media=("application/json", "application/x-www-form-urlencoded"),
        public=True,
    ),
    _fed(
        "/feeds/cap.atom",
        feed.atom_feed,
        "Warnings in force, and ends of the last 24 hours, as CAP in an Atom feed.",
        code("region", "In force somewhere in this division: there, in a part of it, or all around it."),
        member("color", Color, "Of this color or above, with what became of them."),
        media=feed.MEDIA,
    ),
    _fed(f"/feeds/cap/{_ID}", feed.entry, "One warning that went out, as CAP 1.2.", media=cap.MEDIA),
    Route(
        "POST",
        f"{PREFIX}/feeds/{{name:[a-z0-9_-]+}}/{{secret:[0-9a-f]+}}",
        feeds.post,
        "A call of a feed that is not asked but calls.",
        frozenset(),
        ANY,
        media=("application/json",),
        public=True,
    ),
    *HEALTH,
    _public("/openapi.json", openapi.json, "This API as OpenAPI 3.1."),
    _public("/docs", openapi.page, "The same for people.", "text/html"),
)  # fmt: skip
