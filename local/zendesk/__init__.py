"""Stand-in for Zendesk Support: users, tickets with comments and audits, event webhooks.

It speaks the part of https://developer.zendesk.com/api-reference/ticketing/introduction/ that the platform uses.
`POST /_control/tickets` plays a member of the support team: `{"id", "status", "comment", "public"}`.
"""
