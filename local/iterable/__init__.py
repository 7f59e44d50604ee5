"""Stand-in for Iterable: profiles, events, journeys, messages. Nothing leaves the machine; the page shows what would.

It speaks the part of https://api.iterable.com/api/docs that the platform uses. Campaigns and journeys are those of
`campaigns.json`; add a name there to have it on the next reset or first start.
"""
