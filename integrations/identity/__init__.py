"""Who a token belongs to, this process's own token, and the accounts in Firebase Auth.

Terms: an *issuer* signs tokens, a *key set* holds the public keys that prove it (JWKS, RFC 7517), an *ID token* is a
signed JWT (RFC 7519) that names its holder, an *account* is a user record in Firebase Auth.

- `jwks`: an issuer's key set, fetched when needed and kept; the one place that does so for the whole platform.
- `verification`: the checks every token goes through, whoever issued it.
- `oidc`: the token that Pub/Sub and Cloud Tasks send along with a push.
- `id_tokens`: the token this process sends along when it calls the API.
- `accounts`: creates, changes, disables and deletes accounts (firebase-admin).

Nothing here takes an unsigned token, not even from an emulator.
"""
