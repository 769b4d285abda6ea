# SPDX-License-Identifier: Apache-2.0
"""The parts of a node: which implementation is chosen, when it is made, and what goes wrong."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, cast

import pytest

from l8types.constants import Plugin
from l8types.enums import SerializerMode
from l8types.errors import ConfigurationError
from l8types.settings import NodeSettings
from l8utils import (
    MemoryCacheFactory,
    NodeResources,
    ObjectNotificationCodec,
    PluginCatalog,
    PrometheusMetrics,
    SystemClock,
    TypeRegistry,
)
from l8utils.testing import ShallowSecurity, create_shallow_security

from .fakes import Book, FakeIntrospector, FakeNode, resources_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from l8types.protocols.models import Registry, Serializer
    from l8types.protocols.runtime import Clock, PluginFactory, Resources

GROUP = "layer8.sample"


class FakeSerializer:
    """A serializer of which only the mode is asked for."""

    def __init__(self, mode: SerializerMode) -> None:
        self.mode = mode


def maker(value: object) -> PluginFactory:
    """A factory of one value."""
    return lambda _: value


def resources(
    candidates: dict[str, PluginFactory] | None = None,
    group: str = GROUP,
    plugins: dict[str, str] | None = None,
) -> NodeResources:
    """Resources with candidates for one group."""
    catalog = PluginCatalog({group: candidates or {}}, installed=False)
    return NodeResources(NodeSettings(plugins=plugins or {}), catalog=catalog)


class TestChoice:
    """Which candidate it is."""

    def test_the_only_candidate_is_taken(self) -> None:
        """Nothing has to be configured then."""
        assert resources({"a": maker(1)}).create(GROUP) == 1

    def test_the_settings_choose(self) -> None:
        """Over the one called default."""
        some = {"a": maker(1), "default": maker(2)}
        assert resources(some, plugins={GROUP: "a"}).create(GROUP) == 1

    def test_the_caller_chooses_over_the_settings(self) -> None:
        """A name given in the call is the strongest."""
        some = {"a": maker(1), "b": maker(2)}
        assert resources(some, plugins={GROUP: "a"}).create(GROUP, "b") == 2

    def test_the_default_wins_among_several(self) -> None:
        """So a second installed implementation changes nothing by itself."""
        assert resources({"a": maker(1), "default": maker(2)}).create(GROUP) == 2

    def test_several_without_default_are_ambiguous(self) -> None:
        """The message lists them and tells where to choose."""
        with pytest.raises(
            ConfigurationError,
            match=r"several .* plugins\['layer8.sample'\] .*\(candidates: a, b\)",
        ):
            resources({"b": maker(1), "a": maker(2)}).create(GROUP)

    def test_an_unknown_name_lists_the_candidates(self) -> None:
        """And suggests the nearest."""
        with pytest.raises(ConfigurationError, match=r"'fats', did you mean 'fast'\?.*: fast"):
            resources({"fast": maker(1), "slow": maker(2)}).create(GROUP, "fats")

    @pytest.mark.parametrize("group", [GROUP, f"{GROUP}.json"])
    def test_names_are_checked_without_loading_anything(self, group: str) -> None:
        """A wrong one is told at once, and not when its part is first used."""
        made: list[object] = []
        some: dict[str, PluginFactory] = {"fast": made.append}
        with pytest.raises(ConfigurationError, match=r"'fats', did you mean 'fast'\?.*: fast"):
            resources(some, plugins={group: "fats"}).check_plugins()
        resources(
            some, plugins={group: "fast", "acme.shelf": "oak", Plugin.WEB: ""}
        ).check_plugins()
        assert made == []

    def test_what_is_given_is_not_looked_for(self) -> None:
        """An explicit instance beats the settings, also wrong ones."""
        catalog = PluginCatalog(installed=False)
        settings = NodeSettings(plugins={Plugin.REGISTRY: "missing"})
        NodeResources(settings, catalog=catalog, registry=TypeRegistry()).check_plugins()
        with pytest.raises(ConfigurationError, match="'missing'"):
            NodeResources(settings, catalog=catalog).check_plugins()

    def test_nothing_installed_says_so(self) -> None:
        """With the group to look for."""
        with pytest.raises(ConfigurationError, match=r"no implementation of 'layer8.*: none"):
            resources().create(GROUP)

    def test_candidates_in_code_stand_beside_the_installed(self) -> None:
        """And hide those of the same name."""
        own = TypeRegistry()
        catalog = PluginCatalog({Plugin.REGISTRY: {"default": maker(own), "mine": maker(own)}})
        assert {"default", "mine"} <= set(catalog.names(Plugin.REGISTRY))
        assert NodeResources(NodeSettings(), catalog=catalog).registry is own
        assert PluginCatalog().names(Plugin.REGISTRY).count("default") == 1


class TestSecurity:
    """The permissive provider never comes by itself."""

    @pytest.mark.feature("RES-02")
    def test_shallow_security_has_to_be_named(self) -> None:
        """Although it is the only one installed."""
        shallow: dict[str, PluginFactory] = {"shallow": create_shallow_security}
        with pytest.raises(ConfigurationError, match=r"no implementation .*: shallow\)"):
            _ = resources(shallow, Plugin.SECURITY).security
        named = resources(shallow, Plugin.SECURITY, {Plugin.SECURITY: "shallow"})
        assert isinstance(named.security, ShallowSecurity)
        assert "shallow" in PluginCatalog().names(Plugin.SECURITY)

    def test_a_real_provider_is_taken_beside_the_shallow_one(self) -> None:
        """It is the only one that counts."""
        real = object()
        both: dict[str, PluginFactory] = {"real": maker(real), "shallow": create_shallow_security}
        assert resources(both, Plugin.SECURITY).security is real

    def test_a_failing_provider_is_not_replaced(self) -> None:
        """A node without its security does not start."""

        def fail(_: Resources) -> object:
            raise OSError("no key")

        with pytest.raises(ConfigurationError, match="'real' failed with OSError"):
            _ = resources({"real": fail}, Plugin.SECURITY).security


class TestCreation:
    """When parts are made, and how making can fail."""

    def test_the_installed_parts_are_found(self) -> None:
        """Entry points lead to the implementations of this package."""
        parts = NodeResources(NodeSettings())
        assert isinstance(parts.registry, TypeRegistry)
        assert isinstance(parts.caches, MemoryCacheFactory)
        assert isinstance(parts.notifications, ObjectNotificationCodec)
        assert isinstance(parts.metrics, PrometheusMetrics)
        assert isinstance(parts.clock, SystemClock)

    @pytest.mark.parametrize(
        ("part", "group"),
        [
            ("introspector", Plugin.INTROSPECTOR),
            ("cloner", Plugin.CLONER),
            ("updater", Plugin.UPDATER),
            ("codec", Plugin.CODEC),
            ("elements", Plugin.ELEMENTS),
            ("queries", Plugin.QUERY),
            ("services", Plugin.SERVICES),
        ],
    )
    @pytest.mark.feature("SHR-01")
    def test_each_part_has_its_group(self, part: str, group: Plugin) -> None:
        """What the group's candidate makes is the part, made once."""
        made: list[object] = []

        def make(_: Resources) -> object:
            made.append(object())
            return made[-1]

        parts = resources({"default": make}, group)
        assert not made
        assert getattr(parts, part) is getattr(parts, part) is made[0]
        assert len(made) == 1

    def test_create_makes_a_new_one_each_time(self) -> None:
        """Unlike the parts."""
        parts = resources({"a": lambda _: object()})
        assert parts.create(GROUP) is not parts.create(GROUP)

    def test_an_explicit_instance_beats_the_settings(self) -> None:
        """Nothing is loaded then."""
        own, clock = TypeRegistry(), SystemClock()
        parts = NodeResources(
            NodeSettings(plugins={Plugin.REGISTRY: "missing"}),
            registry=cast("Registry", own),
            clock=cast("Clock", clock),
        )
        assert parts.registry is own
        assert parts.clock is clock

    def test_an_unknown_part_is_a_mistake_in_the_call(self) -> None:
        """It would be ignored silently otherwise."""
        with pytest.raises(TypeError, match="no part 'registri', did you mean 'registry'"):
            NodeResources(NodeSettings(), registri=1)  # type: ignore[call-arg]

    def test_parts_may_need_each_other_in_a_line(self) -> None:
        """A factory may use other parts at once."""
        catalog = PluginCatalog(
            {
                Plugin.CODEC: {"a": lambda parts: ("codec", parts.registry)},
                Plugin.ELEMENTS: {"a": lambda parts: ("elements", parts.codec)},
                Plugin.REGISTRY: {"a": maker("registry")},
            },
            installed=False,
        )
        parts = NodeResources(NodeSettings(), catalog=catalog)
        made: object = parts.elements
        assert made == ("elements", ("codec", "registry"))

    def test_parts_that_need_each_other_in_a_circle_are_an_error(self) -> None:
        """The message shows the way round; later attempts are as clear as the first."""
        catalog = PluginCatalog(
            {
                Plugin.CODEC: {"a": lambda parts: parts.elements},
                Plugin.ELEMENTS: {"b": lambda parts: parts.codec},
            },
            installed=False,
        )
        parts = NodeResources(NodeSettings(), catalog=catalog)
        circle = "layer8.codec:a -> layer8.elements:b -> layer8.codec:a"
        for _ in range(2):
            with pytest.raises(ConfigurationError, match=circle):
                _ = parts.codec

    def test_a_failing_factory_keeps_its_cause(self) -> None:
        """The chained exception has the traceback."""
        with pytest.raises(ConfigurationError, match="'a' failed with ZeroDivisionError") as caught:
            resources({"a": lambda _: 1 // 0}).create(GROUP)
        assert isinstance(caught.value.__cause__, ZeroDivisionError)

    def test_an_entry_point_that_does_not_import_is_told(
        self, broken: Callable[[str], None]
    ) -> None:
        """With the module that is missing."""
        broken("no_such_module:make")
        with pytest.raises(ConfigurationError, match=r"'bad' failed .*no_such_module.*: bad\)"):
            NodeResources(NodeSettings()).create("layer8.broken")

    def test_an_entry_point_that_is_no_factory_is_told(self, broken: Callable[[str], None]) -> None:
        """With what it has to be."""
        broken("math:pi")
        with pytest.raises(ConfigurationError, match=r"'bad' \(math:pi\) is no factory"):
            NodeResources(NodeSettings()).create("layer8.broken")

    def test_threads_get_the_same_part(self) -> None:
        """The second waits for the first instead of making another."""
        entered, go_on = threading.Event(), threading.Event()

        def slow(_: Resources) -> object:
            entered.set()
            assert go_on.wait(10)
            return object()

        parts = resources({"a": slow}, Plugin.CODEC)
        got: list[object] = []
        threads = [threading.Thread(target=lambda: got.append(parts.codec)) for _ in range(2)]
        threads[0].start()
        assert entered.wait(10)
        threads[1].start()
        go_on.set()
        for thread in threads:
            thread.join(10)
        assert len(got) == 2
        assert got[0] is got[1]


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Installs a distribution whose entry point leads to the given place."""

    def install(value: str) -> None:
        info = tmp_path / "broken-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[layer8.broken]\nbad = {value}\n")
        monkeypatch.syspath_prepend(str(tmp_path))

    return install


class TestDerive:
    """Resources of a second node in the same process."""

    @pytest.mark.feature("RES-01")
    def test_parts_are_shared_whoever_needs_them_first(self) -> None:
        """Also those that were not there yet, and the serializers and the clock."""
        catalog = PluginCatalog(
            {
                Plugin.REGISTRY: {"default": lambda _: TypeRegistry()},
                Plugin.METRICS: {"default": lambda _: PrometheusMetrics()},
                Plugin.SERIALIZER: {"json": lambda _: FakeSerializer(SerializerMode.JSON)},
            },
            installed=False,
        )
        first = NodeResources(NodeSettings(), catalog=catalog)
        second = first.derive(settings=NodeSettings(alias="second"))
        assert second.registry is first.registry
        assert first.metrics is second.metrics
        assert first.serializer(SerializerMode.JSON) is second.serializer(SerializerMode.JSON)
        assert first.clock is second.clock
        assert (first.settings.alias, second.settings.alias) == ("node", "second")

    @pytest.mark.feature("RES-01")
    def test_own_and_given_parts_are_not_shared(self) -> None:
        """A part of its own is made with its own resources."""
        catalog = PluginCatalog(
            {Plugin.SERVICES: {"default": lambda made_for: [made_for]}}, installed=False
        )
        first = NodeResources(NodeSettings(), catalog=catalog)
        registry = cast("Registry", TypeRegistry())
        second = first.derive("services", registry=registry)
        assert cast("object", second.services) == [second]
        assert cast("object", first.services) == [first]
        assert second.registry is registry

    def test_an_unknown_name_is_a_mistake_in_the_call(self) -> None:
        """The nearest name is told."""
        with pytest.raises(TypeError, match="no part 'service', did you mean 'services'"):
            resources().derive("service")


class TestSerializers:
    """One group for all representations."""

    def serializers(self, plugins: dict[str, str] | None = None, **by_name: str) -> NodeResources:
        """Resources with serializers: name to mode."""
        candidates = {
            name: maker(FakeSerializer(SerializerMode[mode])) for name, mode in by_name.items()
        }
        return resources(candidates, Plugin.SERIALIZER, plugins)

    @pytest.mark.feature("REG-03")
    def test_the_one_named_like_the_mode_is_taken(self) -> None:
        """Another one for the mode does not matter, and the result is kept."""
        parts = self.serializers(json="JSON", other="JSON", binary="BINARY")
        serializer = parts.serializer(SerializerMode.JSON)
        assert serializer.mode is SerializerMode.JSON
        assert parts.serializer(SerializerMode.JSON) is serializer

    def test_else_the_only_one_of_the_mode(self) -> None:
        """Whatever it is called."""
        parts = self.serializers(fast="JSON", small="BINARY")
        assert parts.serializer(SerializerMode.BINARY).mode is SerializerMode.BINARY

    def test_several_or_none_are_errors(self) -> None:
        """They list the candidates."""
        parts = self.serializers(fast="JSON", slow="JSON")
        with pytest.raises(ConfigurationError, match=r"several .* json.*: fast, slow\)"):
            parts.serializer(SerializerMode.JSON)
        with pytest.raises(ConfigurationError, match="no serializer for string"):
            parts.serializer(SerializerMode.STRING)

    def test_the_settings_choose_for_a_mode(self) -> None:
        """A choice of the wrong mode is told."""
        chosen = {"layer8.serializer.json": "slow", "layer8.serializer.string": "slow"}
        parts = self.serializers(chosen, fast="JSON", slow="JSON")
        assert parts.serializer(SerializerMode.JSON).mode is SerializerMode.JSON
        with pytest.raises(ConfigurationError, match="'slow' is for json, not for string"):
            parts.serializer(SerializerMode.STRING)

    def test_an_explicit_one_beats_all(self) -> None:
        """Given by mode."""
        own = cast("Serializer", FakeSerializer(SerializerMode.JSON))
        parts = NodeResources(NodeSettings(), serializers={SerializerMode.JSON: own})
        assert parts.serializer(SerializerMode.JSON) is own


def test_registering_makes_models_known_to_both() -> None:
    """Registry and introspector."""
    introspector = FakeIntrospector()
    parts = resources_of(introspector=introspector)
    parts.register(Book)
    assert parts.registry.info("Book").model is Book
    assert introspector.inspected == [Book]


def test_registering_makes_nested_models_known_too() -> None:
    """At any depth, and each once where models contain each other."""

    class Author:
        """Nested in a book."""

    class Country:
        """Nested in an author."""

    country = FakeNode(model=Country)
    author = FakeNode(model=Author, attributes={"country": country, "books": FakeNode(model=Book)})
    introspector = FakeIntrospector()
    introspector.nested = {"author": author, "editor": author}
    parts = resources_of(introspector=introspector)
    parts.register(Book)
    assert [info.model for info in parts.registry.types()[-3:]] == [Book, Author, Country]


@pytest.mark.feature("RES-05")
def test_the_data_directory_is_made_when_used(tmp_path: Path) -> None:
    """With its parents, for the owner alone."""
    directory = tmp_path / "a" / "b"
    parts = NodeResources(NodeSettings(data_directory=directory))
    assert not directory.exists()
    assert parts.data_directory == directory
    assert directory.stat().st_mode & 0o777 == 0o700
    assert parts.data_directory == directory


@pytest.mark.feature("RES-05")
def test_a_data_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file is in its place."""
    (tmp_path / "file").touch()
    parts = NodeResources(NodeSettings(data_directory=tmp_path / "file" / "x"))
    with pytest.raises(ConfigurationError, match=r"data directory .* cannot be made, set data_dir"):
        _ = parts.data_directory
