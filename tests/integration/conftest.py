"""An application on a store of its own, with the divisions of one county, and its API on loopback."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import Connection, create_engine

from servers.postgres import PostgresServer
from tests.fakes.empty_store import empty_store
from tests.fakes.once import once
from tests.integration.door import Door
from tests.integration.store_site import Site
from warnd.api import build
from warnd.app import App, wiring
from warnd.pipeline.confirm import confirm
from warnd.pipeline.templates import Templates
from warnd.resources import config_dir, templates_dir
from warnd.settings import load
from warnd.store import keys, regions, tables
from warnd.store.database import engine_over, open_writer, upgrade
from warnd.store.keys import Role
from warnd.store.postgres import PostgresStore
from warnd.store.postgres_writing import open_postgres
from warnd.store.sqlite import SqliteStore
from warnd.store.threads import ThreadedStore

NOW = datetime(2026, 7, 14, 0, 10, tzinfo=UTC)

_DIVISIONS = config_dir() / "cn-divisions-2023.csv.xz"

CONFIG = """
[store]
url = "{store}"

[server]
max_body = "64KiB"

[channels.sms]
adapter = "sms.http"
url = "http://127.0.0.1:9/send"
token = "made-up"

[channels.quiet]
adapter = "sms.http"
url = "http://127.0.0.1:9/send"
token = "made-up"

[sources.weather]
regions = ["6212"]
official = true

[sources.village]
regions = ["6212"]
"""


@pytest.fixture(scope="session", autouse=True)
def shipped_once() -> Iterator[None]:
    """The templates and hazards that came with warnd are read by the first application of all."""

    class Loaded(Templates):
        @classmethod
        def load(cls, *directories: Path) -> Templates:
            return shipped() if directories == (templates_dir(),) else Templates.load(*directories)

    shipped = cache(lambda: Templates.load(templates_dir()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "Templates", Loaded)
        patch.setattr(wiring, "load_hazards", cache(wiring.load_hazards))
        yield


@pytest.fixture(scope="session")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the divisions of Wudu (621202), made once; to be copied, not used."""

    def make(place: Path) -> None:
        with closing(open_writer(place / "warnd.db")) as raw, engine_over(raw).connect() as connection:
            upgrade(connection)
            regions.import_regions(connection, _DIVISIONS, under="621202")

    return once(tmp_path_factory, "county", make) / "warnd.db"


@pytest.fixture(scope="session")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A store that knows the whole country; what a test changes in it, it must undo."""

    def make(place: Path) -> None:
        engine = create_engine(f"sqlite:///{place}/warnd.db")
        tables.metadata.create_all(engine)
        with engine.begin() as connection:
            regions.import_regions(connection, _DIVISIONS)
        engine.dispose()

    made = once(tmp_path_factory, "country", make) / "warnd.db"
    own = shutil.copy(made, tmp_path_factory.mktemp("own-country"))
    engine = create_engine(f"sqlite:///{own}")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture(scope="session")
def shared_county(postgres: PostgresServer) -> str:
    """The same as a PostgreSQL database; to be copied, not used."""
    name = postgres.database()
    with closing(open_postgres(postgres.place(name))) as writing:
        regions.import_regions(writing.sqlalchemy, _DIVISIONS, under="621202")
    return name


@pytest.fixture
def store_url(request: pytest.FixtureRequest, tmp_path: Path, county: Path) -> Iterator[str]:
    """A store with the county's divisions: a file, or a PostgreSQL database where a test asks for that as well."""
    if getattr(request, "param", "sqlite") == "sqlite":
        shutil.copy(county, tmp_path / "warnd.db")
        yield f"sqlite:///{tmp_path}/warnd.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.database(request.getfixturevalue("shared_county"))
    yield server.place(name).url
    server.drop(name)


on_both_stores = pytest.mark.parametrize("store_url", ["sqlite", "postgresql"], indirect=True)
"""For a module whose reads are written with the database in mind."""


@pytest.fixture
async def app(tmp_path: Path, store_url: str) -> AsyncIterator[App]:
    """Open, not started: it keeps and plans, and sends nothing. Its clock stands still."""
    config = tmp_path / "warnd.toml"
    config.write_text(CONFIG.format(store=store_url))
    app = App(load(config, {}), wall=lambda: NOW)
    await app.open()
    yield app
    await app.close()


@pytest.fixture
async def client(app: App) -> AsyncIterator[TestClient]:
    """The API of ``app``."""
    async with TestClient(TestServer(build(app))) as client:
        yield client


@pytest.fixture
async def door(app: App, client: TestClient) -> Door:
    """The API with a key of each role."""
    texts: dict[str, str] = {}
    for role in Role:
        source = "weather" if role is Role.FEED else None
        texts[role.value], _ = await app.store.record(
            keys.create_key, role.value, role, source=source, id=app.new_id(), now=NOW
        )
    return Door(app, client, texts)


@pytest.fixture(params=["sqlite", "postgresql"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    """Every promise is kept by either store."""
    if request.param == "sqlite":
        store: ThreadedStore = SqliteStore(empty_store(tmp_path / "warnd.db"), confirm=confirm)
    else:
        store = PostgresStore(request.getfixturevalue("postgres_place"), confirm=confirm)
    await store.open()
    yield Site(store)
    await store.close()


@pytest.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[Site]:
    """The one in a file."""
    store = SqliteStore(tmp_path / "warnd.db", confirm=confirm)
    await store.open()
    yield Site(store)
    await store.close()
