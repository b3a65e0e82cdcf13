"""Layout profiles: the digest that data/virtq-inspect-layout.schema.json describes; and layouts in the cache."""

import struct

BASIS, PRIME = 0xCBF29CE484222325, 0x100000001B3


def _lines(structs):
    for name, structure in structs.items():
        yield f"{name} {structure['size']}\n"
        for path, field in structure["fields"].items():
            yield f"{path} {field['offset']} {field['size']}\n"


def _hash(data):
    value = BASIS
    for byte in data:
        value = (value ^ byte) * PRIME % 2**64
    return value


def digest(profile):
    return f"{_hash(''.join(_lines(profile['structs'])).encode()):016x}"


def sign(profile):
    """The profile, with the digest that it must have now."""
    return {**profile, "digest": digest(profile)}


def shift_packed(data, field):
    """A file of the cache in which a field is elsewhere, signed anew: src/layout/cache.c, src/layout/recorded.c."""
    name = struct.pack("<I", len(field) + 1) + field.encode()
    at = data.index(name) + len(name) + 1  # behind how it was obtained
    (offset,) = struct.unpack_from("<I", data, at)
    rest = data[8:at] + struct.pack("<I", offset + 8) + data[at + 4 :]
    return struct.pack("<Q", _hash(rest)) + rest
