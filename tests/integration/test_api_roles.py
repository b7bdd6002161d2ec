"""Who may ask what: nobody without a key, and every role only what the table says."""

from __future__ import annotations

from tests.integration.door import Door
from warnd.api import ROUTES
from warnd.api.openapi import describe
from warnd.api.routing import Route
from warnd.store import keys
from warnd.store.keys import Role

NOBODY = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def address(route: Route) -> str:
    path = describe([route])["paths"]
    return next(iter(path)).replace("{id}", NOBODY).replace("{channel}", "sms").replace("{secret}", "00")


async def test_every_route_answers_exactly_the_roles_it_names(door: Door) -> None:
    """Walked over the whole table: refused roles get 403, the others get past the door."""
    for route in ROUTES:
        if route.public:
            continue
        assert route.roles, f"{route.path} is closed to everybody"
        for role in Role:
            reply = await door.reply(route.method, address(route), role=role.value, data=b"")
            refused = reply.status == 403
            assert refused == (role not in route.roles), (route.method, route.path, role)
            reply.release()


async def test_without_a_good_key_every_route_that_is_not_public_is_closed(door: Door) -> None:
    """No key, a made-up one, another scheme, and bytes that are no text."""
    wrong = (
        None,
        "Bearer nonsense",
        "Basic d2FybmQ6d2FybmQ=",
        "Bearer",
        "Bearer " + "x" * 5000,
        "Bearer \udcff",
    )
    for route in ROUTES:
        if route.public:
            continue
        for header in wrong:
            headers = {} if header is None else {"Authorization": header}
            reply = await door.client.request(route.method, address(route), headers=headers)
            assert reply.status == 401, (route.path, header)
            assert reply.headers["WWW-Authenticate"].startswith("Bearer")
            assert reply.content_type == "application/problem+json"
            await reply.read()


async def test_a_revoked_key_opens_nothing(door: Door) -> None:
    """From the very next request."""
    found = await door.app.store.read(keys.list_keys)
    viewer = next(key for key in found if key.role is Role.VIEWER)
    assert (await door.ask("GET", "alerts", role="viewer"))[0] == 200
    await door.app.store.record(keys.revoke_key, viewer.id, now=door.app.now())
    assert (await door.ask("GET", "alerts", role="viewer"))[0] == 401


async def test_public_routes_are_just_these(door: Door) -> None:
    """Whatever else appears here was opened by mistake."""
    assert {route.path for route in ROUTES if route.public} == {
        "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs",
        "/api/v1/receipts/{channel:[a-z0-9_-]+}/{secret:[0-9a-f]+}",
        "/api/v1/feeds/{name:[a-z0-9_-]+}/{secret:[0-9a-f]+}",
    }  # fmt: skip


async def test_the_description_names_every_route(door: Door) -> None:
    """It is made from the table; references in it lead somewhere."""
    status, described = await door.ask("GET", "/openapi.json", role=None)
    assert status == 200
    assert sum(len(operations) for operations in described["paths"].values()) == len(ROUTES)
    schemas = described["components"]["schemas"]
    for name in str(described).split("#/components/schemas/")[1:]:
        assert name.split("'")[0] in schemas
    page = await door.reply("GET", "/docs", role=None)
    text = await page.text()
    assert "POST /api/v1/alerts" in text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


async def test_health_and_figures_need_no_key(door: Door) -> None:
    """Not ready while nothing is sent; the figures hold nobody's address."""
    assert await door.ask("GET", "/healthz", role=None) == (200, {"status": "ok"})
    status, body = await door.ask("GET", "/readyz", role=None)
    assert (status, body["store"], body["sending"]) == (503, True, False)
    await door.broadcast()
    text = await (await door.reply("GET", "/metrics", role=None)).text()
    assert "warnd_alerts_admitted_total" in text
    assert "+86154" not in text
