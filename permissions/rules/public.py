"""Rules of the schema `public`: profiles, the catalogue, contracts, messages, referrals."""

from collections.abc import Mapping
from typing import Final

from permissions.model import EVERY_ROW, Insert, Select, TablePermissions, Update
from permissions.rules.persons import (
    IN_MY_CARE,
    ME,
    OF_MY_PATIENT_AS_CUSTOMER,
    OWN,
    PAGE_OF_A_CUSTOMER,
    PAGE_OF_STAFF,
)

_ADDRESS: Final = ("address_line1", "address_line2", "city", "state_code", "zip", "country")
_WISHES: Final = ("timezone", "email_opt_out", "sms_opt_out", "quiet_hours_start", "quiet_hours_end")

_CONTRACT: Final = (
    "id",
    "customer_id",
    "subscription_id",
    "treatment_id",
    "status",
    "start_date",
    "end_date",
    "auto_renew",
    "renewed_from_id",
    "activated_at",
    "completed_at",
    "cancelled_at",
    "cancel_reason",
    "created_at",
    "updated_at",
)
_THREAD: Final = (
    "id",
    "customer_id",
    "staff_id",
    "subject",
    "category",
    "status",
    "last_message_at",
    "created_at",
    "updated_at",
)
_MESSAGE: Final = (
    "id",
    "thread_id",
    "sender_role",
    "sender_customer_id",
    "sender_staff_id",
    "body",
    "read_at",
    "created_at",
    "updated_at",
)
_TICKET: Final = (
    "id",
    "customer_id",
    "zendesk_ticket_id",
    "subject",
    "description",
    "category",
    "status",
    "priority",
    "invoice_id",
    "assignee_id",
    "solved_at",
    "created_at",
    "updated_at",
)
_REFERRAL: Final = (
    "id",
    "referrer_id",
    "referred_id",
    "referred_email",
    "code",
    "status",
    "expires_at",
    "completed_at",
    "created_at",
    "updated_at",
)
_REWARD: Final = (
    "id",
    "referral_id",
    "customer_id",
    "amount",
    "currency_code",
    "status",
    "status_reason",
    "granted_at",
    "created_at",
    "updated_at",
)
_TREATMENT: Final = (
    "id",
    "name",
    "description",
    "monthly_price",
    "upfront_price",
    "currency_code",
    "has_upfront_payment_option",
    "term_months",
)
_STAFF: Final = ("id", "first_name", "last_name", "role", "credentials", "specialty")

PUBLIC: Final[Mapping[str, Mapping[str, TablePermissions]]] = {
    "public.customer": {
        "user": TablePermissions(
            select=Select(
                columns=(
                    *("id", "email", "first_name", "last_name", "phone", "date_of_birth"),
                    *(*_ADDRESS, *_WISHES, "currency_code", "created_at", "updated_at"),
                ),
                filter={"id": {"_eq": ME}},
            ),
            # Nothing that money or a clinician decides, and not the e-mail address: it is how one signs in.
            update=Update(
                columns=("first_name", "last_name", "phone", *_ADDRESS, *_WISHES), filter={"id": {"_eq": ME}}
            ),
        ),
        "provider": TablePermissions(
            select=Select(
                columns=(
                    *("id", "email", "first_name", "last_name", "phone", "date_of_birth"),
                    *(*_ADDRESS, "timezone", "created_at", "updated_at"),
                ),
                filter={"patient": IN_MY_CARE},
                limit=PAGE_OF_STAFF,
                aggregate=True,
            ),
        ),
        "cct": TablePermissions(
            select=Select(
                columns=(
                    *("id", "chargebee_customer_id", "zendesk_user_id"),
                    *("email", "first_name", "last_name", "phone", "date_of_birth"),
                    *(*_ADDRESS, *_WISHES, "currency_code", "lifetime_value", "deleted_at", "created_at", "updated_at"),
                ),
                filter=EVERY_ROW,
                limit=PAGE_OF_STAFF,
                aggregate=True,
            ),
            update=Update(columns=("first_name", "last_name", "phone", *_ADDRESS, *_WISHES), filter=EVERY_ROW),
        ),
        "service": TablePermissions(
            select=Select(
                columns=(
                    *("id", "firebase_uid", "chargebee_customer_id", "zendesk_user_id"),
                    *("email", "first_name", "last_name", "phone", "date_of_birth"),
                    *(*_ADDRESS, *_WISHES, "currency_code", "lifetime_value", "deleted_at", "created_at", "updated_at"),
                ),
                filter=EVERY_ROW,
            ),
            update=Update(
                columns=("firebase_uid", "chargebee_customer_id", "zendesk_user_id", "lifetime_value"),
                filter=EVERY_ROW,
            ),
        ),
    },
    "public.staff": {
        # The people one is treated by or writes with, as a patient knows them.
        "user": TablePermissions(
            select=Select(
                columns=("id", "first_name", "last_name", "credentials", "specialty"),
                filter={
                    "_or": [
                        {"care_teams": {"patient": {"customer_id": {"_eq": ME}}}},
                        {"message_threads": {"customer_id": {"_eq": ME}}},
                    ]
                },
                limit=PAGE_OF_A_CUSTOMER,
            ),
        ),
        "provider": TablePermissions(
            select=Select(columns=(*_STAFF, "active"), filter=EVERY_ROW, limit=PAGE_OF_STAFF),
        ),
        "cct": TablePermissions(
            select=Select(
                columns=(*_STAFF, "email", "phone", "timezone", "active"),
                filter=EVERY_ROW,
                limit=PAGE_OF_STAFF,
                aggregate=True,
            ),
        ),
        "service": TablePermissions(
            select=Select(
                columns=(*_STAFF, "firebase_uid", "email", "active", "created_at", "updated_at"), filter=EVERY_ROW
            ),
            update=Update(columns=("firebase_uid",), filter=EVERY_ROW),
        ),
    },
    "public.treatment": {
        "anonymous": TablePermissions(
            select=Select(columns=_TREATMENT, filter={"active": {"_eq": True}}, limit=PAGE_OF_A_CUSTOMER)
        ),
        # Own contracts keep showing a treatment that is no longer offered.
        "user": TablePermissions(
            select=Select(
                columns=(*_TREATMENT, "active"),
                filter={"_or": [{"active": {"_eq": True}}, {"contracts": OWN}]},
                limit=PAGE_OF_A_CUSTOMER,
            )
        ),
        "provider": TablePermissions(
            select=Select(
                columns=("id", "name", "description", "active", "term_months"), filter=EVERY_ROW, limit=PAGE_OF_STAFF
            )
        ),
        "cct": TablePermissions(
            select=Select(
                columns=(*_TREATMENT, "active", "monthly_item_price_id", "upfront_item_price_id"),
                filter=EVERY_ROW,
                limit=PAGE_OF_STAFF,
                aggregate=True,
            )
        ),
        "service": TablePermissions(
            select=Select(
                columns=(*_TREATMENT, "active", "monthly_item_price_id", "upfront_item_price_id"), filter=EVERY_ROW
            )
        ),
    },
    "public.contract": {
        "user": TablePermissions(
            select=Select(columns=_CONTRACT, filter=OWN, limit=PAGE_OF_A_CUSTOMER, aggregate=True),
            # A treatment that is offered, and a subscription that is one's own (or none yet).
            insert=Insert(
                columns=("subscription_id", "treatment_id", "start_date", "auto_renew"),
                check={
                    "treatment": {"active": {"_eq": True}},
                    "_or": [
                        {"subscription_id": {"_is_null": True}},
                        {"subscription": {"profile": {"id": {"_eq": ME}}}},
                    ],
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
        "cct": TablePermissions(
            select=Select(columns=_CONTRACT, filter=EVERY_ROW, limit=PAGE_OF_STAFF, aggregate=True),
        ),
        "service": TablePermissions(
            select=Select(columns=_CONTRACT, filter=EVERY_ROW),
            insert=Insert(
                columns=(
                    *("customer_id", "subscription_id", "treatment_id", "status"),
                    *("start_date", "end_date", "auto_renew", "renewed_from_id"),
                ),
                check=EVERY_ROW,
            ),
            update=Update(
                columns=("subscription_id", "status", "activated_at", "completed_at", "cancelled_at", "cancel_reason"),
                filter=EVERY_ROW,
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
            update=Update(columns=("status",), filter=OF_MY_PATIENT_AS_CUSTOMER, check=OF_MY_PATIENT_AS_CUSTOMER),
        ),
        "cct": TablePermissions(
            select=Select(columns=_THREAD, filter=EVERY_ROW, limit=PAGE_OF_STAFF, aggregate=True),
            insert=Insert(columns=("customer_id", "staff_id", "subject", "category"), check=EVERY_ROW),
            update=Update(columns=("staff_id", "category", "status"), filter=EVERY_ROW),
        ),
        "service": TablePermissions(
            select=Select(columns=_THREAD, filter=EVERY_ROW),
        ),
    },
    "public.message": {
        "user": TablePermissions(
            select=Select(columns=_MESSAGE, filter={"thread": OWN}, limit=PAGE_OF_A_CUSTOMER, aggregate=True),
            insert=Insert(
                columns=("thread_id", "body"),
                check={"thread": OWN},
                presets={"sender_role": "customer", "sender_customer_id": ME},
            ),
            # Only that it was read, and only what others wrote.
            update=Update(
                columns=("read_at",), filter={"thread": OWN, "sender_role": {"_neq": "customer"}}, check={"thread": OWN}
            ),
        ),
        "provider": TablePermissions(
            select=Select(
                columns=_MESSAGE, filter={"thread": OF_MY_PATIENT_AS_CUSTOMER}, limit=PAGE_OF_STAFF, aggregate=True
            ),
            insert=Insert(
                columns=("thread_id", "body"),
                check={"thread": OF_MY_PATIENT_AS_CUSTOMER},
                presets={"sender_role": "provider", "sender_staff_id": ME},
            ),
            update=Update(
                columns=("read_at",),
                filter={"thread": OF_MY_PATIENT_AS_CUSTOMER, "sender_role": {"_eq": "customer"}},
                check={"thread": OF_MY_PATIENT_AS_CUSTOMER},
            ),
        ),
        "cct": TablePermissions(
            select=Select(columns=_MESSAGE, filter=EVERY_ROW, limit=PAGE_OF_STAFF, aggregate=True),
            insert=Insert(
                columns=("thread_id", "body"),
                check=EVERY_ROW,
                presets={"sender_role": "cct", "sender_staff_id": ME},
            ),
            update=Update(columns=("read_at",), filter={"sender_role": {"_eq": "customer"}}),
        ),
        # Who wrote when, not what.
        "service": TablePermissions(
            select=Select(
                columns=("id", "thread_id", "sender_role", "sender_customer_id", "sender_staff_id", "created_at"),
                filter=EVERY_ROW,
            ),
        ),
    },
    "public.notification": {
        "user": TablePermissions(
            select=Select(
                columns=("id", "channel", "template", "status", "sent_at", "read_at", "created_at"),
                filter=OWN,
                limit=PAGE_OF_A_CUSTOMER,
                aggregate=True,
            ),
            update=Update(columns=("read_at",), filter={**OWN, "channel": {"_eq": "portal"}}, check=OWN),
        ),
        "cct": TablePermissions(
            select=Select(
                columns=(
                    *("id", "customer_id", "channel", "template", "recipient", "status", "status_reason"),
                    *("sent_at", "delivered_at", "read_at", "created_at", "updated_at"),
                ),
                filter=EVERY_ROW,
                limit=PAGE_OF_STAFF,
                aggregate=True,
            ),
        ),
        "service": TablePermissions(
            select=Select(
                columns=(
                    *("id", "event_id", "customer_id", "channel", "template", "status", "status_reason"),
                    *("provider_message_id", "sent_at", "delivered_at", "created_at", "updated_at"),
                ),
                filter=EVERY_ROW,
            ),
            insert=Insert(
                columns=(
                    *("event_id", "customer_id", "channel", "template", "recipient", "data", "status"),
                    *("status_reason", "provider_message_id", "sent_at"),
                ),
                check=EVERY_ROW,
            ),
            update=Update(
                columns=("status", "status_reason", "provider_message_id", "sent_at", "delivered_at"),
                filter=EVERY_ROW,
            ),
        ),
    },
    "public.support_ticket": {
        "user": TablePermissions(
            select=Select(
                columns=("id", "subject", "category", "status", "solved_at", "created_at", "updated_at"),
                filter=OWN,
                limit=PAGE_OF_A_CUSTOMER,
            ),
        ),
        "cct": TablePermissions(
            select=Select(columns=_TICKET, filter=EVERY_ROW, limit=PAGE_OF_STAFF, aggregate=True),
            insert=Insert(
                columns=("customer_id", "subject", "description", "category", "priority", "invoice_id", "assignee_id"),
                check=EVERY_ROW,
            ),
            update=Update(
                columns=("subject", "description", "category", "status", "priority", "assignee_id"), filter=EVERY_ROW
            ),
        ),
        "service": TablePermissions(
            select=Select(columns=_TICKET, filter=EVERY_ROW),
            insert=Insert(
                columns=(
                    *("customer_id", "zendesk_ticket_id", "subject", "description"),
                    *("category", "status", "priority", "invoice_id"),
                ),
                check=EVERY_ROW,
            ),
            update=Update(
                columns=("zendesk_ticket_id", "subject", "status", "priority", "solved_at"), filter=EVERY_ROW
            ),
        ),
    },
    "public.referral": {
        # The friend's id stays out: who became a customer is theirs to tell.
        "user": TablePermissions(
            select=Select(
                columns=("id", "referred_email", "code", "status", "expires_at", "completed_at", "created_at"),
                filter={"referrer_id": {"_eq": ME}},
                limit=PAGE_OF_A_CUSTOMER,
                aggregate=True,
            ),
            insert=Insert(
                columns=("referred_email",),
                check={"referrer_id": {"_eq": ME}},
                presets={"referrer_id": ME},
            ),
        ),
        "cct": TablePermissions(
            select=Select(columns=_REFERRAL, filter=EVERY_ROW, limit=PAGE_OF_STAFF, aggregate=True),
        ),
        "service": TablePermissions(
            select=Select(columns=_REFERRAL, filter=EVERY_ROW),
            update=Update(columns=("referred_id", "status", "completed_at"), filter=EVERY_ROW),
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
            select=Select(columns=_REWARD, filter=EVERY_ROW, limit=PAGE_OF_STAFF, aggregate=True),
        ),
        "service": TablePermissions(
            select=Select(columns=(*_REWARD, "chargebee_credit_id"), filter=EVERY_ROW),
            insert=Insert(columns=("referral_id", "customer_id", "amount", "currency_code", "status"), check=EVERY_ROW),
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
            insert=Insert(columns=("reason",), check=OWN, presets={"customer_id": ME}),
        ),
        "cct": TablePermissions(
            select=Select(
                columns=(
                    *("id", "customer_id", "status", "reason", "scheduled_for"),
                    *("started_at", "completed_at", "cancelled_at", "created_at"),
                ),
                filter=EVERY_ROW,
                limit=PAGE_OF_STAFF,
                aggregate=True,
            ),
        ),
        "service": TablePermissions(
            select=Select(
                columns=(
                    *("id", "customer_id", "status", "scheduled_for"),
                    *("started_at", "completed_at", "cancelled_at", "created_at"),
                ),
                filter=EVERY_ROW,
            ),
            update=Update(columns=("status", "started_at", "completed_at", "proof"), filter=EVERY_ROW),
        ),
    },
}
