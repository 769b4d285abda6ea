# SPDX-License-Identifier: Apache-2.0
"""The parts of one node, made when they are first used.

A part is an explicit instance, or what an entry point makes; the settings name the entry point.
Nothing here knows any implementation, so that each can be replaced without touching the others.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Generic, TypedDict, TypeVar, cast, overload

from l8types.constants import Plugin
from l8types.errors import ConfigurationError
from l8utils._clock import SystemClock
from l8utils._names import suggestion
from l8utils._plugins import PluginCatalog

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import Self

    from typing_extensions import Unpack

    from l8types.enums import SerializerMode
    from l8types.protocols.data import (
        CacheFactory,
        ElementsFactory,
        NotificationCodec,
        ObjectCodec,
        QueryFactory,
    )
    from l8types.protocols.models import (
        Cloner,
        Introspector,
        ModelNode,
        Registry,
        Serializer,
        Updater,
    )
    from l8types.protocols.runtime import Clock, MetricsSink
    from l8types.protocols.security import SecurityProvider
    from l8types.protocols.services import Services
    from l8types.settings import NodeSettings


class Parts(TypedDict, total=False):
    """Explicit instances, which beat whatever the settings name."""

    clock: Clock
    metrics: MetricsSink
    registry: Registry
    introspector: Introspector
    cloner: Cloner
    updater: Updater
    codec: ObjectCodec
    elements: ElementsFactory
    queries: QueryFactory
    caches: CacheFactory
    notifications: NotificationCodec
    security: SecurityProvider
    services: Services
    serializers: Mapping[SerializerMode, Serializer]


GROUPS: Final[Mapping[str, str]] = {
    "metrics": Plugin.METRICS,
    "registry": Plugin.REGISTRY,
    "introspector": Plugin.INTROSPECTOR,
    "cloner": Plugin.CLONER,
    "updater": Plugin.UPDATER,
    "codec": Plugin.CODEC,
    "elements": Plugin.ELEMENTS,
    "queries": Plugin.QUERY,
    "caches": Plugin.CACHE,
    "notifications": Plugin.NOTIFICATION,
    "security": Plugin.SECURITY,
    "services": Plugin.SERVICES,
}
"""Entry-point group of each part."""

T = TypeVar("T")


class _Part(Generic[T]):
    """An attribute that is made when it is first read, and is a plain one from then on.

    Every message reads several of them, so they are not looked up twice.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, node: None, owner: type) -> Self: ...
    @overload
    def __get__(self, node: NodeResources, owner: type) -> T: ...
    def __get__(self, node: NodeResources | None, owner: type) -> Self | T:
        if node is None:
            return self
        part = cast("T", node._part(self._name))  # noqa: SLF001 - a part of that class
        node.__dict__[self._name] = part
        return part


class NodeResources:
    """Resources of a node, each part created on first use.

    Which implementation is used: an explicit instance, else the one that ``settings.plugins`` names
    for the group, else the candidate called ``default``, else the only candidate. Anything else is
    a ``ConfigurationError``. The permissive security provider is used only when named.

    Creation is guarded by a lock, so parts may be asked for from any thread.

    Args:
        settings: Settings of the node.
        catalog: Where implementations are found; by default the installed entry points.
        **overrides: Explicit instances by the name of the part; ``serializers`` by mode.

    Example:
        >>> from l8types.settings import NodeSettings
        >>> from l8utils import NodeResources, SystemClock
        >>> resources = NodeResources(NodeSettings(alias="demo"), clock=SystemClock())
        >>> resources.registry.info("L8Health").name
        'L8Health'
    """

    def __init__(
        self,
        settings: NodeSettings,
        *,
        catalog: PluginCatalog | None = None,
        **overrides: Unpack[Parts],
    ) -> None:
        _check_names(overrides)
        self._settings = settings
        self._catalog = catalog or PluginCatalog()
        self._serializers = dict(overrides.pop("serializers", {}))
        self._parts: dict[str, object] = {"clock": SystemClock(), **overrides}
        self._creating: list[str] = []
        self._lock = threading.RLock()
        self._lender: NodeResources | None = None
        self._lent: frozenset[str] = frozenset()

    @property
    def settings(self) -> NodeSettings:
        """Settings of the node."""
        return self._settings

    clock = _Part["Clock"]()
    """Time; the clock of the operating system unless another was given."""
    metrics = _Part["MetricsSink"]()
    """Counters, gauges and histograms of the node."""
    registry = _Part["Registry"]()
    """Types by their short names."""
    introspector = _Part["Introspector"]()
    """Type trees, keys and properties of the models."""
    cloner = _Part["Cloner"]()
    """Independent copies."""
    updater = _Part["Updater"]()
    """Differences between items."""
    codec = _Part["ObjectCodec"]()
    """Values to bytes and back."""
    elements = _Part["ElementsFactory"]()
    """Request and response containers."""
    queries = _Part["QueryFactory"]()
    """Parser of queries."""
    caches = _Part["CacheFactory"]()
    """Maker of caches."""
    notifications = _Part["NotificationCodec"]()
    """Item changes to messages and back."""
    security = _Part["SecurityProvider"]()
    """The security provider; never a permissive one that the settings do not name."""
    services = _Part["Services"]()
    """The service manager."""

    def serializer(self, mode: SerializerMode) -> Serializer:
        """Serializer of a representation.

        All serializers share one group. One whose entry point is named like the mode (``json``) is
        taken without loading the others; a second one for a mode is chosen by naming it in
        ``settings.plugins["layer8.serializer.json"]``.

        Raises:
            ConfigurationError: None or several for this mode; the message lists the candidates.
        """
        with self._lock:
            serializer = self._serializers.get(mode)
            if serializer is None:
                lender = self._lender
                serializer = (
                    self._find_serializer(mode) if lender is None else lender.serializer(mode)
                )
                self._serializers[mode] = serializer
            return serializer

    def create(self, group: str, name: str = "") -> object:
        """Make an implementation of an entry-point group; a new one at each call.

        Args:
            group: One of ``Plugin``, or a group of the user's own.
            name: Entry-point name; by default what the settings say, else by the rules above.

        Raises:
            ConfigurationError: Unknown, ambiguous or failing; the message lists the candidates.
        """
        group = str(group)
        chosen = self._catalog.choose(group, name or self._settings.plugins.get(group, ""))
        with self._lock, self._guarding(f"{group}:{chosen}"):
            factory = self._catalog.factory(group, chosen)
            with self._catalog.blaming(group, chosen):
                return factory(self)

    def check_plugins(self) -> None:
        """See that all implementations that the settings name are there, without loading any.

        Otherwise a wrong name is only told when its part is first used, which may be never. Parts
        that were given as instances are not looked for, nor are groups of the user's own.

        Raises:
            ConfigurationError: One is not; the message lists the candidates of its group.
        """
        given = {str(GROUPS[part]) for part in self._parts if part in GROUPS}
        for named, name in self._settings.plugins.items():
            # Serializers are named by mode, below their group.
            group = ".".join(str(named).split(".")[:2])
            if group.startswith("layer8.") and name and group not in given:
                self._catalog.choose(group, name)

    def derive(
        self, *own: str, settings: NodeSettings | None = None, **overrides: Unpack[Parts]
    ) -> NodeResources:
        """Resources of another node in this process, which shares the parts of this one.

        A part that is not there yet is made by this node when either first needs it, so it does not
        matter who comes first. Replacing a part does not change what the shared ones refer to.

        Args:
            *own: Names of parts that the other makes for itself, such as ``"services"``.
            settings: Settings of the other, by default the same.
            **overrides: Explicit instances by the name of the part.

        Raises:
            TypeError: No part has such a name.
        """
        _check_names(own)
        overrides.setdefault("clock", self.clock)
        derived = NodeResources(settings or self._settings, catalog=self._catalog, **overrides)
        derived._lender = self
        derived._lent = frozenset(GROUPS.keys() - {*own, *overrides})
        return derived

    def register(self, *models: type) -> None:
        """Make models known to registry and introspector, with the models nested in them.

        A nested model travels on its own when it is what changed, so every node has to know it.

        Raises:
            ConflictError: Another class holds the short name of one of them.
            InvalidInputError: Not a supported kind of model.
        """
        for model in models:
            self._register_tree(self.introspector.inspect(model), set())

    def _register_tree(self, node: ModelNode, seen: set[type]) -> None:
        if node.model is None or node.model in seen:
            return
        seen.add(node.model)
        self.registry.register(node.model)
        for attribute in node.attributes.values():
            self._register_tree(attribute, seen)

    @property
    def data_directory(self) -> Path:
        """Directory for the node's files; exists, and is readable by its owner alone.

        Raises:
            ConfigurationError: It cannot be made.
        """
        directory = self._settings.data_directory
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"data directory {str(directory)!r} cannot be made, "
                f"set data_directory to one that can: {error.strerror}"
            ) from error
        return directory

    def _part(self, name: str) -> object:
        part = self._parts.get(name)
        if part is not None:
            return part
        if self._lender is not None and name in self._lent:
            return self._lender._part(name)  # noqa: SLF001 - one of the same class
        with self._lock:
            # Another thread may have made it while this one waited for the lock.
            part = self._parts.get(name)
            if part is None:
                part = self._parts[name] = self.create(GROUPS[name])
            return part

    @contextmanager
    def _guarding(self, step: str) -> Iterator[None]:
        """Refuse a part whose factory needs that very part before it is there."""
        if step in self._creating:
            path = " -> ".join([*self._creating[self._creating.index(step) :], step])
            raise ConfigurationError(
                f"implementations need each other to be made: {path}; "
                "a factory has to keep the resources and use their parts later"
            )
        self._creating.append(step)
        try:
            yield
        finally:
            self._creating.pop()

    def _find_serializer(self, mode: SerializerMode) -> Serializer:
        group = str(Plugin.SERIALIZER)
        by_mode = mode.name.lower()
        wanted = self._settings.plugins.get(f"{group}.{by_mode}", "")
        names = self._catalog.names(group)
        if wanted or by_mode in names:
            return self._serializer_of(mode, wanted or by_mode)
        found = {name: cast("Serializer", self.create(group, name)) for name in names}
        fitting = [name for name, serializer in found.items() if serializer.mode is mode]
        if len(fitting) == 1:
            return found[fitting[0]]
        amount = "several serializers" if fitting else "no serializer"
        raise ConfigurationError(
            f"{amount} for {by_mode}, install one or "
            f"name it in plugins[{group + '.' + by_mode!r}] of the settings "
            f"(candidates: {', '.join(fitting or names) or 'none'})"
        )

    def _serializer_of(self, mode: SerializerMode, name: str) -> Serializer:
        serializer = cast("Serializer", self.create(Plugin.SERIALIZER, name))
        if serializer.mode is not mode:
            raise ConfigurationError(
                f"serializer {name!r} is for {serializer.mode.name.lower()}, "
                f"not for {mode.name.lower()}"
            )
        return serializer


def _check_names(names: Iterable[str]) -> None:
    unknown = sorted(set(names) - Parts.__annotations__.keys())
    if unknown:
        hint = suggestion(unknown[0], Parts.__annotations__)
        raise TypeError(f"resources have no part {unknown[0]!r}{hint}")
