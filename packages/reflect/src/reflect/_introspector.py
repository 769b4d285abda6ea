# SPDX-License-Identifier: Apache-2.0
"""The introspector: what is known about models, behind one object."""

from __future__ import annotations

from functools import lru_cache
from threading import RLock
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from l8types.enums import DecoratorType
from l8types.errors import InvalidInputError, NotFoundError, PropertyError
from reflect._adapters import reachable, shape_of
from reflect._keys import KeyPlan, make_key_plan
from reflect._locate import Locator, Resolved, below, fields_of
from reflect._node import Node, root_node
from reflect._paths import split_id
from reflect._property import PathProperty, RootKey, Surroundings
from reflect._suggest import hint
from reflect._table import table_view
from reflect._texts import TextForms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from l8types.pb import L8TableView
    from l8types.protocols.models import Serializer
    from reflect._shapes import Field, Shape

__all__ = ["Introspector"]

_CACHED_IDS: Final = 65_536
_NO_DECORATORS: Final[Mapping[DecoratorType, tuple[str, ...]]] = MappingProxyType({})


class Introspector:
    """Type trees, decorators, keys and properties of models.

    Models are read once, on the first call that needs them. Look-ups may come from any thread;
    inspecting, decorating and forgetting are serialized.

    Args:
        series_limit: How many samples a time series keeps when single ones are added to it.
        texts: Gives the serializer of the mode STRING, by which a text is stored where a model
            belongs; asked at the first such text. By default texts are no models.
    """

    def __init__(
        self, *, series_limit: int = 100, texts: Callable[[], Serializer] | None = None
    ) -> None:
        self._surroundings = Surroundings(self.property, TextForms(texts), series_limit)
        self._lock = RLock()
        self._roots: dict[type, Node] = {}
        self._by_name: dict[str, Node] = {}
        self._decorators: dict[type, Mapping[DecoratorType, tuple[str, ...]]] = {}
        self._primary: dict[type, KeyPlan] = {}
        self._unique: dict[type, KeyPlan] = {}
        self._property = lru_cache(_CACHED_IDS)(self._parse)
        self._path = lru_cache(_CACHED_IDS)(self._resolve)
        self._locator = Locator()

    # ------------------------------------------------------------------------------ type trees

    def inspect(self, model: type | object) -> Node:
        """Root node of a model class or instance; builds it on the first call.

        Raises:
            InvalidInputError: Not a supported kind of model, or another model has its name; names
                the attribute at fault.
        """
        cls = model if isinstance(model, type) else type(model)
        node = self._roots.get(cls)
        return self._add(cls) if node is None else node

    def _add(self, model: type) -> Node:
        shape = shape_of(model)
        # Faults of nested models show here, before anything is kept.
        list(reachable(shape))
        with self._lock:
            node = self._roots.get(model)
            if node is not None:
                return node
            self._check_name(shape)
            node = root_node(shape, self._decorators_of)
            self._publish({**self._roots, model: node})
            return node

    def _publish(self, roots: dict[type, Node]) -> None:
        """Replace the tables at once, so that readers need no lock."""
        names = {node.path: node for node in roots.values()}
        for model in roots:
            for shape in reachable(shape_of(model)):
                if shape.name.lower() not in names:
                    names[shape.name.lower()] = root_node(shape, self._decorators_of)
        self._by_name = names
        self._roots = roots
        self._clear_caches()

    def _check_name(self, shape: Shape) -> None:
        for other in self._roots:
            known = shape_of(other)
            if known.name.lower() == shape.name.lower():
                raise InvalidInputError(
                    f"{other.__module__}.{other.__qualname__} already has the name {known.name!r}; "
                    "rename one of the models, or forget the other first"
                )

    def _clear_caches(self) -> None:
        self._property.cache_clear()
        self._path.cache_clear()

    def node(self, path: str) -> Node:
        """Node of a known type name or dotted path, case-insensitive.

        Models inside inspected ones are known too.

        Raises:
            NotFoundError: Unknown; the message suggests the nearest name.
        """
        first, *rest = path.split(".")
        node = self._by_name.get(first.lower())
        if node is None:
            names = (known.type_name for known in self._by_name.values())
            raise NotFoundError(f"unknown type {first!r}; {hint(first, names)}")
        for name in rest:
            try:
                node = below(node, name)
            except PropertyError as error:
                raise NotFoundError(error.message) from error
        return node

    def roots(self) -> tuple[Node, ...]:
        """Root nodes of all inspected models, in order of inspection."""
        return tuple(self._roots.values())

    def table_view(self, type_name: str) -> L8TableView:
        """Columns and sub-tables of a model for tabular display.

        Raises:
            NotFoundError: The type was not inspected.
        """
        return table_view(self.node(type_name))

    def forget(self, type_name: str) -> None:
        """Drop a model, its nodes and its decorators; nothing happens when it is unknown."""
        with self._lock:
            node = self._by_name.get(type_name.lower())
            if node is None or node.model not in self._roots:
                return
            left = {model: root for model, root in self._roots.items() if root is not node}
            known = {shape.model for model in left for shape in reachable(shape_of(model))}
            for table in (self._decorators, self._primary, self._unique):
                for model in [model for model in table if model not in known]:
                    del table[model]
            self._publish(left)

    # ------------------------------------------------------------------------------ decorators

    def _decorators_of(self, model: type) -> Mapping[DecoratorType, tuple[str, ...]]:
        return self._decorators.get(model, _NO_DECORATORS)

    def decorate(self, model: type, decorator: DecoratorType, *fields: str) -> None:
        """Declare a decorator; a second call replaces the first.

        Args:
            model: The model class; inspected on demand.
            decorator: What is declared.
            *fields: Attribute names, as declared, Go-style or JSON-style, case-insensitive. Those
                of ``ALWAYS_FULL`` may be dotted paths.

        Raises:
            PropertyError: An attribute does not exist, or cannot be part of a key; the message
                suggests the nearest.
        """
        root = self.inspect(model)
        paths = [fields_of(root, name) for name in fields]
        if decorator is not DecoratorType.ALWAYS_FULL:
            for name, path in zip(fields, paths, strict=True):
                if len(path) > 1:
                    raise PropertyError(
                        f"{name!r} is a path; name an attribute of {root.type_name}"
                    )
        names = tuple(".".join(field.name for field in path) for path in paths)
        with self._lock:
            self._set_key(shape_of(model), decorator, tuple(path[0] for path in paths))
            current = {**self._decorators_of(model), decorator: names}
            self._decorators[model] = MappingProxyType(current)
            self._clear_caches()

    def _set_key(self, shape: Shape, decorator: DecoratorType, fields: tuple[Field, ...]) -> None:
        plans = {DecoratorType.PRIMARY: self._primary, DecoratorType.UNIQUE: self._unique}
        table = plans.get(decorator)
        if table is None:
            return
        if fields:
            table[shape.model] = make_key_plan(shape, fields)
        else:
            table.pop(shape.model, None)

    def fields(self, model: type, decorator: DecoratorType) -> tuple[str, ...] | None:
        """Go-style names of the decorated attributes, ``None`` when not declared."""
        decorators = self._decorators.get(model)
        return None if decorators is None else decorators.get(decorator)

    # ------------------------------------------------------------------------------------ keys

    def primary_key(self, item: object) -> str:
        """Plain text of the primary key, as used by caches, stores and notifications.

        Raises:
            PropertyError: No primary key is declared for the model, or it is empty.
        """
        plan = self._primary.get(type(item))
        text = "" if plan is None else plan.text(item)
        if not text:
            raise self._no_key(type(item), declared=plan is not None)
        return text

    @staticmethod
    def _no_key(model: type, *, declared: bool) -> PropertyError:
        if declared:
            return PropertyError(f"an item of {model.__name__} has an empty primary key; set it")
        return PropertyError(
            f"no primary key is declared for {model.__name__}; decorate the model with PRIMARY"
        )

    def unique_key(self, item: object) -> str | None:
        """Plain text of the unique key, ``None`` when not declared or empty."""
        plan = self._unique.get(type(item))
        return None if plan is None else plan.text(item) or None

    # ------------------------------------------------------------------------------ properties

    def property(self, property_id: str) -> PathProperty:
        """Parse a property id such as ``book<{24}{24}1>.price``; results are cached.

        Keys may also be untyped (``book<1>.price``).

        Raises:
            PropertyError: Malformed, or an unknown type or attribute.
        """
        return self._property(property_id)

    def property_for(self, item: object, path: str) -> PathProperty:
        """Property of the attribute ``path`` (dotted, keys in ``<>``) of a given item.

        Args:
            item: An instance with a key.
            path: Such as ``interfaces<3>.name``; empty for the item as a whole.

        Raises:
            PropertyError: As above, or the item has no key.
        """
        root = self.inspect(item)
        self.primary_key(item)
        plan = self._primary[type(item)]
        root_key = RootKey(plan, plan.values(item))
        return self._assemble(self._path(root, path), root_key)

    def _parse(self, property_id: str) -> PathProperty:
        return self._parse_known(property_id) or self._parse_any(property_id)

    def _parse_known(self, property_id: str) -> PathProperty | None:
        """The property of an id with a root key, whose path below was met before or is good."""
        name, _, keyed = property_id.partition("<")
        key, _, path = keyed.partition(">.")
        root = self._by_name.get(name.lower())
        if root is None or root.model is None or not path:
            return None
        try:
            resolved = self._path(root, path)
        except PropertyError:
            # The long way knows where in the whole id the fault is.
            return None
        return self._assemble(resolved, self._root_key(root, key))

    def _parse_any(self, property_id: str) -> PathProperty:
        first, *_ = parts = split_id(property_id)
        root = self._by_name.get(first.name.lower())
        if root is None or root.model is None:
            names = (known.type_name.lower() for known in self._by_name.values())
            raise PropertyError(
                f"unknown type {first.name!r} in {property_id!r}; {hint(first.name, names)}"
            )
        root_key = None if first.key is None else self._root_key(root, first.key)
        return self._assemble(self._locator.resolve(root, parts[1:]), root_key)

    def _root_key(self, root: Node, text: str) -> RootKey:
        plan = None if root.model is None else self._primary.get(root.model)
        if plan is None:
            raise PropertyError(
                f"an id of {root.type_name} has the key {text!r}, but no primary key is declared"
            )
        return RootKey(plan, plan.parse(text))

    def _resolve(self, root: Node, path: str) -> Resolved:
        return self._locator.resolve(root, split_id(path) if path else [])

    def _assemble(self, path: Resolved, root_key: RootKey | None) -> PathProperty:
        root = path.route.shape.name.lower()
        if root_key is not None:
            root = root_key.plan.root_id(root_key.values)
        return PathProperty(
            root + path.text,
            path.route,
            path.keys,
            path.node,
            root_key,
            self._surroundings,
        )
