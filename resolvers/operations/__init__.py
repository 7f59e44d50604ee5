"""Hand-written operations: one a file, each an ordinary Strawberry field beside the generated ones."""

from collections.abc import Mapping
from typing import Final

from strawberry.types.scalar import ScalarDefinition

from resolvers.operations.approve_refill import APPROVE_REFILL
from resolvers.operations.begin_task import BEGIN_TASK
from resolvers.operations.cancel_contract import CANCEL_CONTRACT
from resolvers.operations.cancel_data_deletion import CANCEL_DATA_DELETION
from resolvers.operations.cancel_task import CANCEL_TASK
from resolvers.operations.carry_out_data_deletion import (
    BEGIN_DATA_DELETION,
    CONCLUDE_DATA_DELETION,
    ERASE_CUSTOMER_DATA,
    RECORD_DATA_DELETION_STEP,
)
from resolvers.operations.change_subscription import CHANGE_SUBSCRIPTION
from resolvers.operations.confirm_contract import CONFIRM_CONTRACT
from resolvers.operations.discard_dead_letters import DISCARD_DEAD_LETTERS
from resolvers.operations.finish_task import FINISH_TASK
from resolvers.operations.grant_role import GRANT_ROLE
from resolvers.operations.hold_contract import HOLD_CONTRACT
from resolvers.operations.publish_event import PUBLISH_EVENT
from resolvers.operations.redeem_referral import REDEEM_REFERRAL
from resolvers.operations.replay_events import REPLAY_EVENTS
from resolvers.operations.request_data_deletion import REQUEST_DATA_DELETION
from resolvers.operations.request_refill import REQUEST_REFILL
from resolvers.operations.reschedule_task import RESCHEDULE_TASK
from resolvers.operations.revoke_role import REVOKE_ROLE
from resolvers.operations.scalars import BIGINT, DATE, JSONB, TIMESTAMPTZ, UUID_
from resolvers.operations.sign_prescription import SIGN_PRESCRIPTION
from resolvers.operations.sign_up import SIGN_UP
from resolvers.role_schema import HandWritten, shared_scalar

HAND_WRITTEN: Final[tuple[HandWritten, ...]] = (
    SIGN_UP,
    CHANGE_SUBSCRIPTION,
    CANCEL_CONTRACT,
    SIGN_PRESCRIPTION,
    REQUEST_REFILL,
    APPROVE_REFILL,
    REDEEM_REFERRAL,
    REQUEST_DATA_DELETION,
    CANCEL_DATA_DELETION,
    BEGIN_DATA_DELETION,
    RECORD_DATA_DELETION_STEP,
    ERASE_CUSTOMER_DATA,
    CONCLUDE_DATA_DELETION,
    GRANT_ROLE,
    REVOKE_ROLE,
    PUBLISH_EVENT,
    REPLAY_EVENTS,
    DISCARD_DEAD_LETTERS,
    BEGIN_TASK,
    FINISH_TASK,
    CANCEL_TASK,
    RESCHEDULE_TASK,
    HOLD_CONTRACT,
    CONFIRM_CONTRACT,
)

#: Python types in resolvers' signatures → the scalars that generated fields use.
SCALARS: Final[Mapping[object, ScalarDefinition]] = {
    JSONB: shared_scalar("jsonb"),
    UUID_: shared_scalar("uuid"),
    TIMESTAMPTZ: shared_scalar("timestamptz"),
    DATE: shared_scalar("date"),
    BIGINT: shared_scalar("bigint"),
}
