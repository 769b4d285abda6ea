# SPDX-License-Identifier: Apache-2.0
"""Frozen values: validation, identity, defaults."""

from __future__ import annotations

import copy
import pickle

import pytest

from l8types.constants import DESTINATION_LEADER, DESTINATION_SINGLE, UUID_LENGTH
from l8types.enums import TransactionState
from l8types.errors import InvalidInputError
from l8types.frozen import replace
from l8types.pb import L8MetaData
from l8types.values import (
    DELETED,
    Change,
    ChangeSet,
    Credential,
    Deleted,
    Message,
    Page,
    ServiceKey,
    Transaction,
)


@pytest.mark.feature("TYP-12")
def test_placeholder_destinations_are_as_long_as_an_id() -> None:
    """Placeholders fit the field of a node id exactly."""
    assert len(DESTINATION_SINGLE) == len(DESTINATION_LEADER) == UUID_LENGTH


@pytest.mark.feature("TYP-05")
def test_the_deleted_marker_is_one_object() -> None:
    """Copying and pickling keep the identity that comparisons rely on."""
    assert Deleted() is DELETED
    assert copy.deepcopy(DELETED) is DELETED
    assert pickle.loads(pickle.dumps(DELETED)) is DELETED  # noqa: S301 - our own bytes
    assert repr(DELETED) == "DELETED"


@pytest.mark.parametrize("area", [-1, 256])
def test_an_area_outside_one_byte_is_refused(area: int) -> None:
    """The message names the area, the service and the range."""
    with pytest.raises(InvalidInputError, match=rf"{area} of 'Books' is not in 0\.\.255"):
        ServiceKey("Books", area)


def test_a_service_needs_a_name() -> None:
    """An empty name is refused."""
    with pytest.raises(InvalidInputError, match="needs a name"):
        ServiceKey("")


def test_a_message_tells_its_service_and_whether_any_provider_will_do() -> None:
    """Addressing is readable from the message itself."""
    message = Message(destination=DESTINATION_SINGLE, service="Books", area=3)
    assert message.key == ServiceKey("Books", 3)
    assert message.to_any_provider
    assert not replace(message, destination="x" * 36).to_any_provider


@pytest.mark.parametrize("field", Message.__struct_fields__)
def test_a_message_is_one_value_for_all_who_hold_it(field: str) -> None:
    """W-26: whoever passes it on or answers it makes another one; this one stays as it is."""
    message = Message(service="Books", transaction=Transaction(TransactionState.CREATED, "t"))
    before = getattr(message, field)
    with pytest.raises(AttributeError):
        setattr(message, field, "changed")
    assert getattr(message, field) is before
    passed_on = replace(message, reply=True, failure="unavailable: gone")
    assert (message.reply, message.failure) == (False, "")
    assert passed_on.transaction is message.transaction
    assert message.transaction is not None
    with pytest.raises(AttributeError):
        message.transaction.state = TransactionState.FAILED  # type: ignore[misc]


def test_a_change_set_is_falsy_when_empty_and_iterates_its_changes() -> None:
    """Callers write ``if changes`` and ``for change in changes``."""
    change = Change("book<{24}1>.price", 1.0, 2.0)
    assert not ChangeSet("Book", "1")
    assert list(ChangeSet("Book", "1", (change,))) == [change]


def test_a_page_counts_its_items_unless_told_otherwise() -> None:
    """``total`` is the counter over all pages when there is one."""
    metadata = L8MetaData()
    metadata.key_count.counts["Total"] = 40
    assert Page([1, 2]).total == 2
    assert Page([1, 2], metadata).total == 40


def test_a_credential_never_shows_its_secret() -> None:
    """Logging a credential by accident does no harm."""
    assert "hunter2" not in repr(Credential(user="u", secret="hunter2"))
