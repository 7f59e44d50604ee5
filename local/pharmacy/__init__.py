"""Stand-in for the pharmacy network: orders and refills, their progress by its clock, signed webhooks.

`API.md` is the wire format, the stand-in's and the network's. `POST /_control/orders` plays a pharmacist, and
`POST /_control/pace` says how fast orders go on by themselves.
"""
