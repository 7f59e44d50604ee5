"""Stand-in for Iterable: profiles, events, journeys, messages. Nothing leaves the machine; the page shows what would.

It speaks the part of https://api.iterable.com/api/docs that the platform uses. Its campaigns are the templates of the
notification agent, each as e-mail and as SMS.
"""
