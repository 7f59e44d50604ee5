"""The conditions that rules are made of: whose rows these are.

A customer whose data was deleted leaves only what law keeps, and that is for admin alone: so every condition about a
customer asks for one who is still there. Likewise staff who left keep their rows and lose their access at once, not
when their token ends.
"""

from collections.abc import Mapping
from typing import Final

from schema.view import BoolExp

#: The session variable that names the person (or agent).
ME: Final = "X-Hasura-User-Id"

#: Of customers: not deleted.
PRESENT: Final[BoolExp] = {"deleted_at": {"_is_null": True}}
#: Of customers: the one who asks.
IS_ME: Final[BoolExp] = {"id": {"_eq": ME}, **PRESENT}

#: Rows of the customer who asks.
OWN: Final[BoolExp] = {"customer": IS_ME}
#: Chargebee's rows of the customer who asks.
OWN_BILLING: Final[BoolExp] = {"profile": IS_ME}
#: Clinical rows of the customer who asks.
OWN_PATIENT: Final[BoolExp] = {"patient": OWN}

#: Of any table: the one who asks works here.
AS_STAFF: Final[BoolExp] = {
    "_exists": {
        "_table": {"schema": "public", "name": "staff"},
        "_where": {"id": {"_eq": ME}, "active": {"_eq": True}},
    }
}

#: Of patients: the provider who asks is on their care team now.
IN_MY_CARE: Final[BoolExp] = {
    "care_teams": {"staff_id": {"_eq": ME}, "status": {"_eq": "active"}, "staff": {"active": {"_eq": True}}},
    "customer": PRESENT,
}
#: Clinical rows of such patients.
OF_MY_PATIENT: Final[BoolExp] = {"patient": IN_MY_CARE}
#: Rows of customers who are such patients.
OF_MY_PATIENT_AS_CUSTOMER: Final[BoolExp] = {"customer": {"patient": IN_MY_CARE}}

#: Rows of customers who are not deleted.
OF_PRESENT: Final[BoolExp] = {"customer": PRESENT}
#: Clinical rows of such customers.
OF_PRESENT_PATIENT: Final[BoolExp] = {"patient": OF_PRESENT}
#: Chargebee's rows, but not those of deleted customers. A row may come before its customer is known here.
NOT_OF_DELETED: Final[BoolExp] = {"_not": {"profile": {"deleted_at": {"_is_null": False}}}}

#: What `docs/permissions.md` calls these conditions, the wider ones first.
PHRASES: Final[Mapping[str, BoolExp]] = {
    "I am active staff": AS_STAFF,
    "is in my care": IN_MY_CARE,
    "is me": IS_ME,
    "is present": PRESENT,
    "not of a deleted customer": NOT_OF_DELETED,
}

#: Lists are pages: what a portal shows at once, with room to spare.
PAGE_OF_A_CUSTOMER: Final = 200
PAGE_OF_STAFF: Final = 1_000
