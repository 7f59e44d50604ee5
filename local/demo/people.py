"""Staff and customers, some of them well known."""

import datetime
import uuid
from dataclasses import dataclass
from typing import Any

from local.demo.catalogue import OFFERED, TREATMENTS, Treatment
from local.demo.chance import Chance
from local.demo.dates import add_months, at, days
from local.demo.rows import Row, Rows
from local.demo.stories import STORIES, WELL_KNOWN, Story
from schema.tables import public


def _well_known(group: int, number: int) -> uuid.UUID:
    """An id that can be written down, older than all others and in the form of version 7."""
    return uuid.UUID(f"018cc251-f400-7000-{group}-{number:012d}")


ADA = _well_known(8000, 1)
BO = _well_known(8000, 2)
CLEO = _well_known(8000, 3)
MIRA = _well_known(8001, 1)
THEO = _well_known(8001, 2)
INES = _well_known(8001, 3)

#: Ada's subscription in Chargebee, which no contract uses yet, and the treatment that it pays for.
ADA_SUBSCRIPTION = "AzqYdaT9kLp5Ada1"
ADA_TREATMENT = TREATMENTS[0].id

_PLACES = (
    # city, state, zip, time zone, area code
    ("Sacramento", "CA", "95814", "America/Los_Angeles", "916"),
    ("San Diego", "CA", "92101", "America/Los_Angeles", "619"),
    ("Portland", "OR", "97205", "America/Los_Angeles", "503"),
    ("Seattle", "WA", "98101", "America/Los_Angeles", "206"),
    ("Denver", "CO", "80202", "America/Denver", "303"),
    ("Boise", "ID", "83702", "America/Boise", "208"),
    ("Phoenix", "AZ", "85004", "America/Phoenix", "602"),
    ("Austin", "TX", "78701", "America/Chicago", "512"),
    ("Houston", "TX", "77002", "America/Chicago", "713"),
    ("Chicago", "IL", "60602", "America/Chicago", "312"),
    ("Madison", "WI", "53703", "America/Chicago", "608"),
    ("Atlanta", "GA", "30303", "America/New_York", "404"),
    ("Miami", "FL", "33131", "America/New_York", "305"),
    ("Boston", "MA", "02108", "America/New_York", "617"),
    ("Albany", "NY", "12207", "America/New_York", "518"),
    ("Honolulu", "HI", "96813", "Pacific/Honolulu", "808"),
)
_STATES = tuple(dict.fromkeys(state for _, state, *_ in _PLACES))

_FIRST_NAMES = (  # noqa: SIM905 -- so many quoted words are hard to read
    "Amara Anders Aoife Arlo Bahar Bela Bram Callum Carys Celeste Chidi Dana Darius Delphine Dmitri Eamon "
    "Edda Elio Emeka Esme Farah Felix Fiona Freya Gael Gita Greta Hana Hugo Idris Ilse Imani Ines Iris Ivo "
    "Jamal Jonas Juno Kaia Kenji Keziah Lars Leila Linnea Lucian Maeve Malik Marisol Matteo Mina Nadia Nico "
    "Noor Olga Omar Oona Pavel Petra Quinn Rafael Ravi Rosa Runa Saoirse Selim Signe Soren Stella Tamsin "
    "Tariq Thea Tobias Ulla Vera Viggo Willa Xavi Yara Yusuf Zelda Zora "
).split()
_LAST_NAMES = (  # noqa: SIM905 -- so many quoted words are hard to read
    "Abernathy Adeyemi Alder Amundsen Aster Balogun Bergstrom Birch Calloway Castellan Chandra Copeland Dahl "
    "Darrow Delacroix Duarte Eklund Ellery Farrow Fennimore Fontaine Galloway Garrick Haddad Hallow Hartwell "
    "Hawthorne Ibarra Ishida Jansen Jessup Kapoor Kestrel Kowalczyk Larkspur Leclair Lindgren Lockhart Marlow "
    "Mbeki Merriweather Moreau Nakagawa Nightingale Novak Oakley Obi Ortega Pemberton Pike Quill Rasmussen "
    "Ravenel Rowan Sandoval Sato Sorrel Stark Talbot Thackeray Tiller Underwood Valdez Vantongeren Vesper "
    "Wainwright Whitlock Winslow Yamada Yarrow Zapata "
).split()


@dataclass(frozen=True, kw_only=True, slots=True)
class Customer:
    """A customer on the way through the generator."""

    row: Row
    story: Story
    treatment: Treatment
    #: When the present contract or, without one, the subscription began (or will begin).
    start: datetime.date
    area_code: str

    @property
    def id(self) -> uuid.UUID:
        """`public.customer.id`."""
        key: uuid.UUID = self.row["id"]
        return key

    @property
    def chargebee_id(self) -> str:
        """Chargebee's id of the customer; only for those that have one."""
        key: str = self.row["chargebee_customer_id"]
        return key

    @property
    def created_at(self) -> datetime.datetime:
        """When the customer signed up."""
        time: datetime.datetime = self.row["created_at"]
        return time

    @property
    def is_deleted(self) -> bool:
        """Whether their data was deleted."""
        return self.row["deleted_at"] is not None


def add_staff(rows: Rows, chance: Chance) -> None:
    """Nine providers (one has left), five of the care coordination team, one operator."""
    hired = rows.now - days(800)
    people = [
        ("Mira", "Solberg", "provider", MIRA),
        ("Theo", "Brandt", "cct", THEO),
        ("Ines", "Okoye", "admin", INES),
        *((first, last, "provider", None) for first, last in _names(chance, 8)),
        *((first, last, "cct", None) for first, last in _names(chance, 4)),
    ]
    for number, (first_name, last_name, role, key) in enumerate(people):
        provider = role == "provider"
        short = key is not None
        email = f"{first_name}@example.com" if short else f"{first_name}.{last_name}@staff.example.com"
        values: dict[str, Any] = {"id": key} if key is not None else {}
        rows.add(
            public.staff,
            **values,
            firebase_uid=f"demo-{first_name.lower()}" if short else f"demo-staff-{number:03d}",
            email=email.lower(),
            first_name=first_name,
            last_name=last_name,
            phone=f"+12125550{120 + number}",
            role=role,
            npi=f"19{number:08d}" if provider else None,
            credentials=chance.pick(("MD", "DO", "NP", "PA-C")) if provider else None,
            specialty=chance.pick(("Internal Medicine", "Family Medicine", "Endocrinology")) if provider else None,
            # Mira may treat everywhere; each state has at least one more.
            license_states=list(_STATES) if key == MIRA else _licences(number) if provider else [],
            timezone="America/New_York",
            active=number != 3,
            created_at=hired + days(number),
        )


def _licences(number: int) -> list[str]:
    return sorted(state for index, state in enumerate(_STATES) if (index + number) % 3)


def add_customers(rows: Rows, chance: Chance) -> list[Customer]:
    """All customers, the well-known ones first, the others in no order of their stories."""
    stories = [story for story in STORIES for _ in range(story.count)]
    known = (("Ada", "Lindqvist", ADA), ("Bo", "Marchetti", BO), ("Cleo", "Fairweather", CLEO))
    customers = [
        _add_customer(rows, chance, WELL_KNOWN[first], first, last, key=key, number=number)
        for number, (first, last, key) in enumerate(known)
    ]
    names = _names(chance, len(stories))
    for number, (story, (first, last)) in enumerate(zip(chance.shuffled(stories), names, strict=True), len(known)):
        customers.append(_add_customer(rows, chance, story, first, last, number=number))
    return customers


def _add_customer(
    rows: Rows, chance: Chance, story: Story, first: str, last: str, *, number: int, key: uuid.UUID | None = None
) -> Customer:
    treatment = TREATMENTS[0] if key is not None else _choose_treatment(chance, story)
    start = _choose_start(rows, chance, story, treatment)
    earlier = add_months(start, -treatment.term_months * max(len(story.contracts) - 1, 0))
    signed_up = min(at(earlier, chance.integer(7, 22), chance.integer(0, 59)), rows.now) - days(chance.integer(1, 5))
    city, state_code, zip_code, timezone, area_code = chance.pick(_PLACES)
    deleted = story.name == "deleted"
    values: dict[str, Any] = {"id": key} if key is not None else {}
    row = rows.add(
        public.customer,
        **values,
        firebase_uid=f"demo-{first.lower()}" if key else f"demo-customer-{number:04d}",
        chargebee_customer_id=None if story.subscription is None else _chargebee_id(chance, key),
        created_at=signed_up,
        timezone=timezone,
        country="US",
        state_code=state_code,
        deleted_at=rows.now - days(6) if deleted else None,
        **({} if deleted else _personal(chance, first, last, key is not None, city, zip_code, area_code)),
    )
    if deleted:
        row["firebase_uid"] = None
    return Customer(row=row, story=story, treatment=treatment, start=start, area_code=area_code)


def _personal(
    chance: Chance, first: str, last: str, well_known: bool, city: str, zip_code: str, area_code: str
) -> dict[str, Any]:
    """What a deletion removes."""
    return {
        "email": f"{first}@example.com".lower() if well_known else f"{first}.{last}@example.com".lower(),
        "first_name": first,
        "last_name": last,
        "phone": f"+1{area_code}55501{chance.integer(0, 99):02d}",
        "date_of_birth": datetime.date(chance.integer(1948, 2003), chance.integer(1, 12), chance.integer(1, 28)),
        "address_line1": f"{chance.integer(1, 980)} {chance.pick(('Oak', 'Mill', 'Cedar', 'Lake', 'Hill'))} Street",
        "address_line2": f"Apt {chance.integer(1, 40)}" if chance.happens(0.25) else None,
        "city": city,
        "zip": zip_code,
        "email_opt_out": not well_known and chance.happens(0.08),
        "sms_opt_out": not well_known and chance.happens(0.15),
    }


def _choose_treatment(chance: Chance, story: Story) -> Treatment:
    allowed = [
        treatment
        for treatment in OFFERED
        if story.upfront_option is None or story.upfront_option == (treatment.upfront_price is not None)
    ]
    return chance.pick(allowed)


def _choose_start(rows: Rows, chance: Chance, story: Story, treatment: Treatment) -> datetime.date:
    if story.name == "ends_soon":
        # Days before the end of the term: renewals to come, none overdue. A short month may take up to three days.
        return add_months(rows.today + days(chance.integer(5, 9)), -treatment.term_months)
    if story.subscription == "in_trial":
        return rows.today + days(chance.integer(1, 6))
    if story.contracts == ("future",):
        return rows.today + days(chance.integer(3, 25))
    return add_months(rows.today - days(chance.integer(*story.days)), -chance.integer(*story.months))


def _chargebee_id(chance: Chance, key: uuid.UUID | None) -> str:
    known = {ADA: "AzqYdaT9kLm2Ada1", BO: "AzqYdaT9kLm2Bo12", CLEO: "AzqYdaT9kLmCleo3"}
    return known[key] if key is not None else "Az" + chance.token(14)


def _names(chance: Chance, count: int) -> list[tuple[str, str]]:
    """Different names: e-mail addresses are made of them."""
    pairs = [(first, last) for first in _FIRST_NAMES for last in _LAST_NAMES]
    return chance.sample(pairs, count)
