"""The codes by which operations refuse, one enum a domain. They are part of the API: renamed never, added at will.

`not-found` is the answer for what doesn't exist and for what the caller may not see: the two can't be told apart.
Besides these, an operation may answer what any mutation may (`validation-failed`, `data-exception`, `access-denied` …).
"""

from enum import StrEnum


class SubscriptionCode(StrEnum):
    """Why a subscription can't be changed so."""

    #: No such subscription among those that the caller may change.
    NOT_FOUND = "not-found"
    #: The arguments don't go together, for example a change of plan without a plan.
    ARGUMENTS = "validation-failed"
    #: The subscription's status doesn't allow it, for example resuming what isn't paused.
    WRONG_STATUS = "subscription-status"
    #: It is as asked for already, and not because the caller has just asked for it.
    NOTHING_TO_CHANGE = "nothing-to-change"
    #: The treatment isn't offered, or not with this billing.
    PLAN_NOT_OFFERED = "plan-not-offered"
    #: A contract for another treatment is under way; it is cancelled first.
    TREATMENT_DIFFERS = "treatment-differs"


class ContractCode(StrEnum):
    """Why a contract can't be cancelled."""

    #: No such contract among those that the caller may change.
    NOT_FOUND = "not-found"
    #: The arguments are out of bounds.
    ARGUMENTS = "validation-failed"
    #: It was completed or renewed: nothing is left to cancel.
    ENDED = "contract-ended"


class PrescriptionCode(StrEnum):
    """Why a prescription can't be signed, or a refill not be asked for or approved."""

    #: No such prescription among those that the caller may work on.
    NOT_FOUND = "not-found"
    #: Its status doesn't allow it: signing needs a draft, refills an active prescription.
    WRONG_STATUS = "prescription-status"
    #: The provider has no National Provider Identifier on record.
    NPI_MISSING = "npi-missing"
    #: The provider has no licence for the patient's state, or the patient's state isn't known.
    NOT_LICENSED = "not-licensed"
    #: The medication or the pharmacy has been withdrawn since the draft was written, or the patient is inactive.
    CANNOT_BE_DISPENSED = "cannot-be-dispensed"
    #: Neither the prescription nor the patient names a pharmacy.
    PHARMACY_MISSING = "pharmacy-missing"
    #: The draft asks for more refills or a longer validity than a controlled substance may have.
    CONTROLLED_SUBSTANCE = "controlled-substance"
    #: Its last day has passed.
    EXPIRED = "prescription-expired"
    #: All refills have been used.
    NO_REFILLS_LEFT = "no-refills-left"
    #: The refill isn't due yet; the message says when it is.
    TOO_SOON = "refill-too-soon"
    #: A fill is with the pharmacy already.
    FILL_UNDER_WAY = "fill-under-way"
    #: Nobody has asked for a refill.
    NOT_REQUESTED = "refill-not-requested"


class ReferralCode(StrEnum):
    """Why a referral code can't be redeemed."""

    #: Nobody has this code.
    NOT_FOUND = "not-found"
    #: Its time is over, or it was withdrawn.
    EXPIRED = "referral-expired"
    #: Somebody else has redeemed it.
    USED = "referral-used"
    #: It is the caller's own.
    OWN = "own-referral"
    #: The caller was referred by another code; nobody is referred twice.
    ALREADY_REFERRED = "already-referred"
    #: The caller has been a customer with a contract before.
    NOT_NEW = "not-a-new-customer"


class AccountCode(StrEnum):
    """Why an account can't be made, deleted or given a role."""

    #: No such person.
    NOT_FOUND = "not-found"
    #: The arguments are out of bounds.
    ARGUMENTS = "validation-failed"
    #: The request carries no verified sign-in, for example because it is made with the admin secret.
    NOT_SIGNED_IN = "not-signed-in"
    #: Another account has the e-mail address.
    EMAIL_TAKEN = "email-taken"
    #: There is a customer with this e-mail address; it is theirs once the address is verified.
    EMAIL_UNVERIFIED = "email-unverified"
    #: The sign-in belongs to a member of staff.
    IS_STAFF = "is-staff"
    #: The customer's data was deleted.
    DELETED = "account-deleted"
    #: Providers need a National Provider Identifier.
    NPI_MISSING = "npi-missing"
    #: Nobody would be left who can give roles.
    LAST_ADMIN = "last-admin"


class DeletionCode(StrEnum):
    """Why a deletion can't be withdrawn or carried out."""

    #: No such request, or none that can still be withdrawn.
    NOT_FOUND = "not-found"
    #: Its work has not begun, or is over.
    NOT_IN_WORK = "deletion-not-in-work"
    #: It is another agent's business.
    NOT_ALLOWED = "access-denied"
