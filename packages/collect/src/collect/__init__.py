# SPDX-License-Identifier: Apache-2.0
"""Data collection for Layer 8: targets, polls, collectors and parsing rules.

It asks devices for data and turns the answers into changes of a model: a target says which hosts
are polled, the catalogue says what they are asked and what becomes of the answers, the collector
service asks, the parser service turns answers into partial items and sends them to the inventory.
The messages are in `collect.model`.
"""

from collect._catalogue import Catalogue, Poll, Profile, RuleUse
from collect._collector import CollectorHandler, CollectorSettings
from collect._courier import CourierSettings
from collect._links import DEFAULT_LINKS, NETWORK, TARGETS, Links, Route
from collect._outbox import OutboxStatistics
from collect._parser import JobParser, Parsed, ParserHandler, ParserSettings
from collect._plugins import create_snmp
from collect._rules._engine import CompiledPoll, ParseError, ParseReport, RulesEngine
from collect._rules._places import Misfit
from collect._rules._registry import RuleRegistry
from collect._schedule import Cadence, Schedule
from collect._sla import collector_sla, inventory_sla, parser_sla, targets_sla
from collect._targets import FeederSettings, TargetFeeder, TargetsHook
from collect._worker import WorkerSettings

__all__ = [
    "DEFAULT_LINKS",
    "NETWORK",
    "TARGETS",
    "Cadence",
    "Catalogue",
    "CollectorHandler",
    "CollectorSettings",
    "CompiledPoll",
    "CourierSettings",
    "FeederSettings",
    "JobParser",
    "Links",
    "Misfit",
    "OutboxStatistics",
    "ParseError",
    "ParseReport",
    "Parsed",
    "ParserHandler",
    "ParserSettings",
    "Poll",
    "Profile",
    "Route",
    "RuleRegistry",
    "RuleUse",
    "RulesEngine",
    "Schedule",
    "TargetFeeder",
    "TargetsHook",
    "WorkerSettings",
    "collector_sla",
    "create_snmp",
    "inventory_sla",
    "parser_sla",
    "targets_sla",
]
