# SPDX-License-Identifier: Apache-2.0
"""Fixtures of this package's tests."""

import pytest

from l8types.enums import DecoratorType
from l8types.pb import L8Health, L8ReplicationIndex
from l8types.pb import TestProto as Sample
from reflect import Introspector, Updater

from .models import Device, DeviceMessage, DeviceStruct, FlatStruct


@pytest.fixture
def introspector() -> Introspector:
    """An introspector that knows the keys of the test models."""
    made = Introspector()
    made.decorate(Sample, DecoratorType.PRIMARY, "MyString")
    made.decorate(L8Health, DecoratorType.PRIMARY, "AUuid")
    made.decorate(L8ReplicationIndex, DecoratorType.PRIMARY, "ServiceName", "ServiceArea")
    for model in (Device, DeviceStruct, DeviceMessage):
        made.decorate(model, DecoratorType.PRIMARY, "device_id")
    made.decorate(FlatStruct, DecoratorType.PRIMARY, "flatId")
    return made


@pytest.fixture
def updater(introspector: Introspector) -> Updater:
    """An updater on that introspector."""
    return Updater(introspector)
