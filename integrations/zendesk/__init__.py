"""Zendesk Support: requester records and tickets."""
