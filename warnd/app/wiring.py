"""From settings to the parts they describe: channels with their lanes, templates, hazards, speakers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from warnd.contract.channel import Channel
from warnd.contract.registry import channel_factory
from warnd.errors import ConfigError
from warnd.intake.hazards import load_hazards
from warnd.intake.pinned_key import PinnedKey, pinned_keys
from warnd.intake.signature import SignaturePolicy
from warnd.model.audience import EVERY_HAZARD
from warnd.model.delivery import Batch
from warnd.model.hazard import HazardCatalogue
from warnd.model.release import BY_HAND
from warnd.pipeline.admit import Speaker
from warnd.pipeline.bundle import Carrier
from warnd.pipeline.bundler import Bundler
from warnd.pipeline.confirm import confirm
from warnd.pipeline.expand import Route
from warnd.pipeline.lease import lent_for
from warnd.pipeline.render import Limits
from warnd.pipeline.surroundings import Surroundings
from warnd.pipeline.templates import Templates
from warnd.ports import Alarms
from warnd.queue.filled import FilledLanes
from warnd.queue.local import ChannelLanes
from warnd.queue.pacing import Pace
from warnd.queue.rates import Rate
from warnd.queue.redis.link import Address
from warnd.queue.refill import Load
from warnd.resources import config_dir, templates_dir
from warnd.settings import Settings
from warnd.settings.values import ChannelSettings, QueueSettings, SourceSettings, StoreSettings, hold_rules
from warnd.store.piles import StoredPiles
from warnd.store.postgres import PostgresStore
from warnd.store.postgres_connection import Place
from warnd.store.sqlite import SqliteStore
from warnd.store.threads import ThreadedStore

_FOR_DANGER_ALONE = frozenset({"voice", "loudspeaker"})
"""Kinds that are not called on to say that a danger is less, or over, unless a channel is configured so."""


class InCommon(Protocol):
    """What the processes on one store have in common of a channel."""

    def pace(self, channel: str, rate: Rate | None, target_rate: Rate | None, patience: int) -> Pace:
        """By its rates; a probe of its breaker may be out for ``patience`` microseconds."""

    def lanes(self, hand: ChannelLanes, capacity: int) -> FilledLanes:
        """Of which this process has at most ``capacity`` batches in ``hand``, of red and of all below, each."""


class Own:
    """Nothing: each keeps its own."""

    def pace(self, channel: str, rate: Rate | None, target_rate: Rate | None, patience: int) -> Pace:
        return Pace(rate=rate, target_rate=target_rate)

    def lanes(self, hand: ChannelLanes, capacity: int) -> FilledLanes:
        return hand


_IN_HAND = 4
"""Batches for each request at once: while half of them leave, the next are popped and read."""


@dataclass(frozen=True, slots=True)
class Line:
    """A configured channel with its own lanes and slots."""

    settings: ChannelSettings
    channel: Channel
    route: Route
    lanes: FilledLanes
    slots: int


def store(settings: Settings) -> ThreadedStore:
    """The configured store, not yet open."""
    suspend_after = settings.retry.suspend_after
    if (path := settings.store.path) is not None:
        return SqliteStore(path, confirm=confirm, suspend_after=suspend_after)
    return PostgresStore(place(settings.store), confirm=confirm, suspend_after=suspend_after)


def place(settings: StoreSettings) -> Place:
    """Where the PostgreSQL database of these settings is."""
    return Place(settings.url, settings.password.reveal() if settings.password is not None else None)


def queue_address(settings: QueueSettings) -> Address:
    """Where the Redis of these settings is."""
    return Address(settings.url, settings.password.reveal() if settings.password is not None else None)


def red_requests(slots: int) -> int:
    """How many of a channel's requests at once are kept for red: one in eight, none of a single one."""
    return -(-slots // 8) if slots > 1 else 0


def red_slots(slots: int) -> int:
    """Slots that take red only: as many as there are requests, so that red has batches leased for all that come free."""
    return slots


def lines(
    settings: Settings,
    *,
    load: Load,
    clock: Callable[[], int],
    monotonic: Callable[[], float],
    holds: Callable[[Batch, int], bool],
    commons: InCommon,
) -> dict[str, Line]:
    """Every configured channel, not yet open. Raises ConfigError naming the key."""
    made: dict[str, Line] = {}
    for name, one in settings.channels.items():
        channel = _channel(name, one)
        quiet = channel.capabilities.quiet if one.quiet is None else one.quiet
        lifts = channel.capabilities.kind not in _FOR_DANGER_ALONE if one.lifts is None else one.lifts
        slots = one.slots or channel.capabilities.slots
        patience = lent_for(channel.capabilities.timeout)
        hand = ChannelLanes(
            name,
            red_only=red_slots(slots),
            pace=commons.pace(name, _rate(one), one.target_rate, patience),
            load=load,
            clock=clock,
            monotonic=monotonic,
            holds=holds,
            max_batch=channel.capabilities.max_batch,
        )
        made[name] = Line(
            settings=one,
            channel=channel,
            route=Route(name, channel.capabilities, emulated=one.emulated, quiet=quiet, lifts=lifts),
            lanes=commons.lanes(hand, _IN_HAND * slots),
            slots=slots,
        )
    return made


def bundlers(
    lines: Mapping[str, Line],
    store: ThreadedStore,
    *,
    templates: Templates,
    alarms: Alarms,
    clock: Callable[[], int],
    new_ids: Callable[[int], list[str]],
) -> dict[str, Bundler]:
    """For the channels whose messages can carry several. Raises ConfigError for one that is told to and cannot."""
    made: dict[str, Bundler] = {}
    for name, line in lines.items():
        one, can = line.settings, line.channel.capabilities
        if can.max_bundle < 2:
            if one.bundle:
                raise ConfigError(f"channels.{name}.bundle", "its adapter sends every message by itself")
            continue
        made[name] = Bundler(
            StoredPiles(store),
            Carrier(can.kind, can.max_bundle, Limits(can.max_bytes, can.max_units)),
            after=one.bundle_after if bundles(one) else None,
            templates=templates,
            alarms=alarms,
            clock=clock,
            new_ids=new_ids,
        )
    return made


def bundles(one: ChannelSettings) -> bool:
    """Whether what piles up is bundled: unless the file says, where each target has a rate of its own."""
    return one.target_rate is not None if one.bundle is None else one.bundle


def surroundings(settings: Settings, routes: dict[str, Route]) -> Surroundings:
    """What planning depends on. Raises ConfigError."""
    own = settings.templates.directory
    directories = [templates_dir(), own] if own is not None else [templates_dir()]
    catalogue = load_hazards(config_dir() / "hazards.toml")
    for (audience, color, slug), policy in settings.policies.hazards.items():
        general = settings.policies.general[audience, color]
        key = f"policy.{audience.value}.{color.value}.hazards.{slug}"
        if (hazard := catalogue.get(slug)) is None:
            raise ConfigError(key, _unknown(slug, catalogue))
        if hazard.sudden and policy.quiet_hours not in (None, general.quiet_hours):
            raise ConfigError(f"{key}.quiet_hours", "quiet hours never apply to what comes suddenly")
    return Surroundings(
        routes=routes,
        policies=settings.policies,
        catalogue=catalogue,
        templates=Templates.load(*directories),
        language=settings.language,
        zone=settings.time_zone,
    )


def speakers(settings: Settings, catalogue: HazardCatalogue) -> dict[str, Speaker]:
    """The configured sources by name. Raises ConfigError for a hazard there is not: it would never be spoken for."""
    for name, one in settings.sources.items():
        _known(one.hazards, catalogue, f"sources.{name}.hazards")
    return {
        name: Speaker(
            name,
            frozenset(one.hazards),
            frozenset(one.colors),
            tuple(one.regions),
            official=one.official,
            holds=hold_rules(one.hold, settings.release.hold),
        )
        for name, one in settings.sources.items()
    }


def signature_policies(settings: Settings) -> dict[str, SignaturePolicy]:
    """Of the sources whose signatures are not ignored. Raises ConfigError when their keys cannot be read."""
    return {
        name: SignaturePolicy(
            _pinned_keys(name, one), required=one.signature == "require", sha1=one.signature_sha1
        )
        for name, one in settings.sources.items()
        if one.signature != "ignore"
    }


def _pinned_keys(name: str, one: SourceSettings) -> tuple[PinnedKey, ...]:
    key, path = f"sources.{name}.signature_key_file", one.signature_key_file
    if path is None:
        raise ConfigError(key, f'is missing, but signature is "{one.signature}"')
    try:
        return pinned_keys(path.read_bytes())
    except OSError as error:
        raise ConfigError(key, f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(key, f"{path} {error}") from error


def hand(settings: Settings, catalogue: HazardCatalogue) -> Speaker | None:
    """What operators may issue, which is always held; None when they issue nothing. Raises ConfigError."""
    issue = settings.issue
    _known(issue.hazards, catalogue, "issue.hazards")
    if issue.sender is None:
        return None
    return Speaker(
        BY_HAND,
        frozenset(issue.hazards),
        frozenset(issue.colors),
        tuple(issue.regions),
        official=False,
        holds=hold_rules(issue.hold, settings.release.hold),
        by_hand=True,
    )


def _known(hazards: Sequence[str], catalogue: HazardCatalogue, key: str) -> None:
    for place, slug in enumerate(hazards):
        if slug != EVERY_HAZARD and catalogue.get(slug) is None:
            raise ConfigError(f"{key}[{place}]", _unknown(slug, catalogue))


def _unknown(slug: str, catalogue: HazardCatalogue) -> str:
    return f"there is no hazard {slug!r}; known are {', '.join(catalogue.hazards)}"


def _channel(name: str, one: ChannelSettings) -> Channel:
    key = f"channels.{name}"
    factory = channel_factory(one.adapter, key=f"{key}.adapter")
    try:
        return factory(name, one.options)
    except ConfigError as error:
        raise ConfigError(f"{key}.{error.key}", str(error).removeprefix(f"{error.key}: ")) from error


def _rate(one: ChannelSettings) -> Rate | None:
    return Rate(one.rate) if one.rate is not None else None
