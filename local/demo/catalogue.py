"""What the business offers: treatments and their prices in Chargebee, medications, pharmacies."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from local.demo.dates import days
from local.demo.rows import Row, Rows
from schema.tables import chargebee, healthcare, public

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"

NURSE_COACHING = "nurse-coaching-USD-Monthly"
LAB_KIT = "lab-kit-USD"


@dataclass(frozen=True, kw_only=True, slots=True)
class Treatment:
    """A treatment with what its patients have and get."""

    ordinal: int
    slug: str
    name: str
    description: str
    monthly_price: int
    upfront_price: int | None = None
    term_months: int = 6
    active: bool = True
    #: ICD-10-CM code and display.
    condition: tuple[str, str]
    #: RxNorm codes, the usual one first.
    medications: tuple[str, ...]
    #: LOINC codes of the laboratory tests that it needs.
    labs: tuple[str, ...] = ()
    #: Administrative gender, where only one gets it.
    gender: str | None = None

    @property
    def id(self) -> uuid.UUID:
        """Its key: the same everywhere, so that it can be written down."""
        return uuid.UUID(f"018cc251-f400-7000-8002-{self.ordinal:012d}")

    @property
    def monthly_item_price_id(self) -> str:
        """Chargebee's item price for a month."""
        return f"{self.slug}-USD-Monthly"

    @property
    def upfront_item_price_id(self) -> str | None:
        """Chargebee's item price for a term at once."""
        return f"{self.slug}-USD-Every-{self.term_months}-Months" if self.upfront_price is not None else None


TREATMENTS = (
    Treatment(
        ordinal=1,
        slug="weight-management",
        name="Weight Management",
        description="A GLP-1 programme with a clinician, monthly check-ins and delivery to your door.",
        monthly_price=29_700,
        upfront_price=149_700,
        condition=("E66.9", "Obesity, unspecified"),
        medications=("1991302", "2601723", "6809"),
        labs=("4548-4", "2093-3", "13457-7"),
    ),
    Treatment(
        ordinal=2,
        slug="testosterone",
        name="Testosterone Therapy",
        description="Diagnosis, treatment and laboratory follow-up of low testosterone.",
        monthly_price=12_900,
        condition=("E29.1", "Testicular hypofunction"),
        medications=("10379",),
        labs=("2986-8",),
        gender="male",
    ),
    Treatment(
        ordinal=3,
        slug="menopause",
        name="Menopause Care",
        description="Hormone therapy and advice for the years around menopause.",
        monthly_price=9_900,
        upfront_price=49_900,
        condition=("N95.1", "Menopausal and female climacteric states"),
        medications=("4083", "8727"),
        gender="female",
    ),
    Treatment(
        ordinal=4,
        slug="hair",
        name="Hair Restoration",
        description="Prescription treatment of hair loss, reviewed by a clinician.",
        monthly_price=3_900,
        upfront_price=19_900,
        condition=("L64.9", "Androgenic alopecia, unspecified"),
        medications=("25025", "6984"),
    ),
    Treatment(
        ordinal=5,
        slug="migraine",
        name="Migraine Care",
        description="Acute and preventive treatment of migraine, with a diary your clinician reads.",
        monthly_price=5_900,
        condition=("G43.909", "Migraine, unspecified, not intractable, without status migrainosus"),
        medications=("37418", "38404", "8787"),
    ),
    Treatment(
        ordinal=6,
        slug="sleep",
        name="Sleep",
        description="Treatment of insomnia: habits first, medication where it helps.",
        monthly_price=4_900,
        condition=("G47.00", "Insomnia, unspecified"),
        medications=("10737", "6711"),
    ),
    Treatment(
        ordinal=7,
        slug="thyroid",
        name="Thyroid Care",
        description="Treatment of an underactive thyroid, guided by laboratory tests at home.",
        monthly_price=6_900,
        condition=("E03.9", "Hypothyroidism, unspecified"),
        medications=("10582", "10814"),
        labs=("3016-3",),
    ),
    Treatment(
        ordinal=8,
        slug="smoking-cessation",
        name="Smoking Cessation",
        description="Three months to stop smoking. No longer offered.",
        monthly_price=7_900,
        term_months=3,
        active=False,
        condition=("F17.210", "Nicotine dependence, cigarettes, uncomplicated"),
        medications=("591622", "42347"),
    ),
)

OFFERED = tuple(treatment for treatment in TREATMENTS if treatment.active)


@dataclass(frozen=True, kw_only=True, slots=True)
class Medication:
    """A drug with the one way in which it is prescribed here."""

    code: str
    name: str
    form: str
    strength: str
    dosage: str
    #: Of a fill, with its UCUM unit and how long it lasts.
    quantity: int
    quantity_unit: str
    days_supply: int = 30
    is_controlled: bool = False
    status: str = "active"


MEDICATIONS: Mapping[str, Medication] = {
    medication.code: medication
    for medication in (
        Medication(
            code="1991302", name="semaglutide", form="solution for injection", strength="0.5 mg",
            dosage="Inject 0.5 mg under the skin once a week.", quantity=2, quantity_unit="mL", days_supply=28,
        ),
        Medication(
            code="2601723", name="tirzepatide", form="solution for injection", strength="5 mg",
            dosage="Inject 5 mg under the skin once a week.", quantity=2, quantity_unit="mL", days_supply=28,
        ),
        Medication(
            code="6809", name="metformin", form="tablet", strength="500 mg",
            dosage="Take one tablet by mouth twice a day with meals.", quantity=60, quantity_unit="{tbl}",
        ),
        Medication(
            code="10379", name="testosterone", form="gel", strength="20.25 mg", is_controlled=True,
            dosage="Apply one pump to each shoulder every morning.", quantity=75, quantity_unit="g",
        ),
        Medication(
            code="4083", name="estradiol", form="transdermal patch", strength="0.05 mg",
            dosage="Apply one patch to the skin twice a week.", quantity=8, quantity_unit="{patch}", days_supply=28,
        ),
        Medication(
            code="8727", name="progesterone", form="capsule", strength="100 mg",
            dosage="Take one capsule by mouth at bedtime.", quantity=30, quantity_unit="{capsule}",
        ),
        Medication(
            code="25025", name="finasteride", form="tablet", strength="1 mg",
            dosage="Take one tablet by mouth once a day.", quantity=30, quantity_unit="{tbl}",
        ),
        Medication(
            code="6984", name="minoxidil", form="topical solution", strength="50 mg",
            dosage="Apply 1 mL to the scalp twice a day.", quantity=60, quantity_unit="mL",
        ),
        Medication(
            code="37418", name="sumatriptan", form="tablet", strength="50 mg",
            dosage="Take one tablet by mouth at the start of a migraine; may repeat once after two hours.",
            quantity=9, quantity_unit="{tbl}",
        ),
        Medication(
            code="38404", name="topiramate", form="tablet", strength="25 mg",
            dosage="Take one tablet by mouth at bedtime.", quantity=30, quantity_unit="{tbl}",
        ),
        Medication(
            code="8787", name="propranolol", form="tablet", strength="40 mg",
            dosage="Take one tablet by mouth twice a day.", quantity=60, quantity_unit="{tbl}",
        ),
        Medication(
            code="10737", name="trazodone", form="tablet", strength="50 mg",
            dosage="Take one tablet by mouth at bedtime.", quantity=30, quantity_unit="{tbl}",
        ),
        Medication(
            code="6711", name="melatonin", form="tablet", strength="3 mg",
            dosage="Take one tablet by mouth an hour before bed.", quantity=30, quantity_unit="{tbl}",
        ),
        Medication(
            code="10582", name="levothyroxine", form="tablet", strength="50 ug",
            dosage="Take one tablet by mouth every morning on an empty stomach.", quantity=30, quantity_unit="{tbl}",
        ),
        Medication(
            code="10814", name="liothyronine", form="tablet", strength="5 ug",
            dosage="Take one tablet by mouth every morning.", quantity=30, quantity_unit="{tbl}",
        ),
        Medication(
            code="591622", name="varenicline", form="tablet", strength="1 mg", status="inactive",
            dosage="Take one tablet by mouth twice a day.", quantity=56, quantity_unit="{tbl}", days_supply=28,
        ),
        Medication(
            code="42347", name="bupropion", form="tablet", strength="150 mg", status="inactive",
            dosage="Take one tablet by mouth twice a day.", quantity=60, quantity_unit="{tbl}",
        ),
        Medication(
            code="8152", name="phentermine", form="capsule", strength="15 mg", is_controlled=True,
            status="entered_in_error", dosage="Take one capsule by mouth every morning.",
            quantity=30, quantity_unit="{capsule}",
        ),
    )
}  # fmt: skip

_PHARMACIES = (
    ("Juniper Mail Pharmacy", "9900011", "Columbus", "OH", "43085", "614"),
    ("Lakeside Compounding", "9900022", "Madison", "WI", "53703", "608"),
    ("Desert Bloom Pharmacy", "9900033", "Tempe", "AZ", "85281", "480"),
    ("Harbor Street Rx", "9900044", "Portland", "ME", "04101", "207"),
)


def add_catalogue(rows: Rows) -> None:
    """Treatments, item prices, medications and pharmacies, made long before the first customer."""
    founded = rows.now - days(900)
    for treatment in TREATMENTS:
        rows.add(
            public.treatment,
            id=treatment.id,
            name=treatment.name,
            description=treatment.description,
            active=treatment.active,
            monthly_item_price_id=treatment.monthly_item_price_id,
            upfront_item_price_id=treatment.upfront_item_price_id,
            monthly_price=treatment.monthly_price,
            upfront_price=treatment.upfront_price,
            has_upfront_payment_option=treatment.upfront_price is not None,
            term_months=treatment.term_months,
            created_at=founded,
        )
        status = "active" if treatment.active else "archived"
        _add_plan_price(rows, treatment, treatment.monthly_item_price_id, treatment.monthly_price, 1, status)
        if treatment.upfront_item_price_id is not None and treatment.upfront_price is not None:
            _add_plan_price(
                rows, treatment, treatment.upfront_item_price_id, treatment.upfront_price, treatment.term_months, status
            )
    _add_other_prices(rows)
    for medication in MEDICATIONS.values():
        rows.add(
            healthcare.medication,
            code_system=RXNORM,
            code=medication.code,
            code_display=medication.name,
            status=medication.status,
            form=medication.form,
            strength=medication.strength,
            is_controlled=medication.is_controlled,
            created_at=founded,
        )
    for name, ncpdp_id, city, state_code, zip_code, area in _PHARMACIES:
        rows.add(
            healthcare.pharmacy,
            name=name,
            ncpdp_id=ncpdp_id,
            phone=f"+1{area}5550110",
            fax=f"+1{area}5550111",
            email=f"orders@{name.split()[0].lower()}.example.com",
            address_line1="1 Market Street",
            city=city,
            state_code=state_code,
            zip=zip_code,
            created_at=founded,
        )


def _add_plan_price(rows: Rows, treatment: Treatment, key: str, price: int, months: int, status: str) -> None:
    _add_item_price(
        rows,
        id=key,
        name=f"{treatment.name} {'monthly' if months == 1 else f'every {months} months'}",
        external_name=treatment.name,
        item_id=treatment.slug,
        item_type="plan",
        status=status,
        price=price,
        period=months,
        period_unit="month",
    )


def _add_other_prices(rows: Rows) -> None:
    """Add-ons and charges in the other pricing models, a price that was archived and one that was deleted."""
    monthly = {"period": 1, "period_unit": "month"}
    for key, name, item_type, model, price, more in (
        (NURSE_COACHING, "Nurse coaching", "addon", "per_unit", 2_500, monthly),
        ("device-rental-USD-Monthly", "Device rental", "addon", "stairstep", 1_500, monthly),
        (LAB_KIT, "Laboratory kit", "charge", "per_unit", 4_900, {}),
        ("care-hours-USD", "Care hours", "charge", "tiered", 6_000, {}),
        ("message-pack-USD", "Message pack", "charge", "volume", 1_000, {}),
        ("weight-management-2023-USD-Monthly", "Weight Management 2023", "plan", "flat_fee", 24_900,
         {**monthly, "status": "archived"}),
        ("sleep-trial-USD-Monthly", "Sleep trial", "plan", "flat_fee", 100,
         {**monthly, "status": "deleted", "deleted": True}),
    ):  # fmt: skip
        item_id = key.split("-USD")[0]
        _add_item_price(
            rows, **{"id": key, "name": name, "item_id": item_id, "item_type": item_type, "pricing_model": model,
                     "price": price, **more},
        )  # fmt: skip


def _add_item_price(rows: Rows, **values: object) -> Row:
    created_at = rows.now - days(900)
    return rows.add(
        chargebee.item_price,
        item_family_id="telehealth",
        currency_code="USD",
        created_at=created_at,
        resource_version=int(created_at.timestamp() * 1000),
        **values,
    )
