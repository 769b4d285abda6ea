# SPDX-License-Identifier: Apache-2.0
"""Item changes as messages.

A set carries either the whole item in one entry without a property id (POST, DELETE, and PUT as Go
nodes send it), or one entry per changed property. In the ``native`` profile a PUT or PATCH carries
the changes. In the ``go`` profile it carries the whole item as a PUT: a Go node rebuilds a partial
item from changes, which loses cleared attributes, removed entries and growing lists, and resets
booleans, while a whole item simply replaces the old one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from l8types.constants import DELETED_TEXT
from l8types.enums import Container, Kind, NotificationType, WireProfile
from l8types.errors import DecodeError, EncodeError, InvalidInputError, NotFoundError
from l8types.pb import L8Notification, L8NotificationSet
from l8types.pb.notification_pb2 import L8NotificationType
from l8types.values import DELETED, Change, ChangeSet, ItemChange

if TYPE_CHECKING:
    from l8types.protocols.runtime import Resources

SEQUENCE_LIMIT: Final = 1 << 32
"""Sequence numbers travel in 32 bits and wrap around to 0 there."""

_BY_CHANGES: Final = frozenset({NotificationType.PUT, NotificationType.PATCH})
_TYPES: Final[dict[int, NotificationType]] = {int(kind): kind for kind in NotificationType}
_EXACT_KINDS: Final = (int, float)


class ObjectNotificationCodec:
    """Codec of notification sets whose values are single objects of the object codec.

    Args:
        resources: Codec, registry, introspector and settings are taken from here when needed.
    """

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def encode(self, change: ItemChange, *, service: str, area: int) -> L8NotificationSet:
        """Message of a change.

        Args:
            change: The change; its source defaults to this node.
            service: Name of the service whose instances are to be told.
            area: Its area.

        Raises:
            EncodeError: A value cannot be represented, or the change lacks what its type carries.
        """
        message = L8NotificationSet(
            source=change.source or self._resources.settings.uuid,
            sequence=change.sequence % SEQUENCE_LIMIT,
            service_name=service,
            service_area=area,
            model_type=change.model,
            model_key=change.key,
            type=L8NotificationType.ValueType(change.type),
        )
        if change.type not in _BY_CHANGES:
            self._add_item(message, change)
        elif self._whole_item(change):
            message.type = L8NotificationType.Put
            self._add_item(message, change)
        else:
            self._add_changes(message, change)
        return message

    def decode(self, message: L8NotificationSet) -> ItemChange:
        """Change of a message.

        A PUT or PATCH that carries a whole item is told as a POST, whose meaning is the same: this
        is the item now.

        Raises:
            DecodeError: A value cannot be decoded, the type is unknown, or parts are missing.
        """
        kind = _notification_type(message)
        model = self._model(message.model_type)
        entries = message.notification_list
        if kind is NotificationType.DELETE:
            item = self._item(entries[0].oldValue, model) if entries else None
            return _change(message, kind, item=item)
        if kind is NotificationType.POST or (entries and not entries[0].property_id):
            data = entries[0].newValue if entries else b""
            return _change(message, NotificationType.POST, item=self._item(data, model))
        if not message.model_key:
            raise DecodeError(f"notification about a {message.model_type} names no key")
        changes = tuple(self._decode_change(entry) for entry in entries)
        return _change(message, kind, changes=changes)

    def _whole_item(self, change: ItemChange) -> bool:
        if change.changes is None:
            return True
        return self._resources.settings.profile is WireProfile.GO and change.item is not None

    def _add_item(self, message: L8NotificationSet, change: ItemChange) -> None:
        gone = change.type is NotificationType.DELETE
        if change.item is None:
            if gone:
                return
            raise EncodeError(f"{change.type.name} of {change.model} {change.key!r} has no item")
        data = self._resources.codec.encode(change.item)
        entry = L8Notification(oldValue=data) if gone else L8Notification(newValue=data)
        message.notification_list.append(entry)

    def _add_changes(self, message: L8NotificationSet, change: ItemChange) -> None:
        for part in change.changes or ():
            message.notification_list.add(
                property_id=part.property_id,
                oldValue=self._encode_value(part.property_id, part.old),
                newValue=self._encode_new(part),
            )

    def _encode_new(self, change: Change) -> bytes:
        if change.new is DELETED:
            return self._resources.codec.encode(DELETED_TEXT)
        if change.new == DELETED_TEXT and _names_entry(change.property_id):
            raise EncodeError(
                f"{change.property_id} is the text {DELETED_TEXT!r}, "
                "which stands for a removed entry on the wire; use another text"
            )
        return self._encode_value(change.property_id, change.new)

    def _encode_value(self, property_id: str, value: object) -> bytes:
        if value is None or value is DELETED:
            return b""
        return self._resources.codec.encode(value, kind=self._kind(property_id, value))

    def _kind(self, property_id: str, value: object) -> Kind | None:
        """Exact kind of a number, whose Python type does not tell its width."""
        if isinstance(value, bool) or not isinstance(value, _EXACT_KINDS):
            return None
        try:
            return self._resources.introspector.property(property_id).node.kind
        except InvalidInputError as error:
            raise EncodeError(f"change of unknown property {property_id!r}: {error}") from error

    def _decode_change(self, entry: L8Notification) -> Change:
        if not entry.property_id:
            raise DecodeError("notification entry among changes names no property")
        new = self._decode_part(entry.property_id, entry.newValue)
        if new == DELETED_TEXT and _names_entry(entry.property_id):
            new = DELETED
        return Change(entry.property_id, self._decode_part(entry.property_id, entry.oldValue), new)

    def _decode_part(self, property_id: str, data: bytes) -> object:
        """Value of one property. Nothing has no bytes, so bytes of nothing are something empty."""
        value = self._decode_value(data)
        return self._empty(property_id) if value is None and data else value

    def _empty(self, property_id: str) -> object:
        """The empty list, map or byte string of a property: values do not tell them from none."""
        try:
            node = self._resources.introspector.property(property_id).node
        except InvalidInputError:
            # Whoever applies the change will say what is wrong with the property.
            return None
        if not _names_entry(property_id) and node.container is not Container.SINGLE:
            return [] if node.container is Container.LIST else {}
        return b"" if node.kind is Kind.UINT8 else None

    def _decode_value(self, data: bytes) -> object:
        return self._resources.codec.decode(data) if data else None

    def _model(self, name: str) -> type:
        try:
            return self._resources.registry.info(name).model
        except NotFoundError as error:
            raise DecodeError(f"notification about an unknown type: {error}") from error

    def _item(self, data: bytes, model: type) -> object:
        item = self._decode_value(data)
        if not isinstance(item, model):
            raise DecodeError(
                f"notification about a {model.__name__} carries a {type(item).__name__}"
            )
        return item


def _names_entry(property_id: str) -> bool:
    """Whether the id ends at an entry of a list or map; only such a one can be removed."""
    return property_id.endswith(">")


def _notification_type(message: L8NotificationSet) -> NotificationType:
    kind = _TYPES.get(message.type)
    if kind is None:
        raise DecodeError(f"notification of unknown type {message.type}")
    if kind is NotificationType.INVALID:
        raise DecodeError("notification without a type")
    return kind


def _change(
    message: L8NotificationSet,
    kind: NotificationType,
    *,
    item: object | None = None,
    changes: tuple[Change, ...] | None = None,
) -> ItemChange:
    model, key = message.model_type, message.model_key
    parts = None if changes is None else ChangeSet(model, key, changes)
    return ItemChange(kind, model, key, item, parts, message.source, message.sequence)


def create_notification_codec(resources: Resources) -> ObjectNotificationCodec:
    """Entry point ``layer8.notification``."""
    return ObjectNotificationCodec(resources)
