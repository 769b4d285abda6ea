# SPDX-License-Identifier: Apache-2.0
"""JSON, compared with the mapping of the protobuf runtime."""

import json
from dataclasses import dataclass
from typing import Any, cast

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from l8srlz import Float32, Int32, JsonSerializer
from l8types.enums import SerializerMode
from l8types.errors import DecodeError, EncodeError
from l8types.pb.tests_pb2 import TestEnum
from l8types.values import Page

from .all_kinds import EXTRA, All, Old, messages
from .fakes import Author, Book, Item, ItemList, Shelf, SubItem
from .vectors import counters

SERIALIZER = JsonSerializer()
GENEROUS = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def plain(message: Message) -> object:
    """What the runtime writes, numbers for enumerations, as decoded JSON."""
    return json.loads(json_format.MessageToJson(message, use_integers_for_enums=True))


@pytest.mark.feature("SRZ-41")
class TestAgainstTheRuntime:
    """The same JSON as ``json_format``, both ways."""

    @GENEROUS
    @given(messages(All) | messages(Item))
    def test_same_output(self, message: Message) -> None:
        """Every message gives the same JSON: names, zero values, special numbers, known types."""
        assert json.loads(SERIALIZER.marshal(message)) == plain(message)

    @GENEROUS
    @given(messages(All) | messages(Item))
    def test_same_input(self, message: Message) -> None:
        """What is written is read as the runtime reads it."""
        data = SERIALIZER.marshal(message)
        read = SERIALIZER.unmarshal(data, type(message))
        wanted = json_format.Parse(data, type(message)())
        assert read.SerializeToString(deterministic=True) == wanted.SerializeToString(
            deterministic=True
        )

    @GENEROUS
    @given(messages(All))
    def test_declared_names(self, message: Message) -> None:
        """The names of the ``.proto`` file are accepted as well."""
        data = json_format.MessageToJson(message, preserving_proto_field_name=True).encode()
        wanted = json_format.Parse(data, All())
        assert SERIALIZER.unmarshal(data, All) == wanted or "nan" in str(message)

    @GENEROUS
    @given(
        st.dictionaries(
            st.sampled_from([field.json_name for field in cast("Any", All.DESCRIPTOR).fields]),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
                lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
                max_leaves=5,
            ),
            max_size=4,
        )
    )
    def test_any_json(self, value: dict[str, object]) -> None:
        """Whatever JSON comes, it gives a message or the one error."""
        try:
            message = SERIALIZER.unmarshal(json.dumps(value).encode(), All)
        except DecodeError:
            return
        assert isinstance(message, All)

    @GENEROUS
    @given(st.binary(max_size=100))
    def test_any_bytes(self, data: bytes) -> None:
        """Whatever bytes come, they give a message or the one error."""
        try:
            assert isinstance(SERIALIZER.unmarshal(data, Item), Item)
        except DecodeError as error:
            assert error.message  # noqa: PT017 - both outcomes are fine


class TestReadingMessages:
    """The forms of input, and the errors with their paths."""

    @pytest.mark.parametrize(
        ("text", "item"),
        [
            ('{"myInt64": -5}', Item(myInt64=-5)),
            ('{"myInt64": "-5", "myInt32": "7.0"}', Item(myInt64=-5, myInt32=7)),
            ('{"myInt32": 2.0}', Item(myInt32=2)),
            ('{"myInt32": "1e3"}', Item(myInt32=1000)),
            ('{"myEnum": "ValueTwo"}', Item(myEnum=TestEnum.ValueTwo)),
            ('{"myEnum": "2"}', Item(myEnum=TestEnum.ValueTwo)),
            ('{"myEnum": 77}', Item(myEnum=cast("Any", 77))),
            ('{"myFloat64": "1.5", "myFloat32": 1}', Item(myFloat64=1.5, myFloat32=1)),
            ('{"myFloat64": "-Infinity"}', Item(myFloat64=float("-inf"))),
            ('{"mySingle": {}}', Item(mySingle=SubItem())),
            ('{"mySingle": null, "myInt32": null, "myStringSlice": null}', Item()),
            ('{"MyInt32ToInt64Map": {"-1": "2"}}', Item(MyInt32ToInt64Map={-1: 2})),
            ("{}", Item()),
        ],
    )
    def test_forms(self, text: str, item: Item) -> None:
        """Numbers come as numbers or text, enumerations by number or name."""
        assert SERIALIZER.unmarshal(text.encode(), Item) == item

    def test_keys_that_are_booleans(self) -> None:
        """All keys are text in JSON, also these."""
        message: Any = SERIALIZER.unmarshal(b'{"byBool": {"true": 1, "false": 2}}', All)
        assert dict(message.by_bool) == {True: 1, False: 2}

    def test_bytes_in_both_alphabets(self) -> None:
        """Base64 may be of the URL alphabet and without padding."""
        for text in ("-_8=", "+/8=", "-_8", "+/8"):
            message: Any = SERIALIZER.unmarshal(f'{{"oneBytes": "{text}"}}'.encode(), All)
            assert message.one_bytes == b"\xfb\xff"

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ('{"color": 1}', "TestProto.color: TestProto has no such attribute"),
            (
                '{"myModelSlice": [{}, {"mySubs": {"k": {"zz": 1}}}]}',
                r"TestProto.myModelSlice\[1\].mySubs\['k'\].zz: TestProtoSubSub has no such",
            ),
            ('{"myInt32": "x"}', "TestProto.myInt32: 'x' is no int32"),
            ('{"myInt32": true}', "TestProto.myInt32: True is no int32"),
            ('{"myInt32": 1.5}', "TestProto.myInt32: 1.5 is no int32"),
            ('{"myInt32": "1_0"}', "TestProto.myInt32: '1_0' is no int32"),
            ('{"myInt32": 2147483648}', "TestProto.myInt32: .*2147483648"),
            (
                '{"myInt32Slice": [1, "2147483648"]}',
                r"myInt32Slice\[1\]: '2147483648' does not fit",
            ),
            ('{"myInt32Slice": [1, 2147483648]}', r"myInt32Slice\[1\]: 2147483648 does not fit"),
            ('{"myInt32Slice": [1, null]}', r"myInt32Slice\[1\]: None is no int32"),
            ('{"myInt32Slice": {}}', "myInt32Slice: {} is no list"),
            ('{"myModelSlice": [null]}', r"myModelSlice\[0\]: None is no object"),
            ('{"myString": 1}', "TestProto.myString: 1 is no text"),
            ('{"myBool": "true"}', "TestProto.myBool: 'true' is neither true nor false"),
            ('{"myEnum": "ValueNine"}', "myEnum: 'ValueNine' is no value of TestEnum"),
            ('{"myFloat64": "many"}', "myFloat64: 'many' is no number"),
            (f'{{"myFloat64": 1{"0" * 400}}}', "does not fit a double"),
            ('{"myFloat64": false}', "myFloat64: False is no number"),
            (f'{{"myFloat64": "1{"0" * 400}"}}', "is no number"),
            ('{"myFloat64": "nan"}', "myFloat64: 'nan' is no number"),
            ('{"myFloat32": 1e39}', "myFloat32: 1e[+]39 does not fit a float"),
            ('{"mySingle": 1}', "mySingle: 1 is no object"),
            ('{"MyInt32ToInt64Map": {"x": 1}}', r"MyInt32ToInt64Map\['x'\]: 'x' is no int32"),
            ('{"MyInt32ToInt64Map": [1]}', r"MyInt32ToInt64Map: \[1\] is no object"),
            ("[]", r"TestProto: \[\] is no object"),
            ("", "TestProto: input data was truncated"),
            ('{"myInt32": 1', "TestProto: input data was truncated"),
        ],
    )
    def test_errors(self, text: str, words: str) -> None:
        """The error names the attribute, the index or the key, and the value."""
        with pytest.raises(DecodeError, match=words):
            SERIALIZER.unmarshal(text.encode(), Item)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (
                '{"oneInt32": 1, "one_int32": 2}',
                "All.one_int32: the attribute is there as oneInt32",
            ),
            ('{"choiceText": "a", "choiceNumber": 1}', "only one attribute of choice can be set"),
            ('{"oneBytes": "!"}', "oneBytes: '!' is no base64"),
            ('{"oneUint32": -1}', "oneUint32: "),
            ('{"byBool": {"yes": 1}}', "byBool.*neither"),
            ('{"manyBool": [true, 1]}', r"manyBool\[1\]: 1 is neither true nor false"),
            ('{"theTimestamp": "yesterday"}', "theTimestamp: "),
            ('{"theTimestamp": 1}', "theTimestamp: 1 is no text"),
            ('{"theStruct": []}', "theStruct: no Struct"),
            ('{"theInt32value": "x"}', "theInt32value: 'x' is no int32"),
            ('{"manyString": ["a", "\\ud800"]}', "cannot read All: "),
        ],
    )
    def test_errors_of_other_kinds(self, text: str, words: str) -> None:
        """Names given twice, groups, keys and Google's own types."""
        with pytest.raises(DecodeError, match=words):
            SERIALIZER.unmarshal(text.encode(), All)

    def test_closed_enumeration(self) -> None:
        """Numbers without a name are refused where the schema says so."""
        assert SERIALIZER.unmarshal(b'{"state": 1}', Old) == Old(state=1)
        with pytest.raises(DecodeError, match=r"Old.state: 2 is no value of State"):
            SERIALIZER.unmarshal(b'{"state": 2}', Old)

    def test_null_values(self) -> None:
        """For the type that can be anything ``null`` is a value."""
        message: Any = SERIALIZER.unmarshal(b'{"theValue": null, "theValues": [null, 1]}', All)
        assert message.the_value.WhichOneof("kind") == "null_value"
        assert len(message.the_values) == 2

    def test_depth(self) -> None:
        """Nesting beyond what the binary form allows is an error, however deep."""

        def nested(depth: int) -> bytes:
            return b'{"child":' * depth + b"{}" + b"}" * depth

        assert SERIALIZER.unmarshal(nested(99), All).ListFields()
        for depth in (100, 500, 100_000):
            with pytest.raises(DecodeError, match=r"deep|recursion"):
                SERIALIZER.unmarshal(nested(depth), All)

    def test_malformed_json_has_an_offset(self) -> None:
        """Where the text stops being JSON is told as a byte offset."""
        with pytest.raises(DecodeError) as caught:
            SERIALIZER.unmarshal(b'{"myInt32": !}', Item)
        assert caught.value.offset == 12


class TestWriting:
    """What is special about the output."""

    def test_zero_values_are_left_out(self) -> None:
        """Attributes that hold their default are left out, unless set ones with presence."""
        assert SERIALIZER.marshal(Item(myInt32=0, myString="")) == b"{}"
        assert SERIALIZER.marshal(Item(mySingle=SubItem())) == b'{"mySingle":{}}'
        message: Any = All()
        message.optional_int32 = 0
        assert SERIALIZER.marshal(message) == b'{"optionalInt32":0}'

    def test_single_precision(self) -> None:
        """A single-precision number is not written with the digits of a double."""
        assert SERIALIZER.marshal(Item(myFloat32=0.1)) == b'{"myFloat32":0.1}'
        for value in (
            1.17549449e-38,
            3.4028235e38,
            16777217.0,
            -0.0,
            1.0308705386714856e-13,
            1.00000012,
        ):
            item = Item(myFloat32=value)
            assert json.loads(SERIALIZER.marshal(item)) == plain(item)

    @pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
    def test_numbers_that_json_does_not_have(self, value: float) -> None:
        """Infinities and NaN are written as text."""
        item = Item(myFloat32=value, myFloat64=value)
        assert json.loads(SERIALIZER.marshal(item)) == plain(item)

    def test_what_the_runtime_refuses(self) -> None:
        """Google's own types have values without a form; that is an error."""
        message: Any = All()
        message.the_value.number_value = float("nan")
        with pytest.raises(EncodeError, match="NaN"):
            SERIALIZER.marshal(message)

    def test_depth(self) -> None:
        """A message that is nested without end, as far as Python is concerned, is an error."""
        message: Any = All()
        inner = message
        for _ in range(5000):
            inner = inner.child
        inner.one_int32 = 1
        with pytest.raises(EncodeError, match="nested too deep"):
            SERIALIZER.marshal(message)

    def test_extensions_are_refused(self) -> None:
        """Attributes that others have added have no name in JSON."""
        message: Any = Old(needed=1)
        assert SERIALIZER.marshal(message) == b'{"needed":1}'
        message.Extensions[EXTRA] = 5
        with pytest.raises(EncodeError, match="attribute 100 is an extension"):
            SERIALIZER.marshal(message)

    def test_mode(self) -> None:
        """The serializer tells its representation."""
        assert SERIALIZER.mode is SerializerMode.JSON

    @pytest.mark.parametrize("value", [object(), {1, object()}, Book("1", authors=cast("Any", 1j))])
    def test_no_form(self, value: object) -> None:
        """What JSON has no form for is an error that names the type."""
        with pytest.raises(EncodeError, match=r"cannot write .* as json"):
            SERIALIZER.marshal(value)

    def test_cycles(self) -> None:
        """A cycle is an error."""
        cycle: list[object] = []
        cycle.append(cycle)
        with pytest.raises(EncodeError, match=r"list\[0\] as json: this list contains itself"):
            SERIALIZER.marshal(cycle)


@dataclass
class Reading:
    """Numbers with a width in a dataclass."""

    small: Int32
    ratio: Float32


class TestNativeModels:
    """Dataclasses and structs."""

    @pytest.mark.parametrize(
        "value",
        [
            Book("1", "Dune", 9.5, [Author("Herbert")]),
            Book("1", counters=counters(3)),
            Shelf(1, {"a": Book("2")}),
            Reading(Int32(5), Float32(0.5)),
        ],
    )
    def test_round_trip(self, value: object) -> None:
        """Models come back whole, with messages and numbers of a width in them."""
        read = SERIALIZER.unmarshal(SERIALIZER.marshal(value), type(value))
        assert read == value

    def test_form(self) -> None:
        """All attributes are written under their own names, with plain numbers."""
        assert SERIALIZER.marshal(Book("1", counters=counters(3))) == (
            b'{"isbn":"1","title":"","price":0.0,"authors":[],'
            b'"counters":{"keyCount":{"counts":{"Total":3.0}}}}'
        )
        assert SERIALIZER.marshal(Reading(Int32(5), Float32(0.5))) == b'{"small":5,"ratio":0.5}'

    def test_lists_and_pages(self) -> None:
        """Lists, dicts and pages of models of all kinds are written in one go."""
        value = {"books": [Book("1"), Item(myInt64=1)], "page": Page([SubItem(myString="s")])}
        written = json.loads(SERIALIZER.marshal(value))
        assert written["books"][1] == {"myInt64": "1"}
        assert written["page"] == {"items": [{"myString": "s"}], "metadata": {}}
        assert SERIALIZER.marshal(ItemList(list=[Item(myInt32=1)])) == b'{"list":[{"myInt32":1}]}'

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ('{"isbn": 1}', "cannot read Book.isbn: expected `str`, got `int`"),
            (
                '{"isbn": "1", "authors": [{"name": 1}]}',
                r"Book.authors\[0\].name: expected `str`",
            ),
            (
                '{"isbn": "1", "counters": {"x": 1}}',
                "Book.counters: L8MetaData.x: L8MetaData has no such attribute",
            ),
            ('{"isbn": "1", "counters": 1}', "Book.counters"),
            ("{}", "missing required field `isbn`"),
            ("{", "Book: input data was truncated"),
        ],
    )
    def test_errors(self, text: str, words: str) -> None:
        """The error names the attribute."""
        with pytest.raises(DecodeError, match=words):
            SERIALIZER.unmarshal(text.encode(), Book)

    def test_number_of_a_width_that_is_none(self) -> None:
        """Numbers of a width are checked like others."""
        with pytest.raises(DecodeError, match=r"Reading.small: 1.5 is no Int32"):
            SERIALIZER.unmarshal(b'{"small": 1.5, "ratio": 1}', Reading)
