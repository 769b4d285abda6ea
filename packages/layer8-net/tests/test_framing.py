# SPDX-License-Identifier: Apache-2.0
"""Cutting a stream into frames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layer8_net._core.framing import FrameDecoder


def _frame(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


BODIES = st.lists(st.binary(max_size=40), max_size=6)


@pytest.mark.feature("WIR-01", "l8types:TYP-38")
@given(BODIES)
def test_split_at_every_byte(bodies: list[bytes]) -> None:
    """Frames come out whole wherever the stream is cut in two."""
    frames = [_frame(body) for body in bodies]
    stream = b"".join(frames)
    for cut in range(len(stream) + 1):
        decoder = FrameDecoder(100)
        assert decoder.feed(stream[:cut]) + decoder.feed(stream[cut:]) == frames
        assert decoder.error is None


@given(BODIES)
def test_single_bytes(bodies: list[bytes]) -> None:
    """Frames come out whole when the stream arrives byte by byte."""
    frames = [_frame(body) for body in bodies]
    decoder = FrameDecoder(100)
    found = [frame for byte in b"".join(frames) for frame in decoder.feed(bytes([byte]))]
    assert found == frames


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_any_bytes(chunks: list[bytes]) -> None:
    """No stream raises, and no frame exceeds the limit."""
    decoder = FrameDecoder(16)
    for chunk in chunks:
        assert all(len(frame) <= 20 for frame in decoder.feed(chunk))


@pytest.mark.feature("WIR-01", "l8types:TYP-38")
def test_too_large() -> None:
    """Good frames before one that is too large come out; after it nothing does."""
    decoder = FrameDecoder(8)
    assert decoder.feed(_frame(b"good") + _frame(b"too large")) == [_frame(b"good")]
    assert decoder.error is not None
    assert (decoder.error.size_bytes, decoder.error.limit_bytes) == (9, 8)
    assert decoder.feed(_frame(b"x")) == []


def test_raised_limit() -> None:
    """A frame that came before the limit was raised is accepted afterwards."""
    decoder = FrameDecoder(4)
    decoder.feed(_frame(b"longer") + _frame(b"ab")[:3])
    decoder.raise_limit(10)
    assert decoder.feed(b"") == [_frame(b"longer")]
    assert decoder.feed(_frame(b"ab")[3:]) == [_frame(b"ab")]
