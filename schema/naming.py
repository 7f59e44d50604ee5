"""How names are made from other names."""


def plural(noun: str) -> str:
    """The plural of an English snake_case noun, by the three regular rules."""
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"
