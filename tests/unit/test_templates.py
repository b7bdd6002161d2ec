"""Templates are found step by step; a broken one is remembered and passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from warnd.errors import ConfigError
from warnd.model.color import Color
from warnd.pipeline.templates import FIELDS, Templates
from warnd.pipeline.words import fallbacks

SHIPPED = Path(__file__).parents[2] / "templates"
ENGLISH = (SHIPPED / "words/en.toml").read_text(encoding="utf-8")


def paths(templates: Templates, language: str = "zh", *, color: Color | None = Color.RED) -> list[str]:
    languages = tuple(dict.fromkeys((*fallbacks(language), "zh")))
    found = templates.candidates("sms", hazard="rainstorm", color=color, languages=languages)
    return [candidate.path for candidate in found]


def test_the_shipped_templates_are_whole() -> None:
    """Nothing is wrong with any file, and Chinese and English have a default for each kind."""
    templates = Templates.load(SHIPPED)
    assert templates.faults() == ()
    for kind in ("sms", "wechat", "email", "console"):
        for language in ("zh", "en"):
            found = templates.candidates(kind, hazard="x", color=None, languages=(language,))
            assert [candidate.fault for candidate in found] == [None], (kind, language)


def test_the_shipped_kinds_that_bundle_have_their_words_for_it() -> None:
    """In Chinese and English; another language needs a file, and until then there is the Chinese one."""
    templates = Templates.load(SHIPPED)
    for kind in ("sms", "wechat", "email"):
        for language in ("zh", "en"):
            found = templates.bundles(kind, languages=(language,))
            assert [candidate.fault for candidate in found] == [None], (kind, language)


def test_every_name_is_documented() -> None:
    """An author reads templates/README.md, not the code."""
    text = (SHIPPED / "README.md").read_text(encoding="utf-8")
    assert {name for name in FIELDS if f"`{name}`" not in text} == set()


def test_the_most_fitting_comes_first() -> None:
    """Language before hazard before color; wider languages, then Chinese, at the end."""
    names = [
        *(
            "sms/rainstorm.red.en-GB.txt",
            "sms/rainstorm.en-GB.txt",
            "sms/default.red.en-GB.txt",
            "sms/default.en-GB.txt",
        ),
        *("sms/rainstorm.red.en.txt", "sms/rainstorm.en.txt", "sms/default.red.en.txt", "sms/default.en.txt"),
        *("sms/rainstorm.red.zh.txt", "sms/rainstorm.zh.txt", "sms/default.red.zh.txt", "sms/default.zh.txt"),
    ]
    other = {"sms/flood.red.en.txt": "", "sms/rainstorm.blue.en.txt": "", "email/default.en.txt": ""}
    templates = Templates({**dict.fromkeys(reversed(names), ""), **other, "words/en.toml": ENGLISH})
    assert templates.faults() == ()
    assert paths(templates, "en-GB") == names
    assert paths(templates, "en-GB", color=None) == [name for name in names if ".red." not in name]


def test_traditional_chinese_is_found_in_its_steps() -> None:
    """zh-Hant-TW, zh-Hant, zh; tags are compared without regard to case."""
    templates = Templates({f"sms/default.{tag}.txt": "" for tag in ("zh", "zh-Hant", "zh-Hant-TW")})
    assert paths(templates, "zh-hant-tw") == [
        f"sms/default.{tag}.txt" for tag in ("zh-Hant-TW", "zh-Hant", "zh")
    ]


def test_a_site_covers_a_file_and_falls_back_to_it(tmp_path: Path) -> None:
    """The shipped version stays beneath: a slip in one's own must not cost the shipped wording."""
    (tmp_path / "sms").mkdir()
    (tmp_path / "sms/default.zh.txt").write_text("{{ oops", encoding="utf-8")
    templates = Templates.load(SHIPPED, tmp_path)
    found = list(templates.candidates("sms", hazard="x", color=None, languages=("zh",)))
    assert [candidate.path for candidate in found] == ["sms/default.zh.txt", "sms/default.zh.txt~1"]
    assert found[0].fault is not None
    assert found[1].fault is None
    assert any(fault.template == "sms/default.zh.txt" for fault in templates.faults())


def test_a_site_s_default_is_what_shipped_templates_extend(tmp_path: Path) -> None:
    """A site that words the mandatory parts anew does so for every hazard."""
    (tmp_path / "sms").mkdir()
    (tmp_path / "sms/default.zh.txt").write_text("本县：{% block guidance %}{% endblock %}", encoding="utf-8")
    templates = Templates.load(SHIPPED, tmp_path)
    assert templates.fill("sms/flash-flood.zh.txt", {"guidance": "请离开"}) == "本县：\n一般提示：请离开"


def test_broken_words_fall_back_to_those_beneath() -> None:
    """As with templates, a site's slip does not take a language away."""
    shipped = {"words/en.toml": ENGLISH, "sms/default.en.txt": ""}
    templates = Templates(shipped, {"words/en.toml": "oops"})
    (found,) = templates.candidates("sms", hazard="x", color=None, languages=("en",))
    assert found.fault is None
    assert found.words.language == "en"
    assert [fault.template for fault in templates.faults()] == ["words/en.toml"]


def test_a_language_without_words_is_not_used() -> None:
    """Its template would mix two languages in one sentence."""
    (found,) = Templates({"sms/default.kk.txt": ""}).candidates(
        "sms", hazard="x", color=None, languages=("kk",)
    )
    assert "words/kk.toml" in str(found.fault)


@pytest.mark.parametrize(
    "name",
    [
        "sms/rainstorm.rde.zh.txt",
        "sms/README.md",
        "SMS/default.zh.txt",
        "sms/default.txt",
        "sms/a.b.c.zh.txt",
    ],
)
def test_a_misnamed_file_is_a_fault(name: str) -> None:
    """Nobody would ever find out that it is never used."""
    assert [fault.template for fault in Templates({name: ""}).faults()] == [name]


def test_what_cannot_be_read_is_a_fault_and_leaves_the_shipped_one(tmp_path: Path) -> None:
    """GB18030 bytes in a UTF-8 file, say."""
    (tmp_path / "sms").mkdir()
    (tmp_path / "sms/default.zh.txt").write_bytes("预警".encode("gb18030"))
    (tmp_path / "sms/.default.zh.txt.swp").write_bytes(b"\xff")
    templates = Templates.load(SHIPPED, tmp_path)
    assert [fault.template for fault in templates.faults()] == ["sms/default.zh.txt"]
    assert paths(templates)[-1] == "sms/default.zh.txt"


def test_a_directory_that_is_none_stops_the_start(tmp_path: Path) -> None:
    """A misspelt path would silently lose a site's own words."""
    with pytest.raises(ConfigError):
        Templates.load(SHIPPED, tmp_path / "tempaltes")


def test_the_revision_follows_every_change() -> None:
    """Deliveries keep it, so that an inquiry can tell which wording was in force."""
    templates = Templates({"sms/default.zh.txt": "a"})
    assert templates.revision == Templates({"sms/default.zh.txt": "a"}).revision
    assert (
        len(
            {templates.revision, templates.having({"sms/default.zh.txt": "b"}).revision, Templates().revision}
        )
        == 3
    )


def test_a_preview_lies_over_the_rest() -> None:
    """What is being written is tried before what is in force, which stays as it is."""
    templates = Templates({"sms/default.zh.txt": "old"})
    preview = templates.having({"sms/default.zh.txt": "new"})
    assert [preview.fill(path, {}) for path in paths(preview)] == ["new", "old"]
    assert [templates.fill(path, {}) for path in paths(templates)] == ["old"]
