"""The operator's settings: what the file, the environment and secret files say, and how faults are named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from warnd.contract.secret import Secret
from warnd.errors import ConfigError
from warnd.logs import Format
from warnd.model.audience import AudienceClass
from warnd.model.color import Color
from warnd.model.policy import ChannelPolicy, Mode, Policies, RetryPolicy, Until
from warnd.model.quiet import QuietHours
from warnd.model.release import DEFAULT_HOLDS, HoldRule, Then
from warnd.queue.rates import Rate
from warnd.settings import Settings, load
from warnd.settings.amounts import duration, rate, size
from warnd.settings.values import hold_rules

Load = Callable[..., Settings]

THREE = """
[channels.sms]
adapter = "sms.http"
[channels.wechat]
adapter = "wechat.robot"
[channels.email]
adapter = "email.smtp"
"""


@pytest.fixture
def read(tmp_path: Path) -> Load:
    """Settings of a file with this text, under these environment variables."""

    def read(text: str = "", /, **environ: str) -> Settings:
        path = tmp_path / "warnd.toml"
        path.write_text(text, encoding="utf-8")
        return load(path, environ)

    return read


def channels_of(policies: Policies, audience: AudienceClass) -> list[tuple[str, ...]]:
    """The general policy's channels, blue first."""
    return [policies.of(audience, color, "rainstorm").channels for color in Color]


# Defaults


def test_an_empty_file_and_no_file_mean_the_same(read: Load) -> None:
    """The defaults do not depend on a file being there."""
    assert read() == load(None, {})


@pytest.mark.parametrize("how", ["file", "environment"])
def test_a_postgresql_store_has_its_password_beside_its_address(tmp_path: Path, how: str) -> None:
    """The address is shown in logs; the password never is."""
    (tmp_path / "password").write_text("made-up\n")
    beside = f'password_file = "{tmp_path}/password"' if how == "file" else ""
    config = tmp_path / "warnd.toml"
    config.write_text(
        f'[store]\nurl = "postgresql://warnd@db.example/county?sslmode=verify-full"\n{beside}\n'
    )
    store = load(config, {} if how == "file" else {"WARND_STORE__PASSWORD": "made-up"}).store
    assert (store.path, store.password) == (None, Secret("made-up"))
    assert "made-up" not in repr(store)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("", None),
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        ("[::1]:0", ("::1", 0)),
        ("metrics.example:1", ("metrics.example", 1)),
    ],
)
def test_where_a_worker_shows_its_figures(read: Load, text: str, at: tuple[str, int] | None) -> None:
    """Nowhere unless the file says so; of several on one machine each by its environment."""
    assert read(f'[workers]\nmetrics = "{text}"' if text else "").workers.metrics_at == at
    if text:
        assert read("", WARND_WORKERS__METRICS=text).workers.metrics_at == at


@pytest.mark.parametrize("how", ["file", "environment"])
def test_a_redis_has_its_password_beside_its_address(tmp_path: Path, how: str) -> None:
    """As the store's; and it goes with PostgreSQL alone, for a file has one process."""
    (tmp_path / "password").write_text("made-up\n")
    beside = f'password_file = "{tmp_path}/password"' if how == "file" else ""
    config = tmp_path / "warnd.toml"
    config.write_text(
        f'[store]\nurl = "postgresql://warnd@db.example/county"\n[queue]\nurl = "rediss://warnd@r.example:6380/2"\n{beside}\n'
    )
    queue = load(config, {} if how == "file" else {"WARND_QUEUE__PASSWORD": "made-up"}).queue
    assert (queue.is_local, queue.password) == (False, Secret("made-up"))
    assert "made-up" not in repr(queue)


def test_the_defaults_start_on_loopback_with_sqlite_and_without_a_channel() -> None:
    """A first start opens nothing to the network and needs no service."""
    settings = load(None, {})
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8080)
    assert settings.server.max_body == 4 * 1024**2
    assert settings.server.grace == timedelta(seconds=10)
    assert settings.store.path == Path("var/warnd.db")
    assert settings.queue.url == "local"
    assert settings.channels == {}
    assert settings.retry == RetryPolicy()
    assert settings.time_zone == ZoneInfo("Asia/Shanghai")
    assert settings.language == "zh"
    assert settings.retention.deliveries == timedelta(days=3650)


def test_the_default_policies_are_those_of_the_design(read: Load) -> None:
    """SMS: the responsible from blue, leaders from yellow, the public from orange; WeChat always."""
    policies = read(THREE).policies
    everything = ("sms", "wechat", "email")
    assert channels_of(policies, AudienceClass.RESPONSIBLE) == [everything] * 4
    assert channels_of(policies, AudienceClass.LEADERS) == [("wechat", "email"), *[everything] * 3]
    assert channels_of(policies, AudienceClass.PUBLIC) == [
        ("wechat",),
        ("wechat",),
        ("sms", "wechat"),
        ("sms", "wechat"),
    ]


def test_voice_and_loudspeaker_join_the_responsible_at_red_when_they_are_configured(read: Load) -> None:
    """What is not configured is left out of the defaults without a word."""
    more = '[channels.voice]\nadapter = "voice.x"\n[channels.loudspeaker]\nadapter = "loudspeaker.y"\n'
    policies = read(THREE + more).policies
    assert channels_of(policies, AudienceClass.RESPONSIBLE)[-2:] == [
        ("sms", "wechat", "email"),
        ("sms", "wechat", "email", "voice", "loudspeaker"),
    ]


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        pytest.param(["telecom", "mobile"], "telecom", id="the first of the kind"),
        pytest.param(["telecom", "sms"], "sms", id="the one that bears the kind's name"),
    ],
)
def test_a_default_policy_takes_one_channel_of_a_kind(read: Load, names: list[str], taken: str) -> None:
    """With two SMS providers people are told once, by the usual one."""
    text = "".join(f'[channels.{name}]\nadapter = "sms.http"\n' for name in names)
    assert channels_of(read(text).policies, AudienceClass.RESPONSIBLE)[0] == (taken,)


def test_every_forwarding_channel_is_in_every_default_policy(read: Load) -> None:
    """Each is another platform, which is no person: what concerns it, its group says."""
    text = "".join(f'[channels.{name}]\nadapter = "cap.http"\n' for name in ("province", "north"))
    policies = read(text).policies
    found = {channels for audience in AudienceClass for channels in channels_of(policies, audience)}
    assert found == {("province", "north")}


# What the file says


def test_a_channel_is_split_into_the_core_s_keys_and_the_adapter_s(read: Load) -> None:
    """The adapter sees its own table without the keys that the core understands."""
    channel = read(
        """
        [channels.sms]
        adapter = "sms.http"
        url = "https://gateway.example/send"
        rate = "500/s"
        target_rate = "20/min"
        slots = 4
        emulated = true
        quiet = false
        lifts = true
        [channels.sms.fields]
        to = "mobiles"
        """
    ).channels["sms"]
    assert (channel.name, channel.adapter) == ("sms", "sms.http")
    assert channel.options == {"url": "https://gateway.example/send", "fields": {"to": "mobiles"}}
    assert channel.rate == 500.0
    assert channel.target_rate == Rate(20, 60.0)
    assert (channel.slots, channel.emulated, channel.quiet, channel.lifts) == (4, True, False, True)


def test_a_policy_keeps_what_it_does_not_say(read: Load) -> None:
    """A table changes single keys; an override for one hazard begins where the color's policy ends."""
    policies = read(
        THREE
        + """
        [policy.responsible.red]
        mode = "ordered"
        until = "delivered"
        [policy.responsible.red.hazards.flash-flood]
        channels = ["wechat"]
        late_after = "20s"
        """
    ).policies
    ordered = ChannelPolicy(("sms", "wechat", "email"), Mode.ORDERED, Until.DELIVERED)
    assert policies.of(AudienceClass.RESPONSIBLE, Color.RED, "rainstorm") == ordered
    assert policies.of(AudienceClass.RESPONSIBLE, Color.RED, "flash-flood") == ChannelPolicy(
        ("wechat",), Mode.ORDERED, Until.DELIVERED, timedelta(seconds=20)
    )
    assert policies.of(AudienceClass.RESPONSIBLE, Color.ORANGE, "flash-flood").mode is Mode.PARALLEL


def test_quiet_hours_are_a_policy_s_own(read: Load) -> None:
    """Nobody keeps any unless told to; a hazard may be left out of them."""
    policies = read(
        THREE
        + """
        [policy.public.yellow]
        quiet_hours = "22:30-06:30"
        [policy.public.yellow.hazards.typhoon]
        quiet_hours = "none"
        """
    ).policies
    night = QuietHours.of("22:30-06:30")
    assert policies.of(AudienceClass.PUBLIC, Color.YELLOW, "rainstorm").quiet_hours == night
    assert policies.of(AudienceClass.PUBLIC, Color.YELLOW, "typhoon").quiet_hours is None
    assert policies.of(AudienceClass.PUBLIC, Color.BLUE, "rainstorm").quiet_hours is None
    assert policies.quiet_hours == {night}


@pytest.mark.parametrize(
    ("color", "seconds"), [(Color.RED, 60), (Color.ORANGE, 180), (Color.YELLOW, 600), (Color.BLUE, 1800)]
)
def test_the_less_urgent_is_waited_for_longer(read: Load, color: Color, seconds: int) -> None:
    """Where the file says nothing of lateness."""
    policy = read(THREE).policies.of(AudienceClass.RESPONSIBLE, color, "rainstorm")
    assert policy.late_after == timedelta(seconds=seconds)


def test_the_revision_changes_with_the_policies_and_only_then(read: Load) -> None:
    """Each broadcast notes the revision: equal ones must mean equal policies."""
    plain = read(THREE).policies.revision
    assert read(THREE + "[server]\nport = 9000\n").policies.revision == plain
    assert read(THREE + '[policy.public.red]\nchannels = ["sms"]\n').policies.revision != plain


def test_a_color_that_unknown_resends_leaves_out_keeps_its_default(read: Load) -> None:
    """Saying more about red must not silence blue."""
    retry = read('[retry]\nfirst = "1s"\nunknown_resends = { red = 5 }\n').retry
    assert retry.first == timedelta(seconds=1)
    assert retry.unknown_resends == {Color.RED: 5, Color.ORANGE: 2, Color.YELLOW: 1, Color.BLUE: 1}


def test_a_source_says_what_a_feed_may_speak_for(read: Load) -> None:
    """By default every hazard and color, but always bounded to regions, and not official."""
    source = read('[sources.weather]\nregions = ["6212"]\n').sources["weather"]
    assert (source.name, source.regions, source.hazards) == ("weather", ("6212",), ("*",))
    assert source.colors == tuple(Color)
    assert source.official is False
    assert (source.hmac_secret, source.rate, source.hold) == (None, None, {})


def test_a_hold_says_of_a_color_what_is_more_general_elsewhere(read: Load) -> None:
    """The source before all, all before the default; each part for itself, so that half a rule is a rule."""
    settings = read(
        '[release.hold.red]\nafter = "10m"\n[release.hold.blue]\nthen = "release"\n'
        '[sources.w]\nregions = ["62"]\n[sources.w.hold.red]\nthen = "reject"\n'
    )
    rules = hold_rules(settings.sources["w"].hold, settings.release.hold)
    assert rules[Color.RED] == HoldRule(timedelta(minutes=10), Then.REJECT)
    assert rules[Color.BLUE] == HoldRule(timedelta(minutes=30), Then.RELEASE)
    assert rules[Color.ORANGE] == DEFAULT_HOLDS[Color.ORANGE]


def test_the_secret_of_a_source_is_read_from_its_file_and_never_shown(read: Load, tmp_path: Path) -> None:
    """Like every other credential."""
    (tmp_path / "weather").write_text("s3cret-of-the-source\n")
    settings = read(f'[sources.w]\nregions = ["62"]\nhmac_secret_file = "{tmp_path / "weather"}"\n')
    assert settings.sources["w"].hmac_secret == Secret("s3cret-of-the-source")
    assert "s3cret" not in repr(settings)


# Environment and secrets


@pytest.mark.parametrize(
    ("variable", "text", "found"),
    [
        pytest.param("WARND_SERVER__PORT", "9000", lambda s: s.server.port == 9000, id="a number"),
        pytest.param("WARND_LOGS__FORMAT", "json", lambda s: s.logs.format is Format.JSON, id="an enum"),
        pytest.param("WARND_LANGUAGE", "en", lambda s: s.language == "en", id="a key before the tables"),
        pytest.param("WARND_SERVER__GRACE", "3s", lambda s: s.server.grace.seconds == 3, id="a duration"),
        pytest.param(
            "WARND_CHANNELS__SMS__EMULATED", "true", lambda s: s.channels["sms"].emulated, id="a boolean"
        ),
        pytest.param(
            "WARND_CHANNELS__SMS__RETRIES",
            "3",
            lambda s: s.channels["sms"].options == {"retries": 3},
            id="a number of the adapter's",
        ),
        pytest.param(
            "WARND_CHANNELS__SMS__SENDER",
            "+8615400000001",
            lambda s: s.channels["sms"].options == {"sender": "+8615400000001"},
            id="a telephone number stays text",
        ),
        pytest.param(
            "WARND_CHANNELS__SMS__TOKEN",
            "12345",
            lambda s: s.channels["sms"].options == {"token": Secret("12345")},
            id="a credential stays text",
        ),
        pytest.param(
            "WARND_POLICY__PUBLIC__RED__CHANNELS",
            '["sms"]',
            lambda s: s.policies.of(AudienceClass.PUBLIC, Color.RED, "hail").channels == ("sms",),
            id="a list",
        ),
        pytest.param(
            "WARND_RETRY__UNKNOWN_RESENDS",
            "{ red = 4 }",
            lambda s: s.retry.unknown_resends[Color.RED] == 4,
            id="a table",
        ),
    ],
)
def test_the_environment_overrides_a_key(
    read: Load, variable: str, text: str, found: Callable[[Settings], bool]
) -> None:
    """``WARND_SECTION__KEY`` stands for the key, whatever its type."""
    assert found(read(THREE, **{variable: text}))


def test_the_environment_finds_a_key_that_is_written_with_a_hyphen(read: Load) -> None:
    """A variable's name has no hyphens, a table's may."""
    text = '[channels.sms-backup]\nadapter = "sms.http"\n'
    assert read(text, WARND_CHANNELS__SMS_BACKUP__SLOTS="2").channels["sms-backup"].slots == 2


def test_variables_of_the_command_line_are_no_settings(read: Load) -> None:
    """``WARND_URL`` and ``WARND_KEY`` belong to ``warnd push``."""
    assert read(WARND_URL="http://127.0.0.1:8080", WARND_KEY="k", HOME="/root") == read()


def test_a_secret_is_read_from_its_file_and_never_shown(read: Load, tmp_path: Path) -> None:
    """``token_file`` becomes ``token``; the line break that editors add is not part of it."""
    (tmp_path / "sms").write_text("s3cret-of-the-gateway\n")
    text = f'[channels.sms]\nadapter = "sms.http"\npassword = "pa55"\ntoken_file = "{tmp_path / "sms"}"\n'
    settings = read(text)
    assert settings.channels["sms"].options == {
        "password": Secret("pa55"),
        "token": Secret("s3cret-of-the-gateway"),
    }
    assert "s3cret" not in repr(settings)
    assert "pa55" not in repr(settings)


def test_a_file_that_holds_no_credential_is_the_adapter_s_affair(read: Load) -> None:
    """``ca_file`` is a path that the adapter opens itself."""
    text = '[channels.email]\nadapter = "email.smtp"\nca_file = "relay.pem"\n'
    assert read(text).channels["email"].options == {"ca_file": "relay.pem"}


# Faults


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        pytest.param("[server]\nprot = 1", "server.prot", "no such key", id="unknown key"),
        pytest.param("[sever]\nport = 1", "sever", "no such key", id="unknown table"),
        pytest.param('[server]\nport = "x"', "server.port", "integer", id="wrong type"),
        pytest.param("[server]\nport = 70000", "server.port", "65535", id="out of bounds"),
        pytest.param("[server]\ngrace = 10", "server.grace", "with its unit", id="duration without unit"),
        pytest.param('[server]\ngrace = "0s"', "server.grace", "longer than nothing", id="no duration"),
        pytest.param('[server]\npublic_url = "warnd"', "server.public_url", "https://", id="no web address"),
        pytest.param("server = 3", "server", "must be a table", id="no table"),
        pytest.param(
            '[store]\nurl = "postgresql://w:made-up@db/w"',
            "store.url",
            "password_file",
            id="a password that shows",
        ),
        pytest.param(
            '[store]\nurl = "postgresql://db"', "store.url", "HOST/DATABASE", id="a server without a database"
        ),
        pytest.param(
            '[store]\nurl = "postgresql://db/w?sslmod=verify-full"',
            "store.url",
            "sslmod",
            id="a parameter of the server's that there is not",
        ),
        pytest.param(
            '[store]\npassword_file = "nowhere"',
            "store.password_file",
            "cannot be read",
            id="no such password",
        ),
        pytest.param('[store]\nurl = "sqlite:///:memory:"', "store.url", "outlives", id="forgetful store"),
        pytest.param(
            '[policy.responsible.blue]\nquiet_hours = "22:00-07:00"',
            "policy.responsible.blue.quiet_hours",
            "never apply to the responsible",
            id="quiet hours for who must act",
        ),
        pytest.param(
            '[policy.public.orange.hazards.rainstorm]\nquiet_hours = "22:00-07:00"',
            "policy.public.orange.hazards.rainstorm.quiet_hours",
            "never apply to orange",
            id="quiet hours for orange",
        ),
        pytest.param(
            '[policy.public.blue]\nquiet_hours = "10pm"',
            "policy.public.blue.quiet_hours",
            "22:00-07:00",
            id="no quiet hours",
        ),
        pytest.param(
            '[policy.public.blue]\nquiet_hours = "22:00-24:00"',
            "policy.public.blue.quiet_hours",
            "22:00-07:00",
            id="quiet hours of another clock",
        ),
        pytest.param(
            "[policy.public.blue]\nquiet_hours = true",
            "policy.public.blue.quiet_hours",
            "none",
            id="quiet hours yes or no",
        ),
        pytest.param(
            '[policy.responsible.red]\nuntil = "acknowledged"',
            "policy.responsible.red.until",
            "acknowledge",
            id="acknowledgement",
        ),
        pytest.param('[workers]\nmetrics = "9464"', "workers.metrics", "[::1]:9464", id="port without host"),
        pytest.param('[workers]\nmetrics = "h:x"', "workers.metrics", "", id="port no number"),
        pytest.param('[queue]\nurl = "redis://r"', "queue.url", "SQLite", id="Redis beside a file"),
        pytest.param('[queue]\nurl = "valkey://r"', "queue.url", "for Valkey too", id="Valkey by its name"),
        pytest.param(
            '[queue]\nurl = "redis://:secret@r"',
            "queue.url",
            "queue.password_file",
            id="password in the queue's url",
        ),
        pytest.param('[queue]\nurl = "redis://r/one"', "queue.url", "6379/0", id="Redis database no number"),
        pytest.param("[channels.sms]", "channels.sms.adapter", "is missing", id="channel without adapter"),
        pytest.param("channels = 1", "channels", "must be a table", id="channels no table"),
        pytest.param("[channels]\nsms = 1", "channels.sms", "must be a table", id="channel no table"),
        pytest.param(
            '[channels."S M"]\nadapter = "x"', "channels.S M.name", "should match", id="unfit channel name"
        ),
        pytest.param(
            '[channels.sms]\nadapter = "x"\nrate = 500', "channels.sms.rate", "500/s", id="rate without unit"
        ),
        pytest.param(
            '[channels.sms]\nadapter = "x"\ntarget_rate = "20/year"',
            "channels.sms.target_rate",
            "20/min",
            id="rate per year",
        ),
        pytest.param(
            '[channels.sms]\nadapter = "x"\ntoken_file = "/nowhere/token"',
            "channels.sms.token_file",
            "cannot be read",
            id="secret file missing",
        ),
        pytest.param(
            '[channels.sms]\nadapter = "x"\ntoken = "a"\ntoken_file = "b"',
            "channels.sms.token_file",
            "give one of them",
            id="secret twice",
        ),
        pytest.param(
            '[channels.sms]\nadapter = "x"\ntoken = 5', "channels.sms.token", "text", id="secret no text"
        ),
        pytest.param(
            THREE + '[policy.public.red]\nchannels = ["sms", "fax"]',
            "policy.public.red.channels[1]",
            "configured: sms, wechat, email",
            id="policy names no channel",
        ),
        pytest.param(
            THREE + '[policy.public.red.hazards.hail]\nchannels = ["voice"]',
            "policy.public.red.hazards.hail.channels[0]",
            "'voice'",
            id="override names no channel",
        ),
        pytest.param(
            THREE + '[policy.public.red]\nchannels = ["sms", "sms"]',
            "policy.public.red.channels",
            "twice",
            id="policy names one twice",
        ),
        pytest.param(
            THREE + "[policy.public.red]\nchannels = []",
            "policy.public.red.channels",
            "at least one",
            id="no channels",
        ),
        pytest.param("[policy.mayors.red]", "policy.mayors", "'leaders'", id="unknown audience class"),
        pytest.param("[policy.public.purple]", "policy.public.purple", "'blue'", id="unknown color"),
        pytest.param("[sources.w]", "sources.w.regions", "is missing", id="source without bounds"),
        pytest.param('[sources.w]\nregions = ["62120"]', "sources.w.regions[0]", "62120", id="no division"),
        pytest.param(
            '[sources.w]\nregions = ["62"]\nname = "x"', "sources.w.name", "no such key", id="source's name"
        ),
        pytest.param(
            '[sources.w]\nregions = ["62"]\nhmac_secret = "guess"',
            "sources.w.hmac_secret",
            "16",
            id="a weak secret",
        ),
        pytest.param(
            '[sources.hand]\nregions = ["62"]', "sources.hand", "by hand", id="a name that is taken"
        ),
        pytest.param(
            '[release.hold.red]\nthen = "wait"', "release.hold.red.then", "'release'", id="a hold without end"
        ),
        pytest.param(
            '[release.hold.green]\nafter = "1m"', "release.hold.green", "'blue'", id="a hold of no color"
        ),
        pytest.param('[issue]\nsender = "a b"', "issue.sender", "match", id="a sender with a space"),
        pytest.param("[release]\nunusual_reds = 0", "release.unusual_reds", "1", id="every red unusual"),
        pytest.param('time_zone = "Mars/Olympus"', "time_zone", "Mars/Olympus", id="no time zone"),
        pytest.param('language = "中文"', "language", "match", id="no language tag"),
        pytest.param("[retry]\nfactor = 0.5", "retry.factor", "1", id="waits that shrink"),
        pytest.param('[logs]\nlevel = "loud"', "logs.level", "'debug'", id="no such level"),
    ],
)
def test_a_fault_names_its_key(read: Load, text: str, key: str, words: str) -> None:
    """Whoever reads the message knows which line to mend."""
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert caught.value.key == key
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"{key}: ")
    assert "\n" not in str(caught.value)


def test_a_list_of_which_nothing_is_right_is_not_called_empty_too(read: Load) -> None:
    """The one that is wrong is named; a second sentence would send whoever reads it looking."""
    with pytest.raises(ConfigError) as caught:
        read(THREE + '[policy.public.red]\nchannels = ["smss"]\n')
    assert str(caught.value) == (
        "policy.public.red.channels[0]: there is no channel 'smss'; configured: sms, wechat, email"
    )


def test_all_faults_are_named_at_once(read: Load) -> None:
    """Nobody mends a file one start at a time."""
    with pytest.raises(ConfigError) as caught:
        read(
            '[server]\nport = 0.5\n[channels.sms]\nadapter = "x"\ntoken_file = "/nowhere"\n'
            '[policy.public.red]\nchannels = ["fax"]\n',
            WARND_STORE__URL="mysql://db",
        )
    for key in ("channels.sms.token_file", "server.port", "policy.public.red.channels[0]", "store.url"):
        assert f"{key}: " in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "key"),
    [
        pytest.param("WARND_SERVER__PORT__X", "server.port.x", id="under a value"),
        pytest.param("WARND_SERVER__", "server.", id="without a key"),
    ],
)
def test_a_variable_that_leads_to_no_key_is_a_fault(read: Load, variable: str, key: str) -> None:
    """A mistyped override must not be ignored."""
    with pytest.raises(ConfigError, match=f"{variable} leads to no key") as caught:
        read("[server]\nport = 1\n", **{variable: "1"})
    assert caught.value.key == key


def test_a_file_that_is_not_there_or_no_toml_is_named(read: Load, tmp_path: Path) -> None:
    """The key at fault is then the file itself."""
    with pytest.raises(ConfigError, match=r"absent\.toml: cannot be read"):
        load(tmp_path / "absent.toml", {})
    with pytest.raises(ConfigError, match=r"warnd\.toml: is not TOML"):
        read("[server")


# Amounts


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("60s", timedelta(seconds=60)),
        ("1.5 m", timedelta(seconds=90)),
        ("6h", timedelta(hours=6)),
        ("365d", timedelta(days=365)),
    ],
)
def test_durations_carry_their_unit(text: str, span: timedelta) -> None:
    """Number and unit, a space between them allowed."""
    assert duration(text) == span


@pytest.mark.parametrize("text", ["", "5", "s", "-5s", "5 weeks", "0s", "٥s", "99999999999999d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Negative, without a unit, beyond what can be counted: none is guessed at."""
    with pytest.raises(ValueError, match="duration"):
        duration(text)


@pytest.mark.parametrize(
    ("text", "per_second"), [("500/s", 500.0), ("20/min", 20 / 60), ("100/h", 100 / 3600), ("0.5 / s", 0.5)]
)
def test_rates_carry_their_span(text: str, per_second: float) -> None:
    """So many in a second, a minute or an hour."""
    assert rate(text).per_second == pytest.approx(per_second)


@pytest.mark.parametrize("text", ["", "500", "0/s", "-1/s", "5/d", "s/5"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    """A rate of nothing would hold people up for ever."""
    with pytest.raises(ValueError, match="rate"):
        rate(text)


def test_sizes_are_binary_multiples_or_refused() -> None:
    """KiB, MiB and GiB by powers of 1024."""
    assert (size("4MiB"), size("512KiB"), size("1.5GiB")) == (4 * 1024**2, 512 * 1024, 3 * 1024**3 // 2)
    with pytest.raises(ValueError, match="size"):
        size("4 megabytes")
