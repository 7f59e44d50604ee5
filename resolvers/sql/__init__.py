"""Rendering: the intermediate representation to SQL text and binds.

The only place in the code base that writes SQL for clients. Values become binds in `writer.Writer.bind`, identifiers
are quoted in `writer.quote_identifier` and come from the catalogue; response keys, which are the client's, are quoted
as aliases or literals. Aliases of range variables come from a counter, so that equal trees give equal text.
"""
