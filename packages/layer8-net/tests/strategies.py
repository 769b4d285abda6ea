# SPDX-License-Identifier: Apache-2.0
"""Hypothesis strategies for messages."""

from __future__ import annotations

from hypothesis import strategies as st

from l8types.enums import Action, MulticastMode, Priority, TransactionState
from l8types.values import Message, Transaction

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NODE = st.one_of(st.just(""), st.uuids().map(str))
TIME = st.integers(-(2**63), 2**63 - 1)

TRANSACTIONS = st.builds(
    Transaction,
    state=st.sampled_from(TransactionState),
    id=TEXT,
    error=TEXT,
    created=TIME,
    queued=TIME,
    running=TIME,
    end=TIME,
    timeout=TIME,
    replica=st.integers(0, 2**32 - 1),
    is_replica=st.booleans(),
    epoch=st.integers(0, 2**64 - 1),
)

MESSAGES = st.builds(
    Message,
    source=NODE,
    vnet=NODE,
    destination=NODE,
    service=st.text(st.characters(exclude_categories=["Cs"]), max_size=63),
    area=st.integers(0, 255),
    priority=st.sampled_from(Priority),
    mode=st.sampled_from([mode for mode in MulticastMode if mode < 16]),
    action=st.sampled_from(Action),
    identity=TEXT,
    sequence=st.integers(0, 2**64 - 1),
    timeout=st.integers(0, 10_000_000).map(lambda ms: ms / 1000),
    request=st.booleans(),
    reply=st.booleans(),
    stream=st.booleans(),
    failure=TEXT,
    data=st.binary(max_size=300),
    transaction=st.none() | TRANSACTIONS,
    trace=TEXT,
)
