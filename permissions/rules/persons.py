"""The conditions that rules are made of: whose rows these are."""

from typing import Final

from schema.view import BoolExp

#: The session variable that names the person (or agent).
ME: Final = "X-Hasura-User-Id"

#: Rows with a `customer_id` of the customer who asks.
OWN: Final[BoolExp] = {"customer_id": {"_eq": ME}}
#: Chargebee's rows of the customer who asks.
OWN_BILLING: Final[BoolExp] = {"profile": {"id": {"_eq": ME}}}
#: Clinical rows of the customer who asks.
OWN_PATIENT: Final[BoolExp] = {"patient": {"customer_id": {"_eq": ME}}}

#: Patients whose care team the provider is on now.
IN_MY_CARE: Final[BoolExp] = {"care_teams": {"staff_id": {"_eq": ME}, "status": {"_eq": "active"}}}
#: Clinical rows of such patients.
OF_MY_PATIENT: Final[BoolExp] = {"patient": IN_MY_CARE}
#: Rows of customers who are such patients.
OF_MY_PATIENT_AS_CUSTOMER: Final[BoolExp] = {"customer": {"patient": IN_MY_CARE}}

#: Lists are pages: what a portal shows at once, with room to spare.
PAGE_OF_A_CUSTOMER: Final = 200
PAGE_OF_STAFF: Final = 1_000
