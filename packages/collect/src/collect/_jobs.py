# SPDX-License-Identifier: Apache-2.0
"""Outcomes of polls as the job messages that go to the parser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collect._catalogue import STATIC
from collect._wire import encode_flags, encode_result, encode_text
from collect.model import CJob, L8PCadencePlan

if TYPE_CHECKING:
    from collect._worker import Outcome
    from l8types.protocols.data import ObjectCodec

__all__ = ["describe_job", "make_job"]


def describe_job(outcome: Outcome) -> CJob:
    """The job of an outcome, without its result."""
    poll, host = outcome.poll, outcome.host
    return CJob(
        error=outcome.error,
        started=int(outcome.started),
        ended=int(outcome.ended),
        cadence=L8PCadencePlan(cadences=[round(poll.every)], enabled=poll.protocol != STATIC),
        timeout=round(poll.timeout),
        target_id=host.target_id,
        host_id=host.host_id,
        pollaris_name=outcome.poll_id.profile,
        job_name=outcome.poll_id.poll,
        linksId=host.links_id,
        error_count=outcome.failures,
    )


def make_job(outcome: Outcome, codec: ObjectCodec) -> CJob:
    """The job of a successful outcome, with its result.

    Raises:
        EncodeError: A value of the result cannot be represented.
    """
    job = describe_job(outcome)
    job.result = _result(outcome, codec)
    return job


def _result(outcome: Outcome, codec: ObjectCodec) -> bytes:
    if outcome.flags is not None:
        return encode_flags(outcome.flags, codec)
    if outcome.result is None:
        return b""
    if outcome.poll.protocol == STATIC:
        return encode_text("".join(map(str, outcome.result.values.values())), codec)
    return encode_result(outcome.result, outcome.poll, codec)
