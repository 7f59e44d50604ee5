"""``python -m local.chargebee``."""

from local.chargebee.service import build
from local.standin.run import main

main("chargebee", build)
