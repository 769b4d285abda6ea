# SPDX-License-Identifier: Apache-2.0
"""The composition root and the command line of Layer 8.

It puts the packages together, as configured, into running nodes. With the example
application it is the only package that knows all the others.
"""

from __future__ import annotations

from layer8._config import DEFAULT_PLUGINS, load_settings
from layer8._loop import run
from layer8._node import Node
from layer8._switch import make_switch
from layer8._web import web_of

__all__ = ["DEFAULT_PLUGINS", "Node", "load_settings", "make_switch", "run", "web_of"]
