"""What agents that charge customers know in common.

`declines`: why a card was declined, and whether charging it again makes sense. `cards`: by what a customer would be
charged now, and whether that is another card. `money`: amounts as people write them. `settings`: when a failed charge
is tried again. `doubles`: of a contract that was asked for twice at once, which one counts.
"""
