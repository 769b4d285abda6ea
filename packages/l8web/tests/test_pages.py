# SPDX-License-Identifier: Apache-2.0
"""The pages: what a person sees, and that data cannot become markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .conftest import client

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from .fakes import Network


async def test_a_stranger_sees_the_login_and_nothing_else(app: Starlette) -> None:
    """No node, no service, no query box without a log-in."""
    async with client(app) as http:
        page = await http.get("/")
    assert 'name="pass"' in page.text
    assert "Books" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_a_person_logs_in_asks_and_leaves(app: Starlette) -> None:
    """The whole visit by forms alone."""
    async with client(app) as http:
        entered = await http.post("/login", data={"user": "ada", "pass": "right"})
        assert entered.status_code == 303
        page = await http.get("/", params={"query": "select * from Book"})
        assert "Dune" in page.text
        assert "2 items" in page.text
        assert "/api/0/Books" in page.text
        left = await http.post("/leave")
        assert left.status_code == 303
        assert 'name="pass"' in (await http.get("/")).text


async def test_a_wrong_password_is_told_on_the_page(app: Starlette) -> None:
    """The form comes back with the reason."""
    async with client(app) as http:
        page = await http.post("/login", data={"user": "ada", "pass": "wrong"})
    assert page.status_code == 401
    assert "wrong user or password" in page.text


async def test_data_is_shown_not_interpreted(app: Starlette) -> None:
    """Markup in an item or a query stays text."""
    async with client(app, "token-ada") as http:
        page = await http.get("/", params={"query": 'select * from Book where x="><script>'})
    assert "&lt;b&gt;Emma" in page.text
    assert "<b>Emma" not in page.text
    assert "<script>" not in page.text


async def test_a_malformed_query_is_told_beside_the_box(app: Starlette) -> None:
    """The page stays usable and keeps what was typed."""
    async with client(app, "token-ada") as http:
        page = await http.get("/", params={"query": "selec"})
        unknown = await http.get("/", params={"query": "select * from Nothing"})
    assert page.status_code == 400
    assert "expected &#39;select&#39;" in page.text
    assert 'value="selec"' in page.text
    assert unknown.status_code == 404
    assert "no service on the web holds Nothing" in unknown.text


async def test_long_values_are_cut(app: Starlette, network: Network) -> None:
    """One huge value does not break the table."""
    network.books["1"].title = "x" * 1000
    async with client(app, "token-ada") as http:
        page = await http.get("/", params={"query": "select * from Book"})
    assert "x" * 119 + "…" in page.text
    assert "x" * 121 not in page.text


async def test_the_style_is_served(app: Starlette) -> None:
    """The page's only other file."""
    async with client(app) as http:
        style = await http.get("/style.css")
    assert style.headers["content-type"].startswith("text/css")
