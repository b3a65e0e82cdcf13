"""Layout profiles: the digest that data/virtq-inspect-layout.schema.json describes."""

BASIS, PRIME = 0xCBF29CE484222325, 0x100000001B3


def _lines(structs):
    for name, structure in structs.items():
        yield f"{name} {structure['size']}\n"
        for path, field in structure["fields"].items():
            yield f"{path} {field['offset']} {field['size']}\n"


def digest(profile):
    value = BASIS
    for byte in "".join(_lines(profile["structs"])).encode():
        value = (value ^ byte) * PRIME % 2**64
    return f"{value:016x}"


def sign(profile):
    """The profile, with the digest that it must have now."""
    return {**profile, "digest": digest(profile)}
