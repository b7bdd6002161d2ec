"""The message templates of a site: read once, each found by hazard, color and language, step by step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import count, product
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from warnd.errors import ConfigError, TemplateError
from warnd.model.color import Color
from warnd.pipeline.sandbox import MAX_SOURCE, PARTS, Sandbox
from warnd.pipeline.words import CHINESE, FALLBACK, Words, fallbacks, parse_words

WORDS = "words/"
DEFAULT = "default"
BUNDLE = "bundle"
"""What stands for the hazard in the name of a template that several messages share."""

SUBJECT = "Subject:"

FIELDS = frozenset(
    {
        *("mark", "issuer", "change", "change_name", "hazard", "hazard_name"),
        *("color", "color_name", "previous_color_name"),
        *("area", "area_names", "added_area", "removed_area"),
        *("sent", "effective", "onset", "expires"),
        *("headline", "description", "instruction", "guidance", "contact", "web", "identifier"),
        *("count", "parts", "subject"),
    }
)
"""The names a template may use; templates/README.md says what each holds."""

_NAME = re.compile(
    r"(?P<kind>[a-z0-9_]+)/(?P<hazard>[a-z0-9-]+)"
    rf"(?:\.(?P<color>{'|'.join(color.value for color in Color)}))?"
    r"\.(?P<language>[A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*)\.(?P<format>txt|md)"
)
_SUFFIXES = frozenset({".txt", ".md", ".toml"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    A template that could say it, at its place in the order.

    ``language`` is the tag by which it was found, in lower case. With a ``fault`` it cannot be used.
    ``has_subject``: its first line is one.
    """

    path: str
    language: str
    words: Words
    fault: TemplateError | None = None
    has_subject: bool = False

    @property
    def is_markdown(self) -> bool:
        return PurePosixPath(self.path).suffix.startswith(".md")


class Filed(NamedTuple):
    """A template, and what its path says it is for; the ``hazard`` may be ``DEFAULT`` or ``BUNDLE``."""

    kind: str
    hazard: str
    color: Color | None
    candidate: Candidate


class Templates:
    """
    All templates and words by path (``sms/rainstorm.red.zh.txt``, ``words/en.toml``), immutable.

    They lie in layers: a site's file covers the shipped one of the same name, which stays beneath as the next
    to fall back to, as ``sms/rainstorm.red.zh.txt~1``. A broken one is remembered with its fault and passed
    over.
    """

    def __init__(self, *layers: Mapping[str, str], unreadable: Sequence[TemplateError] = ()) -> None:
        self._layers = layers
        self._unreadable = tuple(unreadable)
        self._faults = list(unreadable)
        self._words: dict[str, Words | TemplateError] = {FALLBACK: CHINESE}
        self._versions: dict[tuple[str, str, str | None, str], list[str]] = {}
        sources: dict[str, str] = {}
        for layer in reversed(layers):
            for path, source in sorted(layer.items()):
                if path.startswith(WORDS):
                    self._learn(path, source)
                else:
                    name = next(name for name in _versions(path) if name not in sources)
                    sources[name] = source
                    self._file(path, name)
        self._sources = sources
        self._sandbox = Sandbox(sources, FIELDS)
        self.revision = _revision(layers)

    @classmethod
    def load(cls, *directories: Path) -> Templates:
        """
        Read directories, each laid over those before it.

        Raises ConfigError when one is no directory: a misspelt path would silently lose a site's own words.
        """
        layers: list[Mapping[str, str]] = []
        unreadable: list[TemplateError] = []
        for directory in directories:
            if not directory.is_dir():
                raise ConfigError("templates", f"{directory} is not a directory")
            layer: dict[str, str] = {}
            for file in sorted(directory.glob("*/*")):
                if file.suffix not in _SUFFIXES or file.name.startswith("."):
                    continue
                path = file.relative_to(directory).as_posix()
                try:
                    layer[path] = _read(file)
                except (OSError, ValueError) as error:
                    unreadable.append(TemplateError(path, f"cannot be read: {error}"))
            layers.append(layer)
        return cls(*layers, unreadable=unreadable)

    def having(self, sources: Mapping[str, str]) -> Templates:
        """The same with these laid over them: templates kept in the store, or one that is being previewed."""
        return Templates(*self._layers, sources, unreadable=self._unreadable)

    def faults(self) -> tuple[TemplateError, ...]:
        """Everything that is wrong with the files themselves."""
        return (*self._faults, *self._sandbox.faults.values())

    def version_of(self, path: str) -> str:
        """
        ``path@digest`` of a file: another as soon as it is mended, or anything that it may draw on.

        Where there is no such template, it goes by all that there is.
        """
        if path not in self._sources:
            return f"{path}@{self.revision}"
        common = {name: source for name, source in self._sources.items() if name.startswith(PARTS)}
        line = {name: self._sources.get(name, "") for name in self._sandbox.lineage(path)}
        words = [
            {name: source for name, source in layer.items() if name.startswith(WORDS)}
            for layer in self._layers
        ]
        return f"{path}@{_revision([common | line, *words])}"

    def candidates(
        self, kind: str, *, hazard: str, color: Color | None, languages: Sequence[str]
    ) -> Iterator[Candidate]:
        """Those that exist, most fitting first: by language, then hazard before default, then color."""
        grades = (color.value, None) if color is not None else (None,)
        for language in languages:
            words = self._words_of(language)
            for name, grade in dict.fromkeys(product((hazard, DEFAULT), grades)):
                for path in self._versions.get((kind, name, grade, language), ()):
                    yield self._candidate(path, language, words)

    def bundles(self, kind: str, *, languages: Sequence[str]) -> Iterator[Candidate]:
        """Those for several messages in one, most fitting first."""
        for language in languages:
            words = self._words_of(language)
            for path in self._versions.get((kind, BUNDLE, None, language), ()):
                yield self._candidate(path, language, words)

    def each(self) -> Iterator[Filed]:
        """All of them, those that cannot be used too, in the order of their paths."""
        for (kind, hazard, grade, language), paths in sorted(
            self._versions.items(), key=lambda found: found[1]
        ):
            color, words = (Color(grade) if grade is not None else None), self._words_of(language)
            for path in paths:
                yield Filed(kind, hazard, color, self._candidate(path, language, words))

    def fill(self, path: str, values: Mapping[str, Any]) -> str:
        """Print a template. Raises TemplateError."""
        return self._sandbox.fill(path, values)

    def _candidate(self, path: str, language: str, words: Words | TemplateError | None) -> Candidate:
        fault = self._sandbox.faults.get(path)
        if not isinstance(words, Words):
            fault = fault or words or TemplateError(path, f"its language has no {WORDS}{language}.toml")
            words = CHINESE
        has_subject = fault is None and self._sandbox.opens_with(path, SUBJECT)
        return Candidate(path, language, words, fault, has_subject)

    def _words_of(self, language: str) -> Words | TemplateError | None:
        return next(
            (found for tag in fallbacks(language) if (found := self._words.get(tag)) is not None), None
        )

    def _learn(self, path: str, source: str) -> None:
        """Read a language's words, uppermost layer first; one beneath counts if those above it are broken."""
        language = PurePosixPath(path).stem.lower()
        known = self._words.get(language)
        if isinstance(known, Words) and known is not CHINESE:
            return
        try:
            self._words[language] = parse_words(path, language, source)
        except TemplateError as fault:
            self._faults.append(fault)
            self._words.setdefault(language, fault)

    def _file(self, path: str, name: str) -> None:
        """Put a template where what its path says will find it, beneath the versions already there; parts go by path."""
        if path.startswith(PARTS):
            return
        if (said := _NAME.fullmatch(path)) is not None:
            key = (said["kind"], said["hazard"], said["color"], said["language"].lower())
            self._versions.setdefault(key, []).append(name)
        else:
            self._faults.append(TemplateError(path, "is not named <kind>/<hazard>[.<color>].<lang>.<txt|md>"))


def _versions(path: str) -> Iterator[str]:
    """The names of a path in the layers from the uppermost down: itself, ``path~1``, ``path~2`` …"""
    yield path
    for depth in count(1):
        yield f"{path}~{depth}"


def _read(file: Path) -> str:
    with file.open(encoding="utf-8-sig") as stream:
        return stream.read(MAX_SOURCE + 1)  # one more than is allowed: the sandbox then says so


def _revision(layers: Sequence[Mapping[str, str]]) -> str:
    digest = sha256()
    for depth, layer in enumerate(layers):
        for path, text in sorted(layer.items()):
            digest.update(f"{depth}\0{path}\0{text}\0".encode())
    return digest.hexdigest()[:12]
