# SPDX-License-Identifier: Apache-2.0
"""Election of one leader per service or group of services: the rules, and what carries them out."""

from l8services._election._bully import BullyElection
from l8services._election._notes import ELECTIONS, REGISTRATIONS
from l8services._election._rules import ElectionRules
from l8services._election._shell import Elections

__all__ = ["ELECTIONS", "REGISTRATIONS", "BullyElection", "ElectionRules", "Elections"]
