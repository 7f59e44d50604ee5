"""Stand-in for Chargebee: API v2 with product catalogue 2.0, events, webhooks, a test card gateway, a time machine.

It speaks the part of https://apidocs.chargebee.com/docs/api?prod_cat_ver=2 that the platform uses, and starts with the
objects of the demo data. What it simplifies: one currency a subscription, no taxes, no coupons, no trials, no dunning
of its own (the platform retries payments), proration by the second. Renewals happen when its clock is turned
(`POST /_control/clock`) or when asked for (`POST /_control/renew`), never behind a test's back.

- `form`: Chargebee's way of writing parameters. `replies`: its errors. `listing`: filters, sorting, pages.
- `site`: objects with their versions, events. `cards`: the gateway, which declines on command.
- `customers`, `catalogue`, `credits`, `subscriptions`, `invoices`: the resources' routes.
- `billing`: terms, renewals, charges, proration. `service`: all of it together. `seed`: what it starts with.
"""
