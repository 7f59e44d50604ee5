"""Who asks: the demo people, and the cast of `cast.sql`."""

from collections.abc import Mapping, Sequence
from typing import Final

from local.demo.people import ADA, BO, CLEO, MIRA, THEO


def id_of(who: str, what: str) -> str:
    """The id of somebody's row in `cast.sql`: `who` is a letter, `what` four digits."""
    return f"{who * 8}-{what}-7000-8000-000000000000"


OLGA: Final = id_of("a", "0001")
OTTO: Final = id_of("b", "0001")
#: Her data was deleted.
DORA: Final = id_of("d", "0001")
#: Treats Olga, and treated Dora.
PIA: Final = id_of("e", "0001")
#: Treats Otto, and treated Olga once.
PETE: Final = id_of("e", "0002")
CARL: Final = id_of("e", "0003")
#: A provider and a member of the care coordination team who have left; Gail is still on Olga's care team.
GAIL: Final = id_of("e", "0004")
GUS: Final = id_of("e", "0005")
NOBODY: Final = id_of("0", "0000")

#: By role, who is asked for. The first sees something of every table that the role sees.
ASKING: Final[Mapping[str, Sequence[object]]] = {
    "anonymous": (None,),
    "newcomer": (None,),
    "user": (OLGA, ADA, BO, CLEO, OTTO, DORA, PIA, NOBODY),
    "provider": (PIA, MIRA, PETE, GAIL, CARL, OLGA, NOBODY),
    "cct": (CARL, THEO, GUS, OLGA, NOBODY),
    "service": ("contract", "notification", "zendesk", "nobody", ""),
}
