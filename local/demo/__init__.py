"""The demo data: a small telehealth business that never existed, the same on every machine.

`generator.generate(reference)` makes all rows as plain values: no I/O, no clock, no chance but a fixed seed. Times are
relative to the reference date (today, when it is loaded), ids don't depend on it. From the same rows come

- what `loader.load` copies into the database (`caregraph seed`),
- what the Chargebee stand-in starts with (`chargebee.chargebee_objects`),
- who can sign in (`accounts.demo_accounts`).

Some people are always there, with ids that can be written down (`people`):

    ada@example.com      customer  active subscription, no contract yet: insert one and watch
    bo@example.com       customer  active contract, prescriptions under way, messages, the whole story
    cleo@example.com     customer  her last payment failed
    mira@example.com     provider  Ada's, Bo's and Cleo's doctor
    theo@example.com     cct       care coordination team
    ines@example.com     admin     operator

Nobody has a record in Zendesk yet: it comes with the first event about them, as it would in life.

Names, addresses and numbers are invented (example.com, 555-01xx); codes of LOINC, RxNorm, ICD-10-CM and SNOMED CT are
real.
"""
