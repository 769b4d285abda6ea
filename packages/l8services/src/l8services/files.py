# SPDX-License-Identifier: Apache-2.0
"""Keeps files in versions, encrypted and checked; install ``l8services[files]``."""

from l8services._files.client import FileClient
from l8services._files.limits import FileLimits
from l8services._files.names import FILE_STORE
from l8services._files.sealing import FileKeys, KeyWrapper, ProviderKey
from l8services._files.service import FileStore, file_store_sla

__all__ = [
    "FILE_STORE",
    "FileClient",
    "FileKeys",
    "FileLimits",
    "FileStore",
    "KeyWrapper",
    "ProviderKey",
    "file_store_sla",
]
