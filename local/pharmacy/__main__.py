"""``python -m local.pharmacy``."""

from local.pharmacy.service import build
from local.standin.run import main

main("pharmacy", build)
