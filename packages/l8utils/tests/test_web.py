# SPDX-License-Identifier: Apache-2.0
"""How a service shows on the web."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar, cast

import pytest

from l8types.enums import Action, SerializerMode
from l8types.errors import DecodeError, InvalidInputError, NotFoundError
from l8types.pb import L8Empty, L8Query, L8WebService
from l8types.protocols.web import WebEndpoint
from l8types.values import ServiceKey
from l8utils import TypeRegistry, WebServiceDefinition

from .fakes import Book

if TYPE_CHECKING:
    from l8types.protocols.models import Registry, Serializer

T = TypeVar("T")
KEY = ServiceKey("Books", 3)


class StrictJson:
    """JSON of dataclasses; refuses attributes that the model does not have."""

    mode = SerializerMode.JSON

    def marshal(self, value: object) -> bytes:
        return json.dumps(vars(value)).encode()

    def unmarshal(self, data: bytes, model: type[T]) -> T:
        try:
            return model(**json.loads(data))
        except (TypeError, ValueError) as error:
            raise DecodeError(str(error)) from error


def sample() -> WebServiceDefinition:
    """Two bodies for POST, one for GET."""
    return (
        WebServiceDefinition(KEY, port=12345)
        .with_endpoint(Action.POST, Book)
        .with_endpoint(Action.POST, L8Query, "Answer")
        .with_endpoint(Action.GET, None, "BookList")
    )


@pytest.mark.feature("WEB-01")
def test_endpoints_keep_their_order_and_nothing_is_the_empty_message() -> None:
    """The first body of an action is its primary one."""
    assert sample().endpoints_of(Action.POST) == (
        WebEndpoint(Action.POST, "Book", "L8Empty"),
        WebEndpoint(Action.POST, "L8Query", "Answer"),
    )
    assert sample().endpoints_of(Action.GET) == (WebEndpoint(Action.GET, "L8Empty", "BookList"),)
    assert sample().endpoints_of(Action.PUT) == ()


@pytest.mark.feature("WEB-01")
def test_the_announcement_says_all() -> None:
    """Name, area, port, bodies, answers, and which body is primary."""
    message = sample().to_wire()
    assert (message.service_name, message.service_area, message.vnet) == ("Books", 3, 12345)
    post = message.endpoints[Action.POST]
    assert dict(post.body2Response) == {"Book": "L8Empty", "L8Query": "Answer"}
    assert post.primaryBody == "Book"
    assert WebServiceDefinition.from_wire(message).endpoints == (
        *sample().endpoints_of(Action.POST),
        *sample().endpoints_of(Action.GET),
    )


@pytest.mark.feature("WEB-01")
def test_an_announcement_is_read_in_a_fixed_order() -> None:
    """The primary body first, the others by name; an empty name is the empty message."""
    message = L8WebService(service_name="Books")
    for name in ("d", "a", "c", "b", ""):
        message.endpoints[1].body2Response[name] = ""
    message.endpoints[1].primaryBody = "c"
    read = WebServiceDefinition.from_wire(message)
    assert [endpoint.request for endpoint in read.endpoints] == ["c", "L8Empty", "a", "b", "d"]
    assert {endpoint.response for endpoint in read.endpoints} == {"L8Empty"}


@pytest.mark.parametrize(
    "message",
    [
        L8WebService(),
        L8WebService(service_name="Books", service_area=256),
        L8WebService(service_name="Books", service_area=-1),
        L8WebService(service_name="Books", endpoints={99: {}}),  # type: ignore[dict-item]
    ],
)
def test_an_announcement_that_makes_no_sense_is_refused(message: L8WebService) -> None:
    """No name, no such area, no such action."""
    message.endpoints[99].body2Response["a"] = "b"
    with pytest.raises(DecodeError, match="makes no sense"):
        WebServiceDefinition.from_wire(message)


def test_one_body_twice_is_refused() -> None:
    """It could not be told which answer is meant."""
    with pytest.raises(InvalidInputError, match="Books--3 accepts 'Book' twice for POST"):
        sample().with_endpoint(Action.POST, Book)


class TestBodies:
    """Which endpoint a body is meant for."""

    def parse(self, body: str, action: Action = Action.POST) -> tuple[object, WebEndpoint]:
        """The instance and its endpoint."""
        web = (
            WebServiceDefinition(KEY)
            .with_endpoint(Action.POST, Book)
            .with_endpoint(Action.POST, L8Empty)
        )
        web = web.with_endpoint(Action.PUT, "Missing")
        registry = TypeRegistry()
        registry.register(Book)
        serializer = cast("Serializer", StrictJson())
        return web.parse(
            action, body.encode(), registry=cast("Registry", registry), serializer=serializer
        )

    @pytest.mark.feature("WEB-01")
    def test_the_first_type_that_fits_is_taken(self) -> None:
        """Strict reading tells them apart; the answer's type comes with it."""
        item, endpoint = self.parse('{"title": "Dune"}')
        assert item == Book(title="Dune")
        assert endpoint.response == "L8Empty"

    @pytest.mark.feature("WEB-01")
    def test_a_body_that_fits_none_tells_why_for_each(self) -> None:
        """Types that are not registered among them."""
        with pytest.raises(InvalidInputError, match=r"no Book: .*'colour'.*; no L8Empty: "):
            self.parse('{"colour": "red"}')
        with pytest.raises(InvalidInputError, match="no Missing: unknown type 'Missing'"):
            self.parse("{}", Action.PUT)

    def test_an_action_that_is_not_offered_is_told(self) -> None:
        """It is not the body's fault."""
        with pytest.raises(NotFoundError, match="Books--3 offers no DELETE"):
            self.parse("{}", Action.DELETE)
