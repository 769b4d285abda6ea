# SPDX-License-Identifier: Apache-2.0
"""Naming rules that are part of the wire contract.

Attributes are identified by the name that the Go code generator gives to a protobuf field, in
property ids by its lower-case form. Every package that meets such a name computes it here.
"""

from __future__ import annotations

from functools import lru_cache

from l8types.constants import LIST_TYPE_SUFFIX

__all__ = ["go_name", "list_type_name", "service_key"]


@lru_cache(maxsize=16_384)
def go_name(name: str) -> str:
    """Go identifier of a protobuf name (the camel-case rule of ``protoc-gen-go``).

    Args:
        name: Field or message name as declared, e.g. ``rx_data_cont``.

    Returns:
        The exported Go name, e.g. ``RxDataCont``; ``k8s_version`` becomes ``K8SVersion``.
    """
    out: list[str] = []
    start_word = True
    for index, char in enumerate(name):
        if char == "_":
            if index == 0:
                out.append("X")
            elif not "a" <= name[index + 1 : index + 2] <= "z":
                out.append("_")
            start_word = True
        elif char.isdigit():
            out.append(char)
            start_word = True
        else:
            out.append(char.upper() if start_word else char)
            start_word = False
    return "".join(out)


def list_type_name(model: str) -> str:
    """Name of the message that lists instances of ``model``."""
    return model + LIST_TYPE_SUFFIX


def service_key(name: str, area: int) -> str:
    """Text key of a service in logs and tables, e.g. ``Books--0``."""
    return f"{name}--{area}"
