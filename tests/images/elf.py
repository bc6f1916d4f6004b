"""Reads from an ELF file what the dynamic loader would load for it."""

import struct

from failure import Failure

PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NEEDED, DT_STRTAB = 1, 5


def needed(image):
    """What the program or library asks for: its loader (an absolute path), shared libraries (names)."""
    if image[:6] != b"\x7fELF\x02\x01":
        raise Failure("read program: not a 64-bit little-endian ELF file")
    segments = list(_segments(image))
    names = [_text(image, offset) for kind, offset, _, _ in segments if kind == PT_INTERP]
    for kind, offset, _, size in segments:
        if kind == PT_DYNAMIC:
            entries = list(struct.iter_unpack("<qQ", image[offset:offset + size]))
            strings = _offset(segments, next(value for tag, value in entries if tag == DT_STRTAB))
            names += [_text(image, strings + value) for tag, value in entries if tag == DT_NEEDED]
    return names


def _segments(image):
    """(type, offset in the file, address, size in the file) of each program header."""
    table = struct.unpack_from("<Q", image, 32)[0]
    entry_size, count = struct.unpack_from("<HH", image, 54)
    for index in range(count):
        kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", image, table + index * entry_size)
        yield kind, offset, address, size


def _offset(segments, address):
    for kind, offset, start, size in segments:
        if kind == PT_LOAD and start <= address < start + size:
            return address - start + offset
    raise Failure("read program: its string table is in no segment")


def _text(image, offset):
    return image[offset:image.index(b"\0", offset)].decode()
