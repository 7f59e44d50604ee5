"""Identity on this machine: Firebase Auth, Google's ID tokens of service accounts, and the metadata server.

A stand-in for development and tests; production uses Google's services and the same code on our side. It speaks enough
of Identity Toolkit for firebase-admin (`FIREBASE_AUTH_EMULATOR_HOST`) and the Firebase JavaScript SDK
(`connectAuthEmulator`). Unlike Firebase's own emulator it signs every token with RS256 and publishes the keys, so that
whoever checks a token runs the checks of production.

- `keys`: signing keys, kept in the platform's folder; `tokens`: what is signed with them.
- `accounts`: the user records, in SQLite; `passwords`; `seed`: the demo accounts.
- `toolkit`: what a signed-in person's SDK calls; `administration`: what firebase-admin calls; `secure_token`: refresh.
- `google`: OIDC ID tokens and the metadata server's form of asking for them.
- `developer`: a token for any account without its password, for `caregraph token` and GraphiQL.
- `app` puts them together; `python -m local.identity` serves it.
"""
