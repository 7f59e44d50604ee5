"""`python -m tests.chaos`: programs die at random while rows change, and nothing is lost, repeated or out of order."""
