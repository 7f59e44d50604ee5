"""The pharmacy network: orders out, their progress back by webhook. Its API is described in `local/pharmacy/API.md`.

- `settings`: where it is and who we are there.
- `types`: orders and webhooks, in its words.
- `client`: create, get, list, cancel.
- `signature`: whether a webhook is the network's; `webhook`: what it says.
"""
