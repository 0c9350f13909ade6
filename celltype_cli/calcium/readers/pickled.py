"""What settings of suite2p say, looked up in the stream of their pickle: nothing of it is run or built."""

from __future__ import annotations

import io
import pickletools
import re
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from jaxtyping import Int

OPCODES = 60  # within which the bytes of a number of numpy follow its key


def joins(settings: bytes, frames: int) -> Int[np.ndarray, " _"]:
    """Returns the frames at which a further recording begins: of the whole numbers in the pickle, those that add up."""
    if b"frames_per_folder" in settings:
        for content in _bytes_after("frames_per_folder", settings):
            for kind in ("<i8", "<i4"):
                counts = np.frombuffer(content, kind) if len(content) % int(kind[2]) == 0 else np.empty(0)
                if len(counts) > 1 and (counts > 0).all() and counts.sum() == frames:
                    return np.cumsum(counts)[:-1]
    return np.empty(0, dtype=np.int64)


def _bytes_after(key: str, content: bytes) -> Iterator[bytes]:
    """Yields the first bytes that follow a key in the stream of a pickle."""
    after = False
    with suppress(Exception):  # a stream that is cut short says no more
        for _, value, _ in pickletools.genops(io.BytesIO(content[_header(content) :])):
            after = after or value == key
            if after and isinstance(value, bytes):
                yield value
                return


def numbers_after(key: str, content: bytes) -> set[float]:
    """Returns the numbers that follow a key in the stream of a pickle in an npy file; nothing is run or built."""
    found, kept, after, keys = set(), 0, False, set()  # keys: where the pickle keeps the key, to repeat it
    waits, kind = 0, "f8"  # for the bytes of a number of numpy, and of which kind it is
    try:
        for code, value, _ in pickletools.genops(io.BytesIO(content[_header(content) :])):
            if code.name == "MEMOIZE" or "PUT" in code.name:
                keys |= {kept if code.name == "MEMOIZE" else value} if after else set()
                kept += 1
                continue
            number = isinstance(value, (int, float)) and "GET" not in code.name
            if after and number:
                found.add(float(value))
            elif waits and isinstance(value, bytes) and len(value) == int(kind[1]):
                found.add(float(np.frombuffer(value, f"<{kind}")[0]))
            waits = 0 if isinstance(value, bytes) or (after and number) else OPCODES if after else max(0, waits - 1)
            kind = value if isinstance(value, str) and re.fullmatch("[fiu][248]", value) else kind
            after = (isinstance(value, str) and value == key) or ("GET" in code.name and value in keys)
    except Exception:  # noqa: BLE001 - a stream that is no pickle, or cut short, says nothing
        return set()
    return found


def _header(content: bytes) -> int:
    """Returns the length of the header of an npy file."""
    size = 2 if content[6:7] == b"\x01" else 4
    return 8 + size + int.from_bytes(content[8 : 8 + size], "little")
