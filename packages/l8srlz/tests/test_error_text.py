# SPDX-License-Identifier: Apache-2.0
"""Errors across the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l8srlz import ElementsFactory, ObjectCodec
from l8types import errors

from .fakes import registry

FACTORY = ElementsFactory(ObjectCodec(registry()))


def travelled(error: BaseException | str) -> errors.L8Error:
    """What is raised at the caller when this is raised at the receiver."""
    elements = FACTORY.decode(FACTORY.error(error).encode())
    with pytest.raises(errors.L8Error) as caught:
        elements.raise_for_error()
    return caught.value


@pytest.mark.feature("SRZ-27")
@pytest.mark.parametrize(
    "kind",
    [
        getattr(errors, name)
        for name in errors.__all__
        if isinstance(getattr(errors, name), type) and name != "L8Error"
    ],
)
def test_class_survives(kind: type[errors.L8Error]) -> None:
    """Every error of the tree is raised as its own class with its own message."""
    error = travelled(kind("the isbn: 1 is taken"))
    assert type(error) is kind
    assert error.message == "the isbn: 1 is taken"


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        ("boom", errors.RemoteError, "boom"),
        ("no such code: boom", errors.RemoteError, "no such code: boom"),
        ("conflict", errors.RemoteError, "conflict"),
        ("conflict: ", errors.RemoteError, "conflict: "),
        ("conflict: x", errors.ConflictError, "x"),
        (KeyError("x"), errors.RemoteError, "KeyError: 'x'"),
        (TimeoutError(), errors.RequestTimeoutError, "timed out"),
        (TimeoutError("after 3 s"), errors.RequestTimeoutError, "after 3 s"),
        (errors.L8Error("odd"), errors.RemoteError, "odd"),
        (errors.NotFoundError(), errors.NotFoundError, "not-found"),
    ],
)
def test_other_texts(error: BaseException | str, kind: type, message: str) -> None:
    """Texts of Go nodes, exceptions of Python, and odd forms."""
    found = travelled(error)
    assert type(found) is kind
    assert found.message == message


class PickyError(errors.L8Error):
    """An error of somebody else's whose constructor wants more."""

    code = "test-picky"

    def __init__(self, message: str, extra: int) -> None:
        super().__init__(message)
        self.extra = extra


def test_class_that_cannot_be_made() -> None:
    """A class that asks for more than the wire carries arrives as a remote error."""
    assert travelled(PickyError("x", 1)).message == "test-picky: x"


def test_no_error() -> None:
    """Without an error the container itself comes back, so that calls can be chained."""
    elements = FACTORY.of("a")
    assert elements.raise_for_error() is elements


def test_empty_text() -> None:
    """An empty text would be no error at the receiver."""
    with pytest.raises(errors.InvalidInputError, match="an error needs a text"):
        FACTORY.error("")


@given(st.text(min_size=1))
def test_any_text_raises(text: str) -> None:
    """Whatever a peer writes, it is an error of the tree that holds the text."""
    assert travelled(text).message in text
