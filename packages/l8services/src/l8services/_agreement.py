# SPDX-License-Identifier: Apache-2.0
"""Checks an agreement against the network and declares its model to the parts of the node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l8types.constants import MAX_GO_SERVICE_NAME_BYTES
from l8types.enums import DecoratorType, WireProfile
from l8types.errors import ConfigurationError, InvalidInputError
from l8types.pb import L8NotificationSet, L8WebService

if TYPE_CHECKING:
    from l8types.protocols.runtime import Resources
    from l8types.sla import ServiceLevelAgreement

__all__ = ["declare", "validate"]


def validate(sla: ServiceLevelAgreement, resources: Resources) -> None:
    """Check what the agreement alone cannot know.

    Raises:
        InvalidInputError: The name does not fit the network's profile, or the agreement asks for
            what this service manager does not do there.
        ConfigurationError: It asks for what does not go together.
    """
    size = len(sla.name.encode())
    if resources.settings.profile is WireProfile.GO and size > MAX_GO_SERVICE_NAME_BYTES:
        raise InvalidInputError(
            f"service name {sla.name!r} has {size} bytes, "
            f"a network of the go profile takes at most {MAX_GO_SERVICE_NAME_BYTES}"
        )
    if sla.transactional and resources.settings.profile is WireProfile.GO:
        raise InvalidInputError(
            f"service {sla.key} is transactional, which a network of the go profile does not offer "
            "yet; use the native profile"
        )
    if sla.replication_count is not None:
        _validate_replication(sla)


def _validate_replication(sla: ServiceLevelAgreement) -> None:
    """No instance has all items, so that what needs all of them cannot be had."""
    unable = {
        "unique_keys": bool(sla.unique_keys),
        "store": sla.store is not None,
    }
    asked = [name for name, wanted in unable.items() if wanted]
    if asked:
        raise ConfigurationError(
            f"service {sla.key} has {sla.replication_count} replicas, which goes together with no "
            f"{' and no '.join(asked)} yet; leave that out, or say replication_count=None"
        )


def declare(sla: ServiceLevelAgreement, resources: Resources) -> str:
    """Register the model and declare its keys.

    Declarations of the model that the agreement does not mention stay as they are.

    Returns:
        The short name of the model, "" without one.

    Raises:
        PropertyError: A key names an attribute that the model does not have.
        ConflictError: Another model has the short name.
    """
    for message in (L8NotificationSet, L8WebService):
        resources.registry.register(message)
    if sla.model is None:
        return ""
    resources.register(sla.model)
    declarations = {
        DecoratorType.PRIMARY: sla.primary_keys,
        DecoratorType.UNIQUE: sla.unique_keys,
        DecoratorType.NON_UNIQUE: sla.non_unique_keys,
        DecoratorType.ALWAYS_FULL: sla.always_overwrite,
    }
    for decorator, fields in declarations.items():
        if fields:
            resources.introspector.decorate(sla.model, decorator, *fields)
    return resources.registry.info_of(sla.model).name
