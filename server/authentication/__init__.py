"""Who is asking: from a request's headers to a session, or to a clear refusal.

The path of one request: `credentials` picks what the headers offer (admin secret, bearer token, cookie), and
`authenticator` decides by it. A token it has not met goes to the `issuers` that may have signed it; their rules check
it and turn its claims (`claims`) into the roles and variables it grants; `session_cache` keeps the answer until the
token ends. The rules are Hasura's (its "Authentication using JWT" pages); `settings` reads them from the environment.
"""
