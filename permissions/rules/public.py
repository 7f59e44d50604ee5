"""Rules of the schema `public`: profiles, the catalogue, contracts, messages, referrals."""

from collections.abc import Mapping
from typing import Final

from permissions.model import EVERY_ROW, Insert, Select, TablePermissions, Update
from permissions.rules.persons import (
    AS_STAFF,
    IN_MY_CARE,
    IS_ME,
    ME,
    OF_MY_PATIENT_AS_CUSTOMER,
    OF_PRESENT,
    OWN,
    OWN_PATIENT,
    PAGE_OF_A_CUSTOMER,
    PAGE_OF_STAFF,
    PRESENT,
)
from schema.view import BoolExp

_ADDRESS: Final = ("address_line1", "address_line2", "city", "state_code", "zip", "country")
#: How and when one wants to be written to.
_WISHES: Final = ("timezone", "email_opt_out", "sms_opt_out", "quiet_hours_start", "quiet_hours_end")
_PERSON: Final = ("id", "email", "first_name", "last_name", "phone", "date_of_birth", *_ADDRESS)
_TREATMENT: Final = (
    *("id", "name", "description", "monthly_price", "upfront_price", "currency_code"),
    *("has_upfront_payment_option", "term_months"),
)
_STAFF: Final = ("id", "first_name", "last_name", "role", "credentials", "specialty")
_CONTRACT: Final = (
    *("id", "customer_id", "subscription_id", "treatment_id", "status", "start_date", "end_date", "auto_renew"),
    *("renewed_from_id", "activated_at", "completed_at", "cancelled_at", "cancel_reason", "created_at", "updated_at"),
)
_THREAD: Final = (
    *("id", "customer_id", "staff_id", "subject", "category", "status", "last_message_at"),
    *("created_at", "updated_at"),
)
_MESSAGE: Final = (
    *("id", "thread_id", "sender_role", "sender_customer_id", "sender_staff_id", "body", "read_at"),
    *("created_at", "updated_at"),
)
_TICKET: Final = (
    *("id", "customer_id", "zendesk_ticket_id", "subject", "description", "category", "status", "priority"),
    *("invoice_id", "assignee_id", "solved_at", "created_at", "updated_at"),
)
_COMMENT: Final = (
    *("id", "ticket_id", "author", "author_staff_id", "body", "public", "zendesk_comment_id"),
    *("created_at", "updated_at"),
)
_RECOVERY: Final = (
    *("id", "customer_id", "invoice_id", "contract_id", "subscription_id", "status", "status_reason"),
    *("amount", "currency_code"),
    *("retries", "attempts", "next_retry_at", "last_decline_code", "needs_new_card", "zendesk_ticket_id"),
    *("failed_at", "closed_at", "created_at", "updated_at"),
)
_REWARD: Final = (
    *("id", "referral_id", "customer_id", "amount", "currency_code", "status", "status_reason", "granted_at"),
    *("created_at", "updated_at"),
)

_OFFERED: Final[BoolExp] = {"active": {"_eq": True}}
_UNREAD: Final[BoolExp] = {"read_at": {"_is_null": True}}
_FROM_CUSTOMER: Final[BoolExp] = {"sender_role": {"_eq": "customer"}}
#: Nobody writes into a closed thread: it is reopened first, or a new one begun.
_OPEN: Final[BoolExp] = {"status": {"_neq": "closed"}}
_ANSWERED_BY_STAFF: Final[BoolExp] = {"_or": [{"staff_id": {"_is_null": True}}, {"staff": {"active": {"_eq": True}}}]}

PUBLIC: Final[Mapping[str, Mapping[str, TablePermissions]]] = {
    "public.customer": {
        "user": TablePermissions(
            select=Select(columns=(*_PERSON, *_WISHES, "currency_code", "created_at", "updated_at"), filter=IS_ME),
            # Nothing that money or a clinician decides, and not the e-mail address: it is how one signs in.
            update=Update(columns=("first_name", "last_name", "phone", *_ADDRESS, *_WISHES), filter=IS_ME),
        ),
        "provider": TablePermissions(
            select=Select(
                columns=(*_PERSON, "timezone", "created_at", "updated_at"),
                filter={"patient": IN_MY_CARE},
                limit=PAGE_OF_STAFF,
                aggregate=True,
            ),
        ),
        "cct": TablePermissions(
            select=Select(
                columns=(
                    *(*_PERSON, *_WISHES, "chargebee_customer_id", "zendesk_user_id", "currency_code"),
                    *("lifetime_value", "deleted_at", "created_at", "updated_at"),
                ),
                filter={**AS_STAFF, **PRESENT},
                limit=PAGE_OF_STAFF,
                aggregate=True,
            ),
            update=Update(
                columns=("first_name", "last_name", "phone", *_ADDRESS, *_WISHES), filter={**AS_STAFF, **PRESENT}
            ),
        ),
        "service": TablePermissions(
            select=Select(
                columns=(
                    *(*_PERSON, *_WISHES, "firebase_uid", "chargebee_customer_id", "zendesk_user_id"),
                    *("currency_code", "history_value", "deleted_at"),
                ),
                # Whose data is being deleted is seen until it is: the account has to be closed.
                filter={"_or": [PRESENT, {"firebase_uid": {"_is_null": False}}]},
            ),
            update=Update(
                columns=(
                    *("chargebee_customer_id", "zendesk_user_id", "lifetime_value", "history_value"),
                    # Who unsubscribes does so where the message was sent from.
                    *("email_opt_out", "sms_opt_out"),
                ),
                filter=EVERY_ROW,
            ),
        ),
    },
    "public.staff": {
        # The people one is treated by or writes with, as a patient knows them.
        "user": TablePermissions(
            select=Select(
                columns=("id", "first_name", "last_name", "credentials", "specialty"),
                filter={"_or": [{"care_teams": OWN_PATIENT}, {"message_threads": OWN}]},
                limit=PAGE_OF_A_CUSTOMER,
            ),
        ),
        "provider": TablePermissions(
            select=Select(columns=(*_STAFF, "active"), filter=AS_STAFF, limit=PAGE_OF_STAFF),
        ),
        "cct": TablePermissions(
            select=Select(
                columns=(*_STAFF, "email", "phone", "timezone", "active"),
                filter=AS_STAFF,
                limit=PAGE_OF_STAFF,
                aggregate=True,
            ),
        ),
        "service": TablePermissions(
            select=Select(
                # The NPI stands on every order to a pharmacy.
                columns=("id", "firebase_uid", "email", "first_name", "last_name", "role", "npi", "active"),
                filter=EVERY_ROW,
            ),
            update=Update(columns=("firebase_uid",), filter=EVERY_ROW),
        ),
    },
    "public.treatment": {
        "anonymous": TablePermissions(select=Select(columns=_TREATMENT, filter=_OFFERED, limit=PAGE_OF_A_CUSTOMER)),
        "newcomer": TablePermissions(select=Select(columns=_TREATMENT, filter=_OFFERED, limit=PAGE_OF_A_CUSTOMER)),
        # Own contracts keep showing a treatment that is no longer offered.
        "user": TablePermissions(
            select=Select(
                columns=(*_TREATMENT, "active"),
                filter={"_or": [_OFFERED, {"contracts": OWN}]},
                limit=PAGE_OF_A_CUSTOMER,
            )
        ),
        "provider": TablePermissions(
            select=Select(
                columns=("id", "name", "description", "active", "term_months"), filter=AS_STAFF, limit=PAGE_OF_STAFF
            )
        ),
        "cct": TablePermissions(
            select=Select(
                columns=(*_TREATMENT, "active", "monthly_item_price_id", "upfront_item_price_id"),
                filter=AS_STAFF,
                limit=PAGE_OF_STAFF,
                aggregate=True,
            )
        ),
        "service": TablePermissions(
            select=Select(
                columns=(
                    *("monthly_item_price_id", "upfront_item_price_id", "monthly_price", "upfront_price"),
                    *("currency_code", "has_upfront_payment_option"),
                ),
                filter=EVERY_ROW,
            )
        ),
    },
    "public.contract": {
        "user": TablePermissions(
            select=Select(columns=_CONTRACT, filter=OWN, limit=PAGE_OF_A_CUSTOMER, aggregate=True),
            # For a treatment that is offered, paid by a living subscription of one's own (or none yet), not over
            # before it began, and no renewal: that is the contract agent's, and an insert nested in `renewed_from`
            # would make one.
            insert=Insert(
                columns=("subscription_id", "treatment_id", "start_date", "auto_renew"),
                check={
                    **OWN,
                    "treatment": _OFFERED,
                    "_or": [
                        {"subscription_id": {"_is_null": True}},
                        {
                            "subscription": {
                                "profile": IS_ME,
                                "deleted": {"_eq": False},
                                "status": {"_neq": "cancelled"},
                            }
                        },
                    ],
                    "end_date": {"_cgt": "created_at"},
                    "renewed_from_id": {"_is_null": True},
                },
                presets={"customer_id": ME, "status": "future"},
            ),
        ),
        "provider": TablePermissions(
            select=Select(
                columns=("id", "customer_id", "treatment_id", "status", "start_date", "end_date"),
                filter=OF_MY_PATIENT_AS_CUSTOMER,
                limit=PAGE_OF_STAFF,
                aggregate=True,
            ),
        ),
        # Read only: contracts change through operations.
        "cct": TablePermissions(
            select=Select(columns=_CONTRACT, filter={**AS_STAFF, **OF_PRESENT}, limit=PAGE_OF_STAFF, aggregate=True),
        ),
        "service": TablePermissions(
            select=Select(
                columns=(
                    *("id", "customer_id", "subscription_id", "treatment_id", "status", "start_date", "end_date"),
                    *("auto_renew", "renewed_from_id", "activated_at", "created_at", "updated_at"),
                ),
                filter=OF_PRESENT,
            ),
            # One that follows another: its end is its treatment's, and it is renewed as any.
            insert=Insert(
                columns=("customer_id", "subscription_id", "treatment_id", "status", "start_date", "renewed_from_id"),
                check={
                    **OF_PRESENT,
                    "_or": [
                        {"renewed_from_id": {"_is_null": True}},
                        {"renewed_from": {"customer_id": {"_ceq": ["$", "customer_id"]}}},
                    ],
                },
            ),
            update=Update(
                columns=("subscription_id", "status", "activated_at", "completed_at"),
                filter=OF_PRESENT,
            ),
        ),
    },
    "public.message_thread": {
        "user": TablePermissions(
            select=Select(columns=_THREAD, filter=OWN, limit=PAGE_OF_A_CUSTOMER, aggregate=True),
            insert=Insert(columns=("subject", "category"), check=OWN, presets={"customer_id": ME, "status": "open"}),
        ),
        "provider": TablePermissions(
            select=Select(columns=_THREAD, filter=OF_MY_PATIENT_AS_CUSTOMER, limit=PAGE_OF_STAFF, aggregate=True),
            insert=Insert(
                columns=("customer_id", "subject", "category"),
                check=OF_MY_PATIENT_AS_CUSTOMER,
                presets={"staff_id": ME, "status": "open"},
            ),
            update=Update(columns=("status",), filter=OF_MY_PATIENT_AS_CUSTOMER),
        ),
        "cct": TablePermissions(
            select=Select(columns=_THREAD, filter={**AS_STAFF, **OF_PRESENT}, limit=PAGE_OF_STAFF, aggregate=True),
            insert=Insert(
                columns=("customer_id", "staff_id", "subject", "category"),
                check={**AS_STAFF, **OF_PRESENT, **_ANSWERED_BY_STAFF},
                presets={"status": "open"},
            ),
            update=Update(
                columns=("staff_id", "category", "status"),
                filter={**AS_STAFF, **OF_PRESENT},
                check=_ANSWERED_BY_STAFF,
            ),
        ),
    },
    # What somebody else wrote is marked as read once; a message is never changed.
    "public.message": {
        "user": TablePermissions(
            select=Select(columns=_MESSAGE, filter={"thread": OWN}, limit=PAGE_OF_A_CUSTOMER, aggregate=True),
            insert=Insert(
                columns=("thread_id", "body"),
                check={"thread": {**OWN, **_OPEN}},
                presets={"sender_role": "customer", "sender_customer_id": ME},
            ),
            update=Update(
                columns=("read_at",),
                filter={"thread": OWN, "sender_role": {"_neq": "customer"}, **_UNREAD},
            ),
        ),
        "provider": TablePermissions(
            select=Select(
                columns=_MESSAGE, filter={"thread": OF_MY_PATIENT_AS_CUSTOMER}, limit=PAGE_OF_STAFF, aggregate=True
            ),
            insert=Insert(
                columns=("thread_id", "body"),
                check={"thread": {**OF_MY_PATIENT_AS_CUSTOMER, **_OPEN}},
                presets={"sender_role": "provider", "sender_staff_id": ME},
            ),
            update=Update(
                columns=("read_at",),
                filter={"thread": OF_MY_PATIENT_AS_CUSTOMER, **_FROM_CUSTOMER, **_UNREAD},
            ),
        ),
        "cct": TablePermissions(
            select=Select(
                columns=_MESSAGE, filter={**AS_STAFF, "thread": OF_PRESENT}, limit=PAGE_OF_STAFF, aggregate=True
            ),
            insert=Insert(
                columns=("thread_id", "body"),
                check={**AS_STAFF, "thread": {**OF_PRESENT, **_OPEN}},
                presets={"sender_role": "cct", "sender_staff_id": ME},
            ),
            update=Update(
                columns=("read_at",),
                filter={**AS_STAFF, "thread": OF_PRESENT, **_FROM_CUSTOMER, **_UNREAD},
            ),
        ),
    },
    "public.notification": {
        # What the portal shows: there the row itself is the message.
        "user": TablePermissions(
            select=Select(
                columns=("id", "template", "data", "sent_at", "read_at", "created_at"),
                filter={**OWN, "channel": {"_eq": "portal"}, "status": {"_in": ["sent", "delivered"]}},
                limit=PAGE_OF_A_CUSTOMER,
                aggregate=True,
            ),
            update=Update(columns=("read_at",), filter={**OWN, "channel": {"_eq": "portal"}, **_UNREAD}),
        ),
        "cct": TablePermissions(
            select=Select(
                columns=(
                    *("id", "customer_id", "channel", "template", "recipient", "status", "status_reason"),
                    *("sent_at", "delivered_at", "read_at", "created_at", "updated_at"),
                ),
                filter={**AS_STAFF, **OF_PRESENT},
                limit=PAGE_OF_STAFF,
                aggregate=True,
            ),
        ),
        "service": TablePermissions(
            select=Select(
                columns=(
                    *("id", "event_id", "customer_id", "channel", "template", "data", "status", "status_reason"),
                    *("provider_message_id", "updated_at"),
                ),
                filter=EVERY_ROW,
            ),
            insert=Insert(
                columns=(
                    *("event_id", "customer_id", "channel", "template", "recipient", "data", "status"),
                    *("status_reason", "sent_at"),
                ),
                check=EVERY_ROW,
            ),
            update=Update(
                columns=("status", "status_reason", "provider_message_id", "sent_at"),
                filter=EVERY_ROW,
            ),
        ),
    },
    "public.support_ticket": {
        "cct": TablePermissions(
            select=Select(columns=_TICKET, filter={**AS_STAFF, **OF_PRESENT}, limit=PAGE_OF_STAFF, aggregate=True),
            # About an invoice of the same customer, if about any; for somebody who works here, if for anyone.
            insert=Insert(
                columns=("customer_id", "subject", "description", "category", "priority", "invoice_id", "assignee_id"),
                check={
                    **AS_STAFF,
                    **OF_PRESENT,
                    "_and": [
                        {
                            "_or": [
                                {"invoice_id": {"_is_null": True}},
                                {"invoice": {"profile": {"id": {"_ceq": ["$", "customer_id"]}}}},
                            ]
                        },
                        {"_or": [{"assignee_id": {"_is_null": True}}, {"assignee": {"active": {"_eq": True}}}]},
                    ],
                },
                presets={"status": "new"},
            ),
            update=Update(
                columns=("subject", "description", "category", "status", "priority", "assignee_id"),
                filter={**AS_STAFF, **OF_PRESENT},
                check={"_or": [{"assignee_id": {"_is_null": True}}, {"assignee": {"active": {"_eq": True}}}]},
            ),
        ),
        "service": TablePermissions(
            select=Select(
                columns=(
                    *("id", "zendesk_ticket_id", "subject", "description", "category", "status", "priority"),
                    "zendesk_updated_at",
                ),
                filter=EVERY_ROW,
            ),
            insert=Insert(
                columns=(
                    *("customer_id", "zendesk_ticket_id", "subject", "description"),
                    *("category", "status", "priority", "invoice_id", "solved_at", "zendesk_updated_at"),
                ),
                check=EVERY_ROW,
            ),
            update=Update(
                columns=("zendesk_ticket_id", "subject", "status", "priority", "solved_at", "zendesk_updated_at"),
                filter=EVERY_ROW,
            ),
        ),
    },
    # Of tickets that are closed nothing is written any more, as in Zendesk.
    "public.support_ticket_comment": {
        "cct": TablePermissions(
            select=Select(
                columns=_COMMENT, filter={**AS_STAFF, "ticket": OF_PRESENT}, limit=PAGE_OF_STAFF, aggregate=True
            ),
            insert=Insert(
                columns=("ticket_id", "body", "public"),
                check={**AS_STAFF, "ticket": {**OF_PRESENT, **_OPEN}},
                presets={"author": "cct", "author_staff_id": ME},
            ),
        ),
        "service": TablePermissions(
            select=Select(columns=("id", "body", "public", "zendesk_comment_id"), filter=EVERY_ROW),
            insert=Insert(
                columns=("ticket_id", "author", "body", "public", "zendesk_comment_id"),
                check={"ticket": OF_PRESENT},
            ),
            update=Update(columns=("zendesk_comment_id",), filter=EVERY_ROW),
        ),
    },
    # Its course is the invoice agent's, or the chargebee agent's while there is no invoice; the care coordination team
    # follows it.
    "public.payment_recovery": {
        "cct": TablePermissions(
            select=Select(columns=_RECOVERY, filter={**AS_STAFF, **OF_PRESENT}, limit=PAGE_OF_STAFF, aggregate=True),
        ),
        "service": TablePermissions(
            select=Select(
                columns=(
                    *("id", "customer_id", "invoice_id", "contract_id", "subscription_id", "status", "event_id"),
                    *(
                        "amount",
                        "currency_code",
                        "retries",
                        "attempts",
                        "next_retry_at",
                        "last_decline_code",
                        "needs_new_card",
                    ),
                    *("payment_source_id", "declined_at", "zendesk_ticket_id"),
                ),
                filter=OF_PRESENT,
            ),
            insert=Insert(
                columns=(
                    *("customer_id", "invoice_id", "contract_id", "subscription_id", "event_id", "amount"),
                    *("currency_code", "retries", "next_retry_at", "last_decline_code", "needs_new_card"),
                    *("payment_source_id", "declined_at", "zendesk_ticket_id", "failed_at"),
                ),
                check=OF_PRESENT,
            ),
            # The whole of it: one that failed again after it had ended begins anew.
            update=Update(
                columns=(
                    *("status", "status_reason", "event_id", "amount", "currency_code", "retries", "attempts"),
                    *("next_retry_at", "last_decline_code", "needs_new_card", "payment_source_id", "declined_at"),
                    *("zendesk_ticket_id", "failed_at", "closed_at"),
                ),
                filter=OF_PRESENT,
            ),
        ),
    },
    "public.referral": {
        # The friend's id stays out: who became a customer is theirs to tell.
        "user": TablePermissions(
            select=Select(
                columns=("id", "referred_email", "code", "status", "expires_at", "completed_at", "created_at"),
                filter={"referrer": IS_ME},
                limit=PAGE_OF_A_CUSTOMER,
                aggregate=True,
            ),
            insert=Insert(
                columns=("referred_email",),
                check={"referrer": IS_ME},
                presets={"referrer_id": ME, "status": "invited"},
            ),
        ),
        # Neither the code, which is as good as money, nor the address of a friend who is no customer.
        "cct": TablePermissions(
            select=Select(
                columns=(
                    *("id", "referrer_id", "referred_id", "status", "expires_at", "completed_at"),
                    *("created_at", "updated_at"),
                ),
                filter={**AS_STAFF, "referrer": PRESENT},
                limit=PAGE_OF_STAFF,
                aggregate=True,
            ),
        ),
        "service": TablePermissions(
            select=Select(columns=("id", "referrer_id", "referred_id", "status"), filter={"referrer": PRESENT}),
            update=Update(columns=("status", "completed_at"), filter=EVERY_ROW),
        ),
    },
    "public.referral_reward": {
        "user": TablePermissions(
            select=Select(
                columns=("id", "referral_id", "amount", "currency_code", "status", "granted_at", "created_at"),
                filter=OWN,
                limit=PAGE_OF_A_CUSTOMER,
                aggregate=True,
            ),
        ),
        "cct": TablePermissions(
            select=Select(columns=_REWARD, filter={**AS_STAFF, **OF_PRESENT}, limit=PAGE_OF_STAFF, aggregate=True),
        ),
        # For one of the two of a referral that came about.
        "service": TablePermissions(
            select=Select(
                columns=("referral_id", "customer_id", "amount", "currency_code", "status"), filter=OF_PRESENT
            ),
            insert=Insert(
                columns=("referral_id", "customer_id", "amount", "currency_code", "status"),
                check={
                    "_or": [
                        {"referral": {"referrer_id": {"_ceq": ["$", "customer_id"]}}},
                        {"referral": {"referred_id": {"_ceq": ["$", "customer_id"]}}},
                    ]
                },
            ),
            update=Update(columns=("status", "status_reason", "chargebee_credit_id", "granted_at"), filter=EVERY_ROW),
        ),
    },
    "public.data_deletion_request": {
        "user": TablePermissions(
            select=Select(
                columns=("id", "status", "reason", "scheduled_for", "completed_at", "cancelled_at", "created_at"),
                filter=OWN,
                limit=PAGE_OF_A_CUSTOMER,
            ),
            insert=Insert(columns=("reason",), check=OWN, presets={"customer_id": ME, "status": "pending"}),
        ),
        "cct": TablePermissions(
            select=Select(
                columns=(
                    *("id", "customer_id", "status", "scheduled_for", "started_at", "completed_at"),
                    *("cancelled_at", "created_at"),
                ),
                filter={**AS_STAFF, **OF_PRESENT},
                limit=PAGE_OF_STAFF,
                aggregate=True,
            ),
        ),
    },
}
