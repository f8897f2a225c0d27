"""Take memory until somebody objects."""

from __future__ import annotations

hoard = []
while True:
    hoard.append(bytearray(8 * 1024 * 1024))
