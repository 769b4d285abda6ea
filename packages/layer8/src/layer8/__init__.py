# SPDX-License-Identifier: Apache-2.0
"""The composition root and the command line of Layer 8.

It puts the packages together, as configured, into running nodes. With the example
application it is the only package that knows all the others.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from layer8._config import DEFAULT_PLUGINS, load_settings
    from layer8._loop import run
    from layer8._node import Node
    from layer8._switch import make_switch
    from layer8._web import web_of

__all__ = ["DEFAULT_PLUGINS", "Node", "load_settings", "make_switch", "run", "web_of"]

_HOMES: Final = {
    "DEFAULT_PLUGINS": "layer8._config",
    "Node": "layer8._node",
    "load_settings": "layer8._config",
    "make_switch": "layer8._switch",
    "run": "layer8._loop",
    "web_of": "layer8._web",
}


def __getattr__(name: str) -> object:
    """Import what is asked for (PEP 562): the command line needs little of a node for its help."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value
