"""Push delivery: messages as HTTP requests to a subscription's endpoint.

`delivery.PushDelivery` takes messages and decides how many may be under way; `body` writes what Google would send;
`token` gets the OIDC token that goes with it. The connections are `local.pubsub.push.http`.
"""
