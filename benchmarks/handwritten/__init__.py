"""The same part of the schema as a careful engineer would write it by hand.

Strawberry types and resolvers, SQLAlchemy's asynchronous ORM, a DataLoader for every relationship, so that a request
costs one statement a level. What is known to help is done: documents are parsed and validated once, answers are encoded
by orjson, reads run without a transaction, models map no more columns than the schema shows.
"""
