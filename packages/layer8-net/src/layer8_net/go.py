# SPDX-License-Identifier: Apache-2.0
"""What a security provider needs to serve a network of the ``go`` profile; extra ``[go]``.

The overlay encrypts handshakes and bodies with the ``encrypt`` and ``decrypt`` of the provider of
the node. A provider whose key is not that of ``l8utils``' permissive one builds on this::

    cipher = CfbCipher(key)
    cipher.decrypt(cipher.encrypt(b"hello"))  # b"hello"
"""

from layer8_net._go.cipher import CfbCipher, new_key

__all__ = ["CfbCipher", "new_key"]
