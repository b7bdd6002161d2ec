"""The API's own description, made from the route table and the bodies, so that it cannot say anything else."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from html import escape
from http import HTTPStatus
from typing import Any

from aiohttp import web

from warnd import __version__
from warnd.api.routing import ANY, Answer, Call, Route, answer
from warnd.intake.proof import SIGNATURE
from warnd.store.keys import Role

_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("path", "code", "message")},
            },
        },
    },
}


async def json(call: Call) -> web.StreamResponse:
    return answer(describe(call.routes))


async def page(call: Call) -> web.StreamResponse:
    return web.Response(
        text=_page(call.routes),
        content_type="text/html",
        headers={
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_style_hash()}'",
            "X-Content-Type-Options": "nosniff",
        },
    )


def describe(routes: Sequence[Route]) -> dict[str, Any]:
    """The table as OpenAPI 3.1."""
    schemas: dict[str, Any] = {"Problem": _PROBLEM}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(_path(route), {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "warnd", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "signature": {"type": "apiKey", "in": "header", "name": SIGNATURE},
            },
        },
    }


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}_{re.sub('[^a-z0-9]+', '_', _path(route).lower()).strip('_')}",
        "summary": route.about,
        "parameters": [*_in_path(route), *_in_query(route)],
        "responses": {str(one.status): _response(one) for one in route.answers},
    }
    if not route.public:
        roles = sorted(role.value for role in route.roles)
        operation["description"] = f"Roles: {', '.join(roles)}."
        ways = ["key", "signature"] if Role.FEED in route.roles else ["key"]
        operation["security"] = [{way: []} for way in ways]
    if route.body is not None:
        schema = route.body.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[route.body.__name__] = schema
        reference = {"$ref": f"#/components/schemas/{route.body.__name__}"}
        operation["requestBody"] = {"content": {"application/json": {"schema": reference}}}
    elif route.media:
        operation["requestBody"] = {"required": True, "content": {media: {} for media in route.media}}
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    operation["responses"]["default"] = {
        "description": "A problem, its faults named by path.",
        "content": {"application/problem+json": problem},
    }
    return operation


def _response(one: Answer) -> Mapping[str, Any]:
    if one.status == HTTPStatus.NO_CONTENT:
        return {"description": one.about}
    return {"description": one.about, "content": {one.media: {}}}


def _in_path(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)", route.path)
    ]


def _in_query(route: Route) -> list[dict[str, Any]]:
    if route.query is ANY:
        return []
    return [
        {"name": one.name, "in": "query", "description": one.about, "schema": dict(one.schema)}
        for one in route.query
    ]


def _path(route: Route) -> str:
    return re.sub(r"{(\w+):[^}]*}", r"{\1}", route.path)


_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h2 { font: 600 1rem ui-monospace, monospace; margin: 2rem 0 0; border-top: 1px solid #ccc; padding-top: 1rem; }
dt { font-family: ui-monospace, monospace; } dd { margin: 0 0 .3rem 2rem; } .roles { color: #666; }
"""


def _style_hash() -> str:
    return base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def _page(routes: Sequence[Route]) -> str:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>warnd API</title>'
        f"<style>{_STYLE}</style><h1>warnd {escape(__version__)}</h1>"
        "<p>Send <code>Authorization: Bearer KEY</code>. Errors are <code>application/problem+json</code>. "
        'For machines: <a href="/openapi.json">openapi.json</a>.</p>'
        + "".join(_section(one) for one in routes)
    )


def _section(route: Route) -> str:
    roles = "anybody" if route.public else ", ".join(sorted(role.value for role in route.roles))
    params = "".join(f"<dt>{escape(one.name)}</dt><dd>{escape(one.about)}</dd>" for one in route.query)
    answers = "".join(f"<dt>{one.status}</dt><dd>{escape(one.about)}</dd>" for one in route.answers)
    return (
        f"<h2>{route.method} {escape(_path(route))}</h2><p>{escape(route.about)} "
        f'<span class="roles">({roles})</span></p><dl>{params}{answers}</dl>'
    )
