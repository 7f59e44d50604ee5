"""What operators can switch about notifications without a deployment."""

from typing import Final

from integrations.flags.flags import Flag

#: Text messages leave. Off while a carrier has trouble or a sender id is being registered; in Kameleoon also for a
#: share of the customers. What isn't sent is recorded as suppressed.
SMS_NOTIFICATIONS: Final = Flag(key="sms-notifications", default=True)
