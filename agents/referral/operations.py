"""The operations of `operations.graphql`, typed. Generated: change that file, run `make clients`."""

import datetime
import uuid
from typing import Any, Final

from agents.graphql.documents import Document
from agents.graphql.operations import Answer, Mutation, Query

_GET_ACTIVATION: Final = Document(
    name="GetActivation",
    kind="query",
    text="""\
query GetActivation($contract_id: uuid!, $customer_id: uuid!) {
  contract: contract_by_pk(id: $contract_id) {
    status
    customer_id
  }
  referrals: referral(where: { referred_id: { _eq: $customer_id } }) {
    id
    status
    referrer_id
    referrer {
      id
      chargebee_customer_id
      currency_code
      deleted_at
    }
    referred {
      id
      chargebee_customer_id
      currency_code
      deleted_at
    }
  }
}""",
)


class GetActivation(Answer):
    """The answer of `get_activation`."""

    class Contract(Answer):
        """Of type `contract`."""

        status: str
        customer_id: uuid.UUID

    class Referrals(Answer):
        """Of type `referral`."""

        class Referrer(Answer):
            """Of type `customer`."""

            id: uuid.UUID
            chargebee_customer_id: str | None
            currency_code: str
            deleted_at: datetime.datetime | None

        class Referred(Answer):
            """Of type `customer`."""

            id: uuid.UUID
            chargebee_customer_id: str | None
            currency_code: str
            deleted_at: datetime.datetime | None

        id: uuid.UUID
        status: str
        referrer_id: uuid.UUID
        referrer: Referrer | None
        referred: Referred | None

    contract: Contract | None
    referrals: list[Referrals]


def get_activation(*, contract_id: uuid.UUID, customer_id: uuid.UUID) -> Query[GetActivation]:
    """The contract that was activated, and the referral by which its customer came. Nobody is referred twice."""
    variables: dict[str, Any] = {"contract_id": contract_id, "customer_id": customer_id}
    return Query(document=_GET_ACTIVATION, variables=variables, answer=GetActivation)


_LIST_OUTSTANDING_REWARDS: Final = Document(
    name="ListOutstandingRewards",
    kind="query",
    text="""\
query ListOutstandingRewards($customer_id: uuid!) {
  rewards: referral_reward(
    where: {
      customer_id: { _eq: $customer_id }
      status: { _in: ["pending", "failed"] }
      referral: { status: { _eq: "completed" } }
    }
  ) {
    referral_id
    amount
    currency_code
    customer {
      id
      chargebee_customer_id
      deleted_at
    }
  }
}""",
)


class ListOutstandingRewards(Answer):
    """The answer of `list_outstanding_rewards`."""

    class Rewards(Answer):
        """Of type `referral_reward`."""

        class Customer(Answer):
            """Of type `customer`."""

            id: uuid.UUID
            chargebee_customer_id: str | None
            deleted_at: datetime.datetime | None

        referral_id: uuid.UUID
        amount: int
        currency_code: str
        customer: Customer | None

    rewards: list[Rewards]


def list_outstanding_rewards(*, customer_id: uuid.UUID) -> Query[ListOutstandingRewards]:
    """Rewards that a customer has earned and not got."""
    variables: dict[str, Any] = {"customer_id": customer_id}
    return Query(document=_LIST_OUTSTANDING_REWARDS, variables=variables, answer=ListOutstandingRewards)


_COMPLETE_REFERRAL: Final = Document(
    name="CompleteReferral",
    kind="mutation",
    text="""\
mutation CompleteReferral($id: uuid!, $completed_at: timestamptz!) {
  update_referral(
    where: { id: { _eq: $id }, status: { _eq: "signed_up" } }
    _set: { status: "completed", completed_at: $completed_at }
  ) {
    affected_rows
  }
}""",
)


class CompleteReferral(Answer):
    """The answer of `complete_referral`."""

    class UpdateReferral(Answer):
        """Of type `referral_mutation_response`."""

        affected_rows: int

    update_referral: UpdateReferral | None


def complete_referral(*, id: uuid.UUID, completed_at: datetime.datetime) -> Mutation[CompleteReferral]:
    """The mutation `CompleteReferral`."""
    variables: dict[str, Any] = {"id": id, "completed_at": completed_at}
    return Mutation(document=_COMPLETE_REFERRAL, variables=variables, answer=CompleteReferral)


_EARN_REWARD: Final = Document(
    name="EarnReward",
    kind="mutation",
    text="""\
mutation EarnReward($referral_id: uuid!, $customer_id: uuid!, $amount: bigint!, $currency_code: String!) {
  insert_referral_reward(
    objects: [
      {
        referral_id: $referral_id
        customer_id: $customer_id
        amount: $amount
        currency_code: $currency_code
        status: "pending"
      }
    ]
    on_conflict: { constraint: referral_reward_referral_id_customer_id_key, update_columns: [] }
  ) {
    affected_rows
  }
}""",
)


class EarnReward(Answer):
    """The answer of `earn_reward`."""

    class InsertReferralReward(Answer):
        """Of type `referral_reward_mutation_response`."""

        affected_rows: int

    insert_referral_reward: InsertReferralReward | None


def earn_reward(
    *, referral_id: uuid.UUID, customer_id: uuid.UUID, amount: int, currency_code: str
) -> Mutation[EarnReward]:
    """A reward is earned; one that is there already stays."""
    variables: dict[str, Any] = {
        "referral_id": referral_id,
        "customer_id": customer_id,
        "amount": amount,
        "currency_code": currency_code,
    }
    return Mutation(document=_EARN_REWARD, variables=variables, answer=EarnReward)


_GRANT_REWARD: Final = Document(
    name="GrantReward",
    kind="mutation",
    text="""\
mutation GrantReward($referral_id: uuid!, $customer_id: uuid!, $credit_id: String!, $granted_at: timestamptz!) {
  update_referral_reward(
    where: {
      referral_id: { _eq: $referral_id }
      customer_id: { _eq: $customer_id }
      status: { _in: ["pending", "failed"] }
    }
    _set: {
      status: "granted"
      chargebee_credit_id: $credit_id
      granted_at: $granted_at
      status_reason: null
    }
  ) {
    affected_rows
  }
}""",
)


class GrantReward(Answer):
    """The answer of `grant_reward`."""

    class UpdateReferralReward(Answer):
        """Of type `referral_reward_mutation_response`."""

        affected_rows: int

    update_referral_reward: UpdateReferralReward | None


def grant_reward(
    *, referral_id: uuid.UUID, customer_id: uuid.UUID, credit_id: str, granted_at: datetime.datetime
) -> Mutation[GrantReward]:
    """The credit is given."""
    variables: dict[str, Any] = {
        "referral_id": referral_id,
        "customer_id": customer_id,
        "credit_id": credit_id,
        "granted_at": granted_at,
    }
    return Mutation(document=_GRANT_REWARD, variables=variables, answer=GrantReward)


_FAIL_REWARD: Final = Document(
    name="FailReward",
    kind="mutation",
    text="""\
mutation FailReward($referral_id: uuid!, $customer_id: uuid!, $reason: String!) {
  update_referral_reward(
    where: {
      referral_id: { _eq: $referral_id }
      customer_id: { _eq: $customer_id }
      status: { _eq: "pending" }
    }
    _set: { status: "failed", status_reason: $reason }
  ) {
    affected_rows
  }
}""",
)


class FailReward(Answer):
    """The answer of `fail_reward`."""

    class UpdateReferralReward(Answer):
        """Of type `referral_reward_mutation_response`."""

        affected_rows: int

    update_referral_reward: UpdateReferralReward | None


def fail_reward(*, referral_id: uuid.UUID, customer_id: uuid.UUID, reason: str) -> Mutation[FailReward]:
    """The credit can't be given."""
    variables: dict[str, Any] = {"referral_id": referral_id, "customer_id": customer_id, "reason": reason}
    return Mutation(document=_FAIL_REWARD, variables=variables, answer=FailReward)
