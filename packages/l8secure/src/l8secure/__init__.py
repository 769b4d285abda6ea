# SPDX-License-Identifier: Apache-2.0
"""The security provider of a network whose nodes share a directory: deny unless allowed.

Users with argon2id passwords, roles, short-lived revocable tokens, the network's secret,
credentials for devices and databases, mutual TLS where certificates are set up.
"""

from __future__ import annotations

from l8secure._accounts import Account, AccountStore
from l8secure._certificates import (
    CertificateSummary,
    TlsFiles,
    certificate_summary,
    create_authority,
    issue_certificate,
)
from l8secure._credentials import FileCredentials
from l8secure._limits import AttemptLimiter
from l8secure._provider import ADMIN_PASSWORD_FILE, LocalSecurity, create_security
from l8secure._roles import DEFAULT_ROLES, Role
from l8secure._tokens import TokenIssuer

__all__ = [
    "ADMIN_PASSWORD_FILE",
    "DEFAULT_ROLES",
    "Account",
    "AccountStore",
    "AttemptLimiter",
    "CertificateSummary",
    "FileCredentials",
    "LocalSecurity",
    "Role",
    "TlsFiles",
    "TokenIssuer",
    "certificate_summary",
    "create_authority",
    "create_security",
    "issue_certificate",
]
