"""From checked arguments and selections to the intermediate representation, with permissions placed in it.

`select` compiles reads, `where` conditions, `order` orderings, `aggregate` aggregates, `mutate` changes. All of it is
pure: the same operation, role and variables shape give the same tree.
"""
