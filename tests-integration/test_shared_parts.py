# SPDX-License-Identifier: Apache-2.0
"""The shared components with the parts that really stand behind their interfaces."""

from __future__ import annotations

import datetime as dt
import ssl
from dataclasses import dataclass
from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from l8orm import orm_sla
from l8types.constants import Plugin
from l8types.enums import Action, DecoratorType, NotificationType, SerializerMode
from l8types.errors import ConfigurationError, PropertyError
from l8types.protocols.services import Call
from l8types.settings import NodeSettings
from l8types.values import ItemChange, ServiceKey
from l8utils import LiveChange, LiveQueries, NodeResources
from l8web import WebSettings

if TYPE_CHECKING:
    from pathlib import Path

    from l8types.protocols.net import VNic
    from l8types.protocols.stores import OrmFactory
    from l8utils import MemoryCache


@dataclass
class Host:
    """The model of these tests: two attributes make its key."""

    site: str = ""
    number: str = ""
    address: str = ""
    load: int = 0


def resources_of(directory: Path) -> NodeResources:
    """The parts of a node, as they are installed."""
    resources = NodeResources(NodeSettings(data_directory=directory))
    resources.register(Host)
    resources.introspector.decorate(Host, DecoratorType.PRIMARY, "site", "number")
    return resources


@pytest.mark.feature("l8utils:SHR-01")
def test_one_call_makes_all_parts(tmp_path: Path) -> None:
    """From the settings alone, with nothing permissive among them."""
    resources = NodeResources(NodeSettings(data_directory=tmp_path))
    parts = [
        resources.registry, resources.introspector, resources.cloner, resources.updater,
        resources.codec, resources.elements, resources.queries, resources.caches,
        resources.notifications, resources.services, resources.metrics, resources.clock,
        resources.security, resources.serializer(SerializerMode.JSON),
    ]  # fmt: skip
    assert len({id(part) for part in parts}) == 14
    assert type(resources.security).__module__.startswith("l8secure")


@pytest.mark.feature("l8utils:CAC-16")
def test_addresses_are_ordered_as_addresses(tmp_path: Path) -> None:
    """By their numbers, in either direction, and other texts apart from them."""
    resources = resources_of(tmp_path)
    cache = resources.caches.create(Host)
    for number, address in enumerate(["10.0.0.10", "9.1.1.1", "host", "10.0.0.9", "10.0.0.10"]):
        cache.post(Host("a", str(number), address))
    found = cache.fetch(resources.queries.parse("select * from Host sort-by address")).items
    rising = [(cast("Host", item).address, cast("Host", item).number) for item in found]
    assert rising == [
        ("9.1.1.1", "1"),
        ("10.0.0.9", "3"),
        ("10.0.0.10", "0"),
        ("10.0.0.10", "4"),
        ("host", "2"),
    ]
    assert sorted(IPv4Address(address) for address, _ in rising[:4]) == [
        IPv4Address(address) for address, _ in rising[:4]
    ]


def test_keys_whose_texts_are_equal_do_not_replace_each_other(tmp_path: Path) -> None:
    """The text of a key has no separator, so 1 and 23 read as 12 and 3 do."""
    cache = resources_of(tmp_path).caches.create(Host, items=[Host("1", "23", load=5)])
    other = Host("12", "3", load=6)
    for write in (cache.post, cache.put, cache.patch):
        with pytest.raises(PropertyError):
            write(other)
    with pytest.raises(PropertyError):
        cache.apply(ItemChange(NotificationType.POST, "Host", "123", item=other))
    assert cache.get("123") == Host("1", "23", load=5)


@pytest.mark.feature("l8utils:CAC-23", "l8utils:CAC-24")
def test_a_live_query_of_the_language_follows_its_answer(tmp_path: Path) -> None:
    """Its conditions decide what enters and leaves."""
    resources = resources_of(tmp_path)
    cache = cast("MemoryCache", resources.caches.create(Host))
    live = LiveQueries(cache, resources.clock)
    told: list[LiveChange] = []
    query = resources.queries.parse("select * from Host where load>10 and site=a sort-by load")
    live.subscribe("ann", query, told.append)
    for load in (5, 20, 30, 7):
        cache.put(Host("a", "1", load=load))
    cache.put(Host("b", "1", load=99))
    assert [(one.type.name, one.key) for one in told] == [
        ("ENTER", "a1"),
        ("UPDATE", "a1"),
        ("LEAVE", "a1"),
    ]


@pytest.mark.feature("l8utils:CAC-26")
@pytest.mark.parametrize(
    "text",
    [
        "select count(*), sum(load), avg(load), min(load), max(load) from Host",
        "select site, count(*), sum(load) from Host group-by site sort-by site",
        "select site, count(*) from Host where load>2 group-by site having count>1 sort-by site",
    ],
)
async def test_aggregates_have_one_form_in_memory_and_in_the_database(
    text: str, tmp_path: Path
) -> None:
    """The same groups, and the same names and values of the counters."""
    resources = resources_of(tmp_path)
    hosts = [Host("abc"[number % 3], str(number), load=number) for number in range(10)]
    cache = resources.caches.create(Host, items=hosts)
    orm = await cast("OrmFactory", resources.create(Plugin.ORM)).open("sqlite://")
    try:
        await orm.prepare(Host)
        await orm.write(Action.POST, hosts)
        query = resources.queries.parse(text)
        stored, held = await orm.read(query), cache.fetch(query)
    finally:
        await orm.aclose()
    assert list(held.items) == list(stored.items)
    assert dict(held.metadata.key_count.counts) == dict(stored.metadata.key_count.counts)
    assert len(held.metadata.key_count.counts) > 1


@pytest.mark.feature("l8utils:CAC-04")
async def test_without_a_cache_everything_passes_to_the_store(tmp_path: Path) -> None:
    """A service that keeps nothing in memory answers from what its store has at that moment."""
    resources = resources_of(tmp_path)
    orm = await cast("OrmFactory", resources.create(Plugin.ORM)).open("sqlite://")
    vnic = cast("VNic", SimpleNamespace(resources=resources, uuid=resources.settings.uuid))
    agreement = orm_sla(ServiceKey("Hosts"), Host, orm, primary_keys=("site", "number"))
    service = agreement.handler()
    of, first = resources.elements.of, Host("a", "1", load=5)
    try:
        await service.activate(agreement, vnic)
        await service.post(of(first), Call(vnic, Action.POST, agreement.key))
        await orm.storage(Host).put("a1", Host("a", "1", load=6))
        asked = Call(vnic, Action.GET, agreement.key)
        assert (await service.get(of(first), asked)).first == Host("a", "1", load=6)
        await service.delete(of(first), Call(vnic, Action.DELETE, agreement.key))
        assert await orm.storage(Host).get("a1") is None
        await service.deactivate()
    finally:
        await orm.aclose()


@pytest.mark.feature("l8utils:RES-04")
@pytest.mark.parametrize("prefix", ["", "api", "/api", "api/"])
def test_the_web_prefix_has_one_form(prefix: str) -> None:
    """With a slash at either end; another form is refused."""
    assert WebSettings().prefix == "/api/"
    with pytest.raises(ConfigurationError, match="must start and end with '/'"):
        WebSettings(prefix=prefix)


@pytest.mark.feature("l8utils:RES-06")
def test_certificates_are_had_from_the_security_provider(tmp_path: Path) -> None:
    """As contexts of either side, ready to use; without certificates there are none."""
    assert resources_of(tmp_path / "without").security.tls(server_side=True) is None
    resources = resources_of(tmp_path)
    folder = tmp_path / "security" / "tls"
    folder.mkdir(parents=True)
    write_certificate(folder)
    for server_side in (True, False):
        context = resources.security.tls(server_side=server_side)
        assert context is not None
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert len(context.get_ca_certs()) == 1


def write_certificate(folder: Path) -> None:
    """Make a certificate that signs itself, and put it where a node looks for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "node")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "cert.pem").write_bytes(pem)
    (folder / "ca.pem").write_bytes(pem)
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
