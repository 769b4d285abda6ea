# SPDX-License-Identifier: Apache-2.0
"""The API: what a request becomes, and what each error looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from l8types import errors
from l8types.enums import Action

from .conftest import client
from .fakes import Book, Network

if TYPE_CHECKING:
    from starlette.applications import Starlette

PATH = "/api/0/Books"


@pytest.mark.feature("AUT-01")
async def test_a_login_gives_a_token_and_a_cookie(app: Starlette) -> None:
    """The cookie cannot be read by scripts nor sent by other sites."""
    async with client(app) as http:
        answer = await http.post("/auth", json={"user": "ada", "pass": "right"})
        assert answer.json()["token"] == "token-ada"
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert (await http.get(PATH, params={"query": "select * from Book"})).status_code == 200


@pytest.mark.feature("AUT-01")
async def test_a_second_factor_withholds_the_token(app: Starlette) -> None:
    """A log-in that needs a second step says so, without token and cookie."""
    async with client(app) as http:
        answer = await http.post("/auth", json={"user": "tfa", "pass": "x"})
    assert answer.json()["needTfa"] is True
    assert answer.json()["token"] == ""
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ('{"user": "ada", "pass": "wrong"}', 401, "wrong user or password"),
        ("", 400, "log in with"),
        ('{"user": "ada"}', 400, "log in with"),
        ("x" * 5000, 413, "above the limit of 4096"),
    ],
)
async def test_a_failed_login_tells_why_in_one_line(
    app: Starlette, body: str, status: int, message: str
) -> None:
    """Status and message are the caller's, never a traceback."""
    async with client(app) as http:
        answer = await http.post("/auth", content=body)
    assert answer.status_code == status
    assert message in answer.json()["message"]
    assert "\n" not in answer.json()["message"]


@pytest.mark.feature("SRV-08", "SRV-09", "SRV-11", "SRV-14")
async def test_the_five_verbs_reach_the_service(app: Starlette, network: Network) -> None:
    """Method, body and caller arrive as action, items and identity."""
    async with client(app, "token-ada") as http:
        for method in ("POST", "PUT", "PATCH"):
            await http.request(method, PATH, json={"isbn": "3", "title": method})
        await http.post(PATH, json=[{"isbn": "4"}, {"isbn": "5"}])
        listed = await http.get(PATH, params={"query": "select * from Book"})
        await http.get(PATH, params={"body": '{"isbn": "1"}'})
        await http.request("DELETE", PATH, params={"query": "select * from Book"})
    assert listed.json()["metadata"] == {"total": 5}
    assert [book["isbn"] for book in listed.json()["list"]] == ["1", "2", "3", "4", "5"]
    assert network.calls == [
        (Action.POST, [Book("3", "POST")], "ada"),
        (Action.PUT, [Book("3", "PUT")], "ada"),
        (Action.PATCH, [Book("3", "PATCH")], "ada"),
        (Action.POST, [Book("4"), Book("5")], "ada"),
        (Action.GET, "select * from Book", "ada"),
        (Action.GET, [Book("1")], "ada"),
        (Action.DELETE, "select * from Book", "ada"),
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("POST", PATH, "", 400, "no body"),
        ("POST", PATH, "{", 400, "does not fit"),
        ("POST", PATH, "[{", 400, "no JSON"),
        ("POST", PATH, '{"title": 7}', 400, "Book: "),
        ("GET", PATH, "", 400, "needs a query"),
        ("POST", PATH, '{"isbn": "' + "x" * 1000 + '"}', 413, "limit of 1000"),
        ("GET", "/api/0/Nothing?query=x", "", 404, "there are: 0/Books"),
        ("GET", "/api/999/Books?query=x", "", 400, "999"),
        ("GET", "/api/0/Bo%2Foks", "", 404, "nothing at"),
        ("GET", "/elsewhere", "", 404, "nothing at /elsewhere"),
        ("OPTIONS", PATH, "", 405, "OPTIONS"),
    ],
)
async def test_bad_requests_get_one_clear_line(
    app: Starlette, method: str, path: str, body: str, status: int, message: str
) -> None:
    """Each wrong request is answered with its own status and reason."""
    async with client(app, "token-ada") as http:
        answer = await http.request(method, path, content=body)
    assert answer.status_code == status
    assert message in answer.json()["message"]


@pytest.mark.feature("SRV-16")
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.QueryError("line 1, column 3: expected 'from'"), 400),
        (errors.PermissionDeniedError("no"), 403),
        (errors.NotFoundError("no"), 404),
        (errors.ConflictError("no"), 409),
        (errors.OverloadedError("no"), 429),
        (errors.RemoteError("no"), 502),
        (errors.UnavailableError("no"), 503),
        (errors.RequestTimeoutError("no"), 504),
    ],
)
async def test_an_error_of_the_service_keeps_code_and_message(
    app: Starlette, network: Network, error: errors.L8Error, status: int
) -> None:
    """What the service said is what the caller reads."""
    network.failure = error
    async with client(app, "token-ada") as http:
        answer = await http.get(PATH, params={"query": "x"})
    assert answer.status_code == status
    assert answer.json() == {"error": type(error).code, "message": error.message}


async def test_a_fault_of_the_gateway_is_logged_not_shown(
    app: Starlette, network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller sees no internals; the log has the traceback."""
    network.failure = ZeroDivisionError("secret detail")
    async with client(app, "token-ada") as http:
        answer = await http.get(PATH, params={"query": "x"})
    assert answer.status_code == 502
    assert "secret" not in answer.text
    assert "secret detail" in caplog.text


@pytest.mark.feature("AUT-08")
@pytest.mark.parametrize("token", ["", "token-eve"])
async def test_without_a_valid_token_nothing_is_called(
    app: Starlette, network: Network, token: str
) -> None:
    """Every path of the API asks for the caller first."""
    async with client(app, token) as http:
        for path in (PATH, "/api/health", "/api/services", "/api/permissions", "/metrics"):
            answer = await http.get(path, params={"query": "x"})
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
    assert network.calls == []


async def test_a_log_out_ends_the_token(app: Starlette) -> None:
    """After it the same token is refused."""
    async with client(app, "token-ada") as http:
        assert (await http.post("/logout")).status_code == 200
        assert (await http.get("/api/health")).status_code == 401


async def test_another_site_cannot_write_with_the_cookie(app: Starlette, network: Network) -> None:
    """A browser that is tricked into a write by a foreign page is refused."""
    async with client(app) as http:
        http.cookies.set("layer8-token", "token-ada")
        foreign = {"Origin": "http://evil.example"}
        answer = await http.post(PATH, json={"isbn": "9"}, headers=foreign)
        assert answer.status_code == 403
        own = {"Origin": "http://gateway"}
        assert (await http.post(PATH, json={"isbn": "9"}, headers=own)).status_code == 200
    assert len(network.calls) == 1


@pytest.mark.feature("AUT-06")
async def test_the_overviews_are_answered(app: Starlette) -> None:
    """Nodes, services, permissions and metrics."""
    async with client(app, "token-vera") as http:
        health = (await http.get("/api/health")).json()["list"]
        services = (await http.get("/api/services")).json()["list"]
        permissions = (await http.get("/api/permissions")).json()
        metrics = (await http.get("/metrics")).text
    assert [node["alias"] for node in health] == ["books", "switch"]
    assert services[0]["path"] == PATH
    assert permissions == {"*": [5]}
    assert metrics == "layer8_nodes 2\n"


@given(body=st.binary(max_size=300), query=st.text(max_size=80))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
async def test_no_input_makes_the_gateway_fail(app: Starlette, body: bytes, query: str) -> None:
    """Arbitrary bodies and queries are accepted or refused, never a fault."""
    async with client(app, "token-ada") as http:
        for method in ("GET", "POST", "DELETE"):
            params = {"body": query} if query else {}
            answer = await http.request(method, PATH, content=body, params=params)
            assert answer.status_code < 500
