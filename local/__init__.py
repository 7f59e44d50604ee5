"""The local platform: everything Caregraph needs, on one machine, with one command.

`layout` names the parts, their ports and folders; `environment` says which settings each program gets; `supervisor`
starts and watches them; `postgres` brings the database. The other packages are stand-ins for services of Google,
Chargebee, Iterable and Zendesk that speak the same protocols. Nothing in production imports from here.
"""
