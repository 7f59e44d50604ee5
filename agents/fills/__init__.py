"""What a pharmacy's order means for a fill of ours; shared by the agents that hear from the pharmacy network.

`event_routing` hears by webhook, `prescription` asks now and then whether a webhook got lost. Both find the fill by
`find_fill`, and write what `progress` gives: the fill's new status and the event that tells of it. The event's id is
made of fill and status, so that it is published once, whoever hears first and however often.
"""
