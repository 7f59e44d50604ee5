"""`python -m agents.graphql [AGENT …]`: writes `operations.py` beside every `operations.graphql`.

Without names, files that were written by hand are left alone and named; with names, those agents' are written whatever
they are.
"""

import sys
from pathlib import Path
from typing import Final

from graphql import GraphQLSchema, GraphQLSyntaxError, build_schema

from agents.graphql.documents import DocumentError
from agents.graphql.generation import HEADING, generate

AGENTS: Final = Path(__file__).parent.parent
#: What the role `service` sees; `make schema-files` writes it.
SCHEMA: Final = AGENTS.parent / "docs" / "schema" / "service.graphql"


def read_schema() -> GraphQLSchema:
    """The committed schema of the role that all agents act in; takes a second."""
    return build_schema(SCHEMA.read_text(encoding="utf-8"), assume_valid=True)


def sources() -> list[Path]:
    """Every agent's operations, and the runtime's."""
    return sorted(AGENTS.glob("*/operations.graphql"))


def is_handwritten(module: Path) -> bool:
    """Whether there is a module that no generator wrote."""
    return module.exists() and not module.read_text(encoding="utf-8").startswith(HEADING)


def main(names: list[str]) -> int:
    """Generate; the exit status is 1 when a file of operations is wrong."""
    known = {path.parent.name: path for path in sources()}
    if unknown := set(names) - set(known):
        sys.stderr.write(f"no operations.graphql for {', '.join(sorted(unknown))}; there are {', '.join(known)}\n")
        return 2
    schema = read_schema()
    for name in names or known:
        module = known[name].with_suffix(".py")
        if not names and is_handwritten(module):
            sys.stdout.write(f"{name}: written by hand, left alone\n")
            continue
        try:
            module.write_text(generate(schema, known[name]), encoding="utf-8")
        except (DocumentError, GraphQLSyntaxError) as error:
            sys.stderr.write(f"{name}: {error}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
